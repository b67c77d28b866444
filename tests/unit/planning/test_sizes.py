from pathlib import Path

import pytest

from fake_plan import planned_workflow
from stampshift.planning.sizes import survey_sizes
from tiny_project import ROOT


@pytest.fixture(autouse=True)
def _in_the_project(monkeypatch):
    monkeypatch.chdir(ROOT)


def test_the_size_of_a_simulated_survey_is_configured():
    assert survey_sizes(planned_workflow()) == ({"HiTS": 150, "DES": 150, "ATLAS": 150, "ZTF": 150}, [])


def test_that_of_a_published_archive_is_known():
    workflow = planned_workflow(surveys={"DES": {"origin": "path", "path": "there"}})
    sizes, unknown = survey_sizes(workflow)
    assert (sizes["DES"], unknown) == (454_092 + 444_871, [])


def test_a_survey_of_one_s_own_is_unknown_until_its_stamps_are_there(tmp_path):
    own = {
        "reader": "des",
        "origin": "path",
        "path": "there",
        "classes": {"real": "real", "artifact": "bogus"},
        "invalid": {},
    }
    workflow = planned_workflow(surveys={"MINE": own}, pathvars={"results": str(tmp_path)})
    sizes, unknown = survey_sizes(workflow)
    assert (sizes["MINE"], unknown) == (0, ["MINE"])
    assert workflow.results == Path(tmp_path)
