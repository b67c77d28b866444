import shutil

import pandas as pd
import pytest

from stampshift.core.errors import ConfigError
from stampshift.simulation import simulate_survey
from stampshift.simulation.des_archive import plant_flips
from stampshift.surveys import des


def table(folder):
    return pd.read_csv(folder / "autoscan_features.3.csv", comment="#").set_index("ID")


def truth(folder):
    return pd.read_csv(folder / "planted_flips.csv").set_index("ID")


@pytest.fixture
def flipped(simulated, tmp_path):
    """Copy of the archive of 60 candidates with a share of labels flipped."""

    def flip(share, seed=7, name="flipped"):
        folder = shutil.copytree(simulated("DES", 60), tmp_path / f"{name}-{share}")
        plant_flips(folder, survey="DES", seed=seed, share=share)
        return folder

    return flip


def test_the_share_of_labels_is_flipped_and_nothing_else(flipped, simulated):
    before, after = table(simulated("DES", 60)), table(flipped(0.1))
    changed = before["OBJECT_TYPE"] != after["OBJECT_TYPE"]
    assert changed.sum() == 6
    # both classes alike: of six at random not all are one
    assert 0 < before["OBJECT_TYPE"][changed].sum() < 6
    assert before.drop(columns="OBJECT_TYPE").equals(after.drop(columns="OBJECT_TYPE"))
    old, new = simulated("DES", 60), flipped(0.1, name="again")
    names = [{path.name for path in folder.iterdir()} for folder in (old, new)]
    assert names[1] - names[0] == {"planted_flips.csv"}
    for path in old.glob("*.tar"):
        assert (new / path.name).read_bytes() == path.read_bytes()
    lines = [(folder / "autoscan_features.3.csv").read_text().splitlines() for folder in (old, new)]
    assert sum(one != two for one, two in zip(*lines, strict=True)) == 6


def test_the_truth_is_stored_in_the_columns_of_the_public_table(flipped, simulated):
    folder = flipped(0.1)
    planted = truth(folder)
    assert list(planted) == ["OBJECT_TYPE", "old_OBJECT_TYPE"]
    assert planted["OBJECT_TYPE"].equals(table(simulated("DES", 60))["OBJECT_TYPE"])
    assert planted["old_OBJECT_TYPE"].equals(table(folder)["OBJECT_TYPE"].rename("old_OBJECT_TYPE"))


def test_a_larger_share_includes_a_smaller_one_and_another_seed_is_another_choice(flipped):
    wrong = {}
    for name, share, seed in (("few", 0.05, 7), ("many", 0.3, 7), ("other", 0.3, 8)):
        planted = truth(flipped(share, seed=seed, name=name))
        wrong[name] = set(planted.index[planted["OBJECT_TYPE"] != planted["old_OBJECT_TYPE"]])
    assert len(wrong["few"]) == 3 and len(wrong["many"]) == 18
    assert wrong["few"] < wrong["many"] != wrong["other"]


def test_the_reader_takes_the_flipped_labels(flipped, simulated):
    read = {}
    for name, folder in (("before", simulated("DES", 60)), ("after", flipped(0.1))):
        read[name] = {item.identifier: item.survey_class for unit in des.units([folder]) for item in unit}
    changed = [name for name in read["before"] if read["before"][name] != read["after"][name]]
    planted = truth(flipped(0.1, name="again"))
    assert {int(name) for name in changed} == set(
        planted.index[planted["OBJECT_TYPE"] != planted["old_OBJECT_TYPE"]]
    )


def test_a_share_of_no_candidate_is_refused(flipped):
    with pytest.raises(
        ConfigError, match=r"simulate DES: a flipped share of 0\.005 of 60 candidates is less than one cand"
    ):
        flipped(0.005)


def test_a_survey_of_the_same_camera_is_drawn_in_the_same_format(survey_constants, tmp_path):
    constants = survey_constants("DECAT")
    simulate_survey("DECAT", stamps=30, seed=7, constants=constants, folder=tmp_path, processes=1)
    assert len(next(iter(des.units([tmp_path])))) == 30
    # 40 : 60, as the constants say
    assert table(tmp_path)["OBJECT_TYPE"].value_counts().to_dict() == {0: 12, 1: 18}
    assert table(tmp_path)["MAGLIM"].between(22.8, 23.6).all()
