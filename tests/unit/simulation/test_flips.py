import shutil
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from stampshift.core.errors import ConfigError
from stampshift.simulation import simulate_survey
from stampshift.simulation.archive_plan import make_plan
from stampshift.simulation.drawing import Source
from stampshift.simulation.flips import BAD_CCDS, MOST_WRONG, likely_cause, plant_flips
from stampshift.simulation.scenes import Mismatch
from stampshift.surveys import des


def table(folder):
    return pd.read_csv(folder / "autoscan_features.3.csv", comment="#").set_index("ID")


def truth(folder):
    return pd.read_csv(folder / "planted_flips.csv", keep_default_na=False).set_index("ID")


def wrong(folder):
    planted = truth(folder)
    return planted[planted["OBJECT_TYPE"] != planted["old_OBJECT_TYPE"]]


@pytest.fixture
def flipped(simulated, tmp_path):
    """Copy of the archive of 60 candidates with a share of labels flipped, by chance without causes."""

    def flip(share, seed=7, name="flipped", causes=None):
        folder = shutil.copytree(simulated("DES", 60), tmp_path / f"{name}-{share}")
        by = "cause" if causes else "chance"
        plant_flips(folder, survey="DES", seed=seed, share=share, by=by, causes=causes or [""] * 60)
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
    assert list(planted) == ["OBJECT_TYPE", "old_OBJECT_TYPE", "cause"]
    assert planted["OBJECT_TYPE"].equals(table(simulated("DES", 60))["OBJECT_TYPE"])
    assert planted["old_OBJECT_TYPE"].equals(table(folder)["OBJECT_TYPE"].rename("old_OBJECT_TYPE"))


def test_a_larger_share_includes_a_smaller_one_and_another_seed_is_another_choice(flipped):
    few, many = wrong(flipped(0.05, name="few")), wrong(flipped(0.3, name="many"))
    other = wrong(flipped(0.3, seed=8, name="other"))
    assert len(few) == 3 and len(many) == 18
    assert set(few.index) < set(many.index) != set(other.index)


def test_the_reader_takes_the_flipped_labels(flipped, simulated):
    read = {}
    for name, folder in (("before", simulated("DES", 60)), ("after", flipped(0.1))):
        read[name] = {item.identifier: item.survey_class for unit in des.units([folder]) for item in unit}
    changed = [name for name in read["before"] if read["before"][name] != read["after"][name]]
    assert {int(name) for name in changed} == set(wrong(flipped(0.1, name="again")).index)


def test_a_share_of_no_candidate_is_refused(flipped):
    with pytest.raises(
        ConfigError, match=r"simulate DES: a flipped share of 0\.005 of 60 candidates is less than one cand"
    ):
        flipped(0.005)


CAUSES = ["host"] * 8 + ["saturated_star"] * 4 + ["bad_ccd"] + ["dipole"] * 16 + [""] * 31


def test_each_cause_has_as_many_flips_and_the_next_make_up_for_what_one_lacks(flipped):
    few = wrong(flipped(4 / 60, name="few", causes=CAUSES))
    assert few["cause"].value_counts().to_dict() == dict.fromkeys(MOST_WRONG, 1)
    # a quarter of the hosts, saturated stars and dipoles, and all of the bad CCD: 2 + 1 + 4 + 1 is all
    many = wrong(flipped(8 / 60, name="many", causes=CAUSES))
    assert many["cause"].value_counts().to_dict() == {
        "host": 2,
        "saturated_star": 1,
        "bad_ccd": 1,
        "dipole": 4,
    }
    assert set(few.index) < set(many.index)
    assert set(many.index) != set(wrong(flipped(8 / 60, seed=8, name="other", causes=CAUSES)).index)


def test_more_flips_than_there_are_causes_for_are_refused(flipped):
    with pytest.raises(
        ConfigError,
        match=r"9 wrong labels are to be planted by cause, but the 60 candidates have cause for 8 \(8 host, "
        r"4 saturated_star, 1 bad_ccd, 16 dipole\); lower flipped, or set flipped_by to chance",
    ):
        flipped(9 / 60, causes=CAUSES)


def stamp(recipe, *, static=(), transient=(), mismatch=None):
    candidate = SimpleNamespace(static=list(static), transient=list(transient), mismatch=mismatch)
    return SimpleNamespace(triplet=SimpleNamespace(candidate=candidate, recipe=recipe))


