import pytest

from fake_plan import planned_workflow
from stampshift.planning.dry_run import survey_size
from tiny_project import ROOT


@pytest.fixture(autouse=True)
def _in_the_project(monkeypatch):
    monkeypatch.chdir(ROOT)


def size(name, results, **surveys):
    return survey_size(name, planned_workflow(surveys=surveys).config["surveys"][name], results)


def test_the_size_of_a_simulated_survey_is_configured(tmp_path):
    assert [size(name, tmp_path) for name in ("HiTS", "DES", "ATLAS", "ZTF")] == [150] * 4


def test_that_of_a_published_archive_is_known(tmp_path):
    assert size("DES", tmp_path, DES={"origin": "path", "path": "there"}) == 454_092 + 444_871


def test_a_users_survey_is_unknown_until_its_stamps_exist(tmp_path):
    own = {
        "reader": "des",
        "origin": "path",
        "path": "there",
        "classes": {"real": "real", "artifact": "bogus"},
        "invalid": {},
    }
    assert size("MINE", tmp_path, MINE=own) is None
    assert planned_workflow(stamps={"MINE": None}).count("MINE") == 0
