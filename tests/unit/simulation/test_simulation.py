import subprocess
import sys

import pytest

from stampshift.core.errors import ConfigError
from stampshift.simulation import class_counts, expected_counts, simulate_survey
from stampshift.simulation.streams import SURVEY_KEYS

SURVEYS = list(SURVEY_KEYS)


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.mark.parametrize("survey", SURVEYS)
def test_same_seed_gives_the_same_bytes_and_another_seed_others(
    survey, simulated, survey_constants, tmp_path
):
    constants = survey_constants(survey)
    for name, seed in (("again", 7), ("other", 8)):
        simulate_survey(
            survey, stamps=30, seed=seed, constants=constants, folder=tmp_path / name, processes=1
        )
    first = contents(simulated(survey, 30))
    assert contents(tmp_path / "again") == first
    other = contents(tmp_path / "other")
    assert other.keys() == first.keys()
    # thirty candidates of DES fill two exposures, and so the first two tars
    assert {name for name in first if other[name] == first[name]} <= {"stamps_2.tar"}


@pytest.mark.parametrize("survey", SURVEYS)
def test_bytes_do_not_depend_on_processes(survey, simulated, survey_constants, tmp_path, monkeypatch):
    # more than one task, so that two processes really share the work
    monkeypatch.setattr("stampshift.simulation.archive_plan.STAMPS_PER_TASK", 20)
    constants = survey_constants(survey)
    for processes in (1, 2):
        simulate_survey(
            survey,
            stamps=30,
            seed=7,
            constants=constants,
            folder=tmp_path / str(processes),
            processes=processes,
        )
    assert contents(tmp_path / "1") == contents(tmp_path / "2")


def test_nothing_but_the_archive_is_left(simulated):
    assert set(contents(simulated("HiTS", 30))) == {"all_chunks.tar.gz"}
    assert set(contents(simulated("DES", 30))) == {
        "autoscan_features.3.csv", "stamps_0.tar", "stamps_1.tar", "stamps_2.tar",
    }  # fmt: skip
    assert set(contents(simulated("ATLAS", 30))) == {"atlas_training_set.pkl"}
    assert set(contents(simulated("ZTF", 30))) == {"training_set_Nov-26-2019.pkl"}


def test_a_failed_simulation_leaves_no_file(survey_constants, tmp_path):
    constants = survey_constants("DES")
    del constants["cosmic_ray"]
    with pytest.raises(KeyError, match="cosmic_ray"):
        simulate_survey("DES", stamps=100, seed=1, constants=constants, folder=tmp_path, processes=1)
    assert list(tmp_path.iterdir()) == []


def test_largest_remainder_by_hand():
    constants = {"archive_counts": {"a": 50, "b": 30, "c": 20}}
    # shares of 7: 3.5, 2.1, 1.4; the one left over goes to a
    assert class_counts(7, constants=constants) == {"a": 4, "b": 2, "c": 1}


def test_rare_class_is_never_empty():
    constants = {"archive_counts": {"a": 999, "b": 1}}
    assert class_counts(10, constants=constants) == {"a": 9, "b": 1}
    assert class_counts(1, constants=constants) == {"a": 1, "b": 0}


@pytest.mark.parametrize("survey", SURVEYS)
@pytest.mark.parametrize("stamps", [7, 100, 3678, 36262])
def test_counts_sum_to_the_number_asked_for(survey, stamps, survey_constants):
    constants = survey_constants(survey)
    counts = class_counts(stamps, constants=constants)
    archive = constants.get("archive_counts") or constants["class_shares"]
    assert sum(counts.values()) == stamps
    assert list(counts) == list(archive)
    for name, count in counts.items():
        share = stamps * archive[name] / sum(archive.values())
        assert abs(count - share) < 1 or count == 1


def test_whole_archive_has_the_archives_counts(survey_constants):
    constants = survey_constants("ZTF")
    assert class_counts(36262, constants=constants) == {
        "AGN": 9996, "SN": 1079, "VS": 9938, "asteroid": 9899, "bogus": 5350,
    }  # fmt: skip


def test_the_counts_of_an_archive_are_expected_from_its_configuration(tmp_path):
    constants = tmp_path / "A.yaml"
    drawn = {"origin": "simulate", "simulate": {"stamps": 7}}
    assert expected_counts(drawn, constants=constants) == {}
    constants.write_text("archive_counts: {a: 40, b: 20, c: 10}")
    assert expected_counts(drawn, constants=constants) == {"a": 4, "b": 2, "c": 1}
    assert expected_counts({"origin": "path"}, constants=constants) == {"a": 40, "b": 20, "c": 10}
    # shares of classes say how to draw an archive, not what a real one holds
    constants.write_text("class_shares: {a: 40, b: 20, c: 10}")
    assert expected_counts(drawn, constants=constants) == {"a": 4, "b": 2, "c": 1}
    assert expected_counts({"origin": "path"}, constants=constants) == {}


def test_unknown_survey_and_bad_numbers_are_refused(survey_constants, tmp_path):
    options = {"constants": survey_constants("HiTS"), "folder": tmp_path}
    with pytest.raises(ConfigError, match=r"survey 'KiDS' cannot be simulated; expected one of HiTS, DES"):
        simulate_survey("KiDS", stamps=5, seed=0, processes=1, **options)
    with pytest.raises(ConfigError, match="found -1 and 1"):
        simulate_survey("HiTS", stamps=5, seed=-1, processes=1, **options)
    with pytest.raises(ConfigError, match="stamps must be at least 1, found 0"):
        simulate_survey("HiTS", stamps=0, seed=1, processes=1, **options)


def test_counts_need_neither_galsim_nor_torch():
    code = (
        "import sys; from stampshift.simulation import class_counts; "
        "print(sorted({'galsim', 'torch', 'pandas'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_a_long_simulation_tells_how_far_it_is_without_a_terminal(survey_constants, tmp_path, told):
    options = {"seed": 1, "constants": survey_constants("Rubin"), "folder": tmp_path, "processes": 1}
    simulate_survey("Rubin", stamps=12, **options)
    assert told() == ["simulate Rubin: 12 of 12 stamps in 0:01:00; 0:00:00 remaining"]
