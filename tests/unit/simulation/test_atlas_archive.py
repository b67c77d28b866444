import io
import pickle

import numpy as np
import pytest
from astropy.io import fits

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
