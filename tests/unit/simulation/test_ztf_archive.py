import gzip
import io
import pickle
import pickletools
import warnings
from collections import Counter

import numpy as np
import pytest
from astropy.io import fits

from stampshift.simulation.archive_plan import make_plan
from stampshift.simulation.ztf_archive import object_name, write_archive

CUTOUTS = ("cutoutTemplate", "cutoutScience", "cutoutDifference")


def frame(folder):
    return pickle.loads((folder / "training_set_Nov-26-2019.pkl").read_bytes())


def pixels(content):
    with fits.open(io.BytesIO(gzip.decompress(content))) as hdus:
        assert hdus[0].data.dtype == np.dtype(">f4")
        return hdus[0].data.astype(np.float32)


@pytest.fixture
def written(survey_constants, tmp_path):
    def write(stamps, **mask):
        constants = survey_constants("ZTF")
        quiet = dict.fromkeys(("nan_probability", "fill_probability", "cut_probability"), 0.0)
        constants["mask"] |= quiet | {"nan_probability": 1e-9} | mask
        write_archive(make_plan("ZTF", stamps=stamps, seed=4, constants=constants), tmp_path, processes=1)
        return frame(tmp_path)

    return write


def test_table_has_twelve_columns(simulated):
    table = frame(simulated("ZTF", 30))
    assert list(table.columns) == [
        "oid", "class", "cutoutScience", "cutoutTemplate", "cutoutDifference",
        "candid", "fid", "isdiffpos", "magpsf", "sigmapsf", "fwhm", "diffmaglim",
    ]  # fmt: skip
    # 30 stamps in the archive's proportions, and at least one of each class
    assert Counter(table["class"]) == {"AGN": 8, "VS": 8, "asteroid": 8, "bogus": 5, "SN": 1}


def test_pickle_names_numpy_and_pandas_only(simulated):
    content = (simulated("ZTF", 30) / "training_set_Nov-26-2019.pkl").read_bytes()
    operations = list(pickletools.genops(content))
    assert operations[0][1] == 2
    modules = {argument.split()[0] for operation, argument, _ in operations if operation.name == "GLOBAL"}
    packages = {module.split(".")[0] for module in modules}
    # protocol 2 writes bytes as text that _codecs turns back
    assert packages == {"numpy", "pandas", "_codecs", "__builtin__"}


def test_texts_are_plain_objects(simulated):
    table = frame(simulated("ZTF", 30))
    for name in ("oid", "class", "isdiffpos"):
        assert table[name].dtype == object and type(table[name].iloc[0]) is str
    assert type(table["cutoutScience"].iloc[0]) is bytes


def test_cutouts_are_63_pixels_wide(written):
    table = written(10)
    assert {pixels(content).shape for name in CUTOUTS for content in table[name]} == {(63, 63)}


def test_gaps_are_nan_in_all_three(written):
    table = written(10, nan_probability=1.0)
    for row in table.itertuples():
        gaps = [np.isnan(pixels(getattr(row, name))) for name in CUTOUTS]
        assert gaps[0].any() and not gaps[0][31, 31]
        assert np.array_equal(gaps[0], gaps[1]) and np.array_equal(gaps[0], gaps[2])


def test_fill_value_is_in_templates_only(written):
    table = written(5, nan_probability=1.0, fill_probability=1.0)
    lowest = np.float32(-3.4028235e38)
    for row in table.itertuples():
        template, science, _ = (pixels(getattr(row, name)) for name in CUTOUTS)
        assert np.array_equal(template == lowest, np.isnan(science))
        assert (template == lowest).any() and np.isfinite(template).all()


def test_cut_stamps_are_of_one_shape_and_not_square(written):
    table = written(10, cut_probability=1.0)
    for row in table.itertuples():
        shapes = {pixels(getattr(row, name)).shape for name in CUTOUTS}
        assert len(shapes) == 1
        (shape,) = shapes
        assert max(shape) == 63 and 35 <= min(shape) < 63


def test_negative_alerts_are_reversed_and_so_bright_at_their_center(written):
    table = written(60)
    bright = table[(table["class"] != "bogus") & (table["sigmapsf"] < 0.1)]
    assert set(bright["isdiffpos"]) == {"t", "f"}
    for row in bright.itertuples():
        # as in all of 379 public alerts
        assert np.nansum(pixels(row.cutoutDifference)[29:34, 29:34]) > 0


def test_variables_repeat_and_asteroids_do_not(survey_constants):
    plan = make_plan("ZTF", stamps=2000, seed=1, constants=survey_constants("ZTF"))
    alerts = {name: Counter() for name in plan.constants["archive_counts"]}
    for name, number in zip(plan.classes, plan.objects, strict=True):
        alerts[name][number] += 1
    assert set(alerts["asteroid"].values()) == {1}
    assert np.mean(list(alerts["VS"].values())) == pytest.approx(2, rel=0.1)
    # an object has one class
    assert sum(len(counts) for counts in alerts.values()) == len(set(plan.objects))


def test_object_names_count_in_letters():
    assert object_name(0) == "ZTF18aaaaaaa"
    assert object_name(27) == "ZTF18aaaaabb"


def test_reading_warns_of_nothing(simulated):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(frame(simulated("ZTF", 30))) == 30
