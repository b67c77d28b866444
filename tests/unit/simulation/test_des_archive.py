import io
import re
import tarfile
from collections import defaultdict

import numpy as np
import pandas as pd
import pytest
from astropy.io import fits
from PIL import Image

from stampshift.simulation.archive_plan import make_plan
from stampshift.simulation.des_archive import CANDIDATES_PER_EXPOSURE, write_archive
from stampshift.simulation.exposure import draw_triplet
from stampshift.stamps.autoscan import COLUMNS


def members(folder):
    for path in sorted(folder.glob("stamps_*.tar")):
        with tarfile.open(path) as archive:
            for member in archive:
                yield path.name, member.name, archive.extractfile(member).read()


def table(folder):
    return pd.read_csv(folder / "autoscan_features.3.csv", skiprows=6, keep_default_na=True)


def test_each_candidate_has_three_fits_and_three_gifs(simulated):
    found = defaultdict(set)
    for _, name, _ in members(simulated("DES", 60)):
        match = re.fullmatch(
            r"(?:(?:home2/)?SNWG/Archive/2013/Y1/\d{8}/)?\d{6}/(diff|srch|temp)(\d+)\.(fits|gif)", name
        )
        assert match, name
        found[int(match[2])].add((match[1], match[3]))
    assert set(found) == set(table(simulated("DES", 60))["ID"])
    everything = {(kind, suffix) for kind in ("diff", "srch", "temp") for suffix in ("fits", "gif")}
    assert all(files == everything for files in found.values())


def test_tars_have_the_three_layouts_and_stamps_of_one_candidate_lie_apart(simulated):
    by_tar = defaultdict(list)
    for tar, name, _ in members(simulated("DES", 60)):
        by_tar[tar].append(name)
    assert [names[0].split("/")[0] for names in by_tar.values()] == ["SNWG", "home2", "229252"]
    first = by_tar["stamps_0.tar"]
    assert len(first) == 6 * CANDIDATES_PER_EXPOSURE
    numbers = [int(re.search(r"\d+(?=\.)", name)[0]) for name in first]
    spans = [len(numbers) - numbers[::-1].index(n) - numbers.index(n) for n in set(numbers)]
    assert max(spans) > 6


def test_stamps_are_big_endian_float32_and_gifs_carry_marks(simulated):
    for _, name, content in members(simulated("DES", 60)):
        if name.endswith(".fits"):
            with fits.open(io.BytesIO(content)) as hdus:
                assert len(hdus) == 1
                assert hdus[0].data.shape == (51, 51)
                assert hdus[0].data.dtype == np.dtype(">f4")
        else:
            with Image.open(io.BytesIO(content)) as stored:
                pixels = np.asarray(stored.convert("L"))
            assert pixels.dtype == np.uint8 and pixels.shape == (51, 51)
            assert all(pixels[i, i] == 255 and pixels[i, 50 - i] == 255 for i in range(10))


def test_table_has_six_comments_and_40_columns(simulated):
    lines = (simulated("DES", 60) / "autoscan_features.3.csv").read_text().splitlines()
    assert [line.startswith("#") for line in lines[:7]] == [True] * 6 + [False]
    assert lines[6].split(",") == ["ID", "OBJECT_TYPE", *COLUMNS]
    assert len(lines) == 7 + 60


def test_object_type_is_inverted(survey_constants, tmp_path):
    constants = survey_constants("DES") | {"archive_counts": {"real": 1}}
    plan = make_plan("DES", stamps=5, seed=1, constants=constants)
    write_archive(plan, tmp_path, processes=1)
    assert list(table(tmp_path)["OBJECT_TYPE"]) == [0] * 5


def test_both_types_in_proportion(simulated):
    types = table(simulated("DES", 60))["OBJECT_TYPE"]
    # 60 x 454,092 / 898,963 = 30.3 reals
    assert (types == 0).sum() == 30 and (types == 1).sum() == 30


def test_features_describe_the_detection(simulated):
    rows = table(simulated("DES", 60))
    assert set(rows["BAND"]) <= set("griz")
    assert rows["CCDID"].between(1, 62).all()
    assert (rows["A_IMAGE"] >= rows["B_IMAGE"]).all()
    assert np.allclose(rows["MAG_FROM_LIMIT"], rows["MAG"] - rows["MAGLIM"], atol=1e-3)
    missing = rows["MAG_REF"].isna()
    assert (rows.loc[missing, "NN_DIST_RENORM"].isna()).all()
    reals = rows["OBJECT_TYPE"] == 0
    # supernovae have hosts
    assert missing[reals].mean() < 0.3


@pytest.mark.parametrize("which", ["edge_probability", "all_probability"])
def test_masked_pixels_hold_a_tiny_number_of_either_sign(which, survey_constants, tmp_path):
    constants = survey_constants("DES")
    constants["mask"] |= {"edge_probability": 0.0, "all_probability": 0.0, which: 1.0}
    plan = make_plan("DES", stamps=12, seed=2, constants=constants)
    write_archive(plan, tmp_path, processes=1)
    values = set()
    for _, name, content in members(tmp_path):
        if name.endswith(".fits"):
            with fits.open(io.BytesIO(content)) as hdus:
                tiny = np.abs(hdus[0].data.astype(float)) < 1e-29
            assert tiny.any() == ("/diff" in name)
            if "/diff" in name:
                values |= set(np.sign(hdus[0].data[tiny].astype(float)))
                assert not tiny[25, 25] or which == "all_probability"
    assert values == {-1.0, 1.0}
    assert (table(tmp_path)["MASKFRAC"] == 1).all() == (which == "all_probability")


def test_a_recipe_of_des_is_drawn_at_the_worse_seeing(survey_constants):
    constants = survey_constants("DES")
    constants["template"]["fwhm_arcsec"] = [1.8, 1.8]
    triplet = draw_triplet(
        "artifact",
        constants=constants | {"recipes": {"artifact": {"noise_peak": 1.0}}},
        rng=np.random.default_rng(0),
        sky_rng=np.random.default_rng(1),
    )
    # smoothing to the template's seeing lowers the noise of the difference below the science image's
    assert triplet.difference.std() < 0.6 * triplet.conditions.noise
