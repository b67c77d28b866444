import pytest

from fake_plan import planned_workflow
from fake_surveys import write_survey
from stampshift.planning.dry_run import stamps_files, survey_size
from stampshift.stamps.file import read_attributes
from tiny_project import ROOT


@pytest.fixture(autouse=True)
def _in_the_project(monkeypatch):
    monkeypatch.chdir(ROOT)


def size(name, results, study=None, **surveys):
    config = planned_workflow(surveys=surveys).config
    return survey_size(
        name, config["surveys"][name], stamps_files(name, config["des_study"] | (study or {}), results)
    )


def test_the_size_of_a_simulated_survey_is_configured(tmp_path):
    assert [size(name, tmp_path) for name in ("HiTS", "DES", "ATLAS", "ZTF")] == [150] * 4


def test_that_of_a_published_archive_is_known(tmp_path):
    assert size("DES", tmp_path, DES={"origin": "path", "path": "there"}) == 454_092 + 444_871


OWN = {
    "reader": "des",
    "origin": "path",
    "path": "there",
    "classes": {"real": "real", "artifact": "bogus"},
    "invalid": {},
}


def test_a_users_survey_is_unknown_until_its_stamps_exist(tmp_path):
    assert size("MINE", tmp_path, MINE=OWN) is None
    assert planned_workflow(stamps={"MINE": None}).count("MINE") == 0


@pytest.mark.parametrize("place", ["stamps/MINE.h5", "des_study/new-survey/stamps.h5"])
def test_its_stamps_may_be_those_of_either_study(tmp_path, place):
    (tmp_path / place).parent.mkdir(parents=True)
    write_survey(tmp_path, "MINE", width=2, count=60).rename(tmp_path / place)
    read = read_attributes(tmp_path / place)["counts"]["read"]
    assert size("MINE", tmp_path, {"new_survey": {"survey": "MINE"}}, MINE=OWN) == read
    found = size("MINE", tmp_path, MINE=OWN)  # which is no survey of the second study
    assert found == (read if place.startswith("stamps") else None)