def shifted(pixels):
    return Mismatch(pixels, 0.0, 1.0, 1.0)


SUPERNOVA = Source(0.4, 0.0, 100.0)
STAR, GALAXY = Source(0.0, 0.0, 900.0), Source(0.0, 0.0, 900.0, half_light_radius=3.0)


@pytest.mark.parametrize(
    ("drawn", "ccd", "cause"),
    [
        (stamp("saturated_star"), 10, "saturated_star"),
        (stamp("hot_pixel"), BAD_CCDS[0], "bad_ccd"),
        (stamp("bad_column"), BAD_CCDS[-1], "bad_ccd"),
        (stamp("hot_pixel"), 10, ""),
        (stamp("cosmic_ray"), BAD_CCDS[0], ""),  # no fault of the CCD
        (stamp("dipole", static=[STAR], mismatch=shifted(0.2)), 10, "dipole"),
        (stamp("dipole", static=[STAR], mismatch=shifted(0.05)), 10, ""),
        (stamp("dipole", static=[GALAXY], mismatch=shifted(0.2)), 10, ""),
        (stamp("supernova", static=[GALAXY], transient=[SUPERNOVA]), 10, "host"),
        (stamp("supernova", static=[GALAXY], transient=[Source(2.1, 0.0, 100.0)]), 10, ""),  # off the core
        (stamp("supernova", static=[GALAXY], transient=[Source(0.4, 0.0, 400.0)]), 10, ""),  # bright itself
        (stamp("supernova", transient=[SUPERNOVA]), BAD_CCDS[0], ""),  # without a host
    ],
)
def test_what_makes_a_label_wrong(drawn, ccd, cause):
    assert likely_cause(drawn, ccd=ccd) == cause


@pytest.fixture(scope="module")
def by_cause(survey_constants, tmp_path_factory):
    """An archive of 400 candidates with five wrong labels, and the recipe of each candidate."""
    constants, folder = survey_constants("DES"), tmp_path_factory.mktemp("by-cause")
    options = {"stamps": 400, "seed": 7, "constants": constants}
    simulate_survey("DES", **options, folder=folder, processes=1, flipped=0.0125)
    plan = make_plan("DES", **options)
    return folder, np.array([each.triplet.recipe for each in plan.stamps()])


def test_wrong_labels_follow_from_their_cause(by_cause):
    folder, recipes = by_cause
    planted, features = truth(folder), table(folder)
    flips = wrong(folder)
    assert len(flips) == 5
    assert set(flips["cause"]) <= set(MOST_WRONG)
    # reals are called artifacts on their host alone, and never the other way round
    assert (flips["OBJECT_TYPE"] == (flips["cause"] != "host")).all()
    assert set(recipes[planted["cause"] == "saturated_star"]) == {"saturated_star"}
    assert set(recipes[planted["cause"] == "dipole"]) == {"dipole"}
    assert features.loc[planted["cause"] == "bad_ccd", "CCDID"].isin(BAD_CCDS).all()
    # stamps of the same kind with the right label are named too
    assert planted["cause"].value_counts()["dipole"] > flips["cause"].value_counts()["dipole"]


def test_planting_changes_no_other_byte_of_the_archive(by_cause, survey_constants, tmp_path):
    folder, _ = by_cause
    constants = survey_constants("DES")
    simulate_survey("DES", stamps=400, seed=7, constants=constants, folder=tmp_path, processes=2)
    for path in tmp_path.glob("*.tar"):
        assert (folder / path.name).read_bytes() == path.read_bytes()
    assert table(tmp_path)["OBJECT_TYPE"].equals(truth(folder)["OBJECT_TYPE"])
    assert not (tmp_path / "planted_flips.csv").exists()


def test_a_survey_of_the_same_camera_is_drawn_in_the_same_format(survey_constants, tmp_path):
    constants = survey_constants("DECAT")
    simulate_survey("DECAT", stamps=30, seed=7, constants=constants, folder=tmp_path, processes=1)
    assert len(next(iter(des.units([tmp_path])))) == 30
    # 40 : 60, as the constants say
    assert table(tmp_path)["OBJECT_TYPE"].value_counts().to_dict() == {0: 12, 1: 18}
    assert table(tmp_path)["MAGLIM"].between(22.8, 23.6).all()
