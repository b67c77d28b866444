import io
import pickle

import numpy as np
import pytest
from astropy.io import fits

from stampshift.core.errors import ConfigError
from stampshift.simulation import simulate_survey
from stampshift.simulation.archive_plan import make_plan
from stampshift.simulation.atlas_archive import write_archive


def records(folder):
    return pickle.loads((folder / "atlas_training_set.pkl").read_bytes())


def pixels(content):
    with fits.open(io.BytesIO(content)) as hdus:
        assert hdus[0].data.dtype == np.dtype(">f4")
        return hdus[0].data.astype(np.float32)


def test_records_hold_fits_of_science_and_difference(simulated):
    table = records(simulated("ATLAS", 30))
    assert len(table) == 30
    assert len({record["id"] for record in table}) == 30
    assert {tuple(record) for record in table} == {("id", "label", "science", "difference")}
    for record in table:
        assert pixels(record["science"]).shape == pixels(record["difference"]).shape == (61, 61)


def test_all_seven_classes_exist(simulated):
    labels = {record["label"] for record in records(simulated("ATLAS", 30))}
    assert labels == {"burn", "cr", "kast", "noise", "scar", "spike", "streak"}


def test_science_has_sky_and_difference_has_none(simulated):
    for record in records(simulated("ATLAS", 30)):
        science, difference = pixels(record["science"]), pixels(record["difference"])
        assert 200 < np.median(science) < 1000
        assert abs(np.median(difference[difference != -31415])) < 30


def test_masked_pixels_hold_the_surveys_number(survey_constants, tmp_path):
    constants = survey_constants("ATLAS")
    constants["mask"]["column_probability"] = 1.0
    write_archive(make_plan("ATLAS", stamps=14, seed=3, constants=constants), tmp_path, processes=1)
    shares = []
    for record in records(tmp_path):
        masked = pixels(record["difference"]) == -31415
        assert not (pixels(record["science"]) == -31415).any()
        assert not masked[30, 30] or record["label"] == "spike"
        shares.append(masked.mean())
    # a few columns of 61, unless they fell on the centre
    assert np.median(shares) == pytest.approx(2 / 61, abs=2 / 61)
    assert max(shares) > 0


def test_an_archive_of_hdus_holds_the_same_images_whatever_the_processes(
    simulated, survey_constants, tmp_path
):
    contents = []
    for processes in (1, 2):
        folder = tmp_path / str(processes)
        constants = survey_constants("ATLAS")
        simulate_survey(
            "ATLAS", stamps=30, seed=7, constants=constants, folder=folder, processes=processes, hdus=True
        )
        contents.append((folder / "atlas_training_set.pkl").read_bytes())
    assert contents[0] == contents[1]
    found = pickle.loads(contents[0])
    assert list(found) == ["images", "labels", "ids"]
    for record, hdus, label, number in zip(records(simulated("ATLAS", 30)), *found.values(), strict=True):
        assert (record["label"], record["id"]) == (label, number)
        assert [type(hdu) for hdu in hdus] == [fits.PrimaryHDU, fits.ImageHDU]
        for name, hdu in zip(("science", "difference"), hdus, strict=True):
            np.testing.assert_array_equal(hdu.data, pixels(record[name]))


def test_hdus_of_another_survey_are_refused(survey_constants, tmp_path):
    with pytest.raises(ConfigError, match=r"^simulate ZTF: only ATLAS' archive can be one of pickled HDUs"):
        simulate_survey(
            "ZTF",
            stamps=20,
            seed=7,
            constants=survey_constants("ZTF"),
            folder=tmp_path,
            processes=1,
            hdus=True,
        )
