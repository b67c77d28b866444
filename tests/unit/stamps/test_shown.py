"""What a stamps file holds for people: metadata and a wider crop, apart from what models see."""

import h5py
import numpy as np
import pytest

from stampshift.core.errors import ContractError
from stampshift.stamps.cropping import wider_crop
from stampshift.stamps.file import Stamps, verify_stamps
from stampshift.stamps.metadata import Metadata, as_table, metadata_of, of_row
from stampshift.stamps.preprocessing import Preprocessing, preprocess
from stampshift.stamps.raw_triplets import InvalidPixels, RawTriplet
from stampshift.stamps.shown import open_shown
from stampshift.stamps.writer import stamps_writer
from stampshift.surveys.verification import exit_status, verify

KNOWN = [Metadata(150.25, -2.5, 20.5, 7.25, "r", "42"), Metadata(), Metadata(band="\u03b3")]
NONE = np.empty((3, 3, 0, 0), np.float32)


def write(path, metadata=KNOWN, context=NONE):
    stamps = np.arange(3 * 3 * 25, dtype=np.float32).reshape(3, 3, 5, 5)
    known = {"labels": [0, 1, 255], "classes": ["a", "b", "u"], "ids": ["0", "1", "2"], "groups": [""] * 3}
    with stamps_writer(path, survey="X", size_pixels=5) as writer:
        for rows in (slice(0, 2), slice(2, 3)):
            writer.append(stamps[rows], **{name: values[rows] for name, values in known.items()})
            writer.append_shown(as_table(metadata[rows]), context[rows])
    return path


def shown(path):
    stamps = Stamps.open(path, unlabelled=True)
    return open_shown(path, stamps.attributes, count=len(stamps))


def test_metadata_are_kept_apart_from_what_models_see(tmp_path):
    path, plain = write(tmp_path / "x.h5"), write(tmp_path / "plain.h5", [Metadata()] * 3)
    found = shown(path)
    assert of_row(found.metadata[0]) == KNOWN[0]
    assert of_row(found.metadata[2]).band == "\u03b3"
    assert np.isnan(found.metadata["ra"][1:]).all()
    assert found.context is None
    assert shown(plain) == (None, None)
    digests = {Stamps.open(each, unlabelled=True).attributes["digest"] for each in (path, plain)}
    assert len(digests) == 1
    verify_stamps(path)
    with h5py.File(plain) as file:
        assert "metadata" not in file
        assert "context" not in file


def test_a_wider_crop_is_kept_beside_the_stamps_with_the_same_bytes(tmp_path):
    context = np.random.default_rng(0).normal(size=(3, 3, 9, 9)).astype(np.float32)
    context[1, :, 0] = np.nan
    path = write(tmp_path / "x.h5", context=context)
    found = shown(path)
    assert isinstance(found.context, np.memmap)
    np.testing.assert_array_equal(found.context, context)
    assert write(tmp_path / "y.h5", context=context).read_bytes() == path.read_bytes()


@pytest.mark.parametrize("name", ["metadata", "context"])
def test_what_is_shown_is_compared_with_its_digest(tmp_path, name):
    path = write(tmp_path / "x.h5", context=np.ones((3, 3, 9, 9), np.float32))
    with h5py.File(path, "r+") as file:
        values = file[name][:]
        if name == "metadata":
            values["ra"][0] = 12
        else:
            values[2, 0, 0, 0] = 12
        file[name][...] = values
    verify_stamps(path)  # models see what they saw
    with pytest.raises(ContractError, match=r"x\.h5: what it holds for people is damaged"):
        shown(path)
    assert exit_status(verify(path, downloads=tmp_path / "none")) == 1


def test_what_cannot_be_is_left_out():
    odd = {"ra": 361, "dec": None, "magnitude": -999.0, "snr": "high", "band": float("nan"), "ccd": 7}
    found = metadata_of(odd)
    assert np.isnan([found.ra, found.dec, found.magnitude, found.snr]).all()
    assert (found.band, found.ccd) == ("", "7")


def test_the_wider_crop_has_the_centre_of_the_stamp_and_no_pixel_is_made_up():
    image = np.arange(49, dtype=np.float32).reshape(7, 7)
    settings = Preprocessing(
        3, "channel", InvalidPixels(equals=24.0), {"a": "real"}, "keep", context_pixels=5
    )
    wide = wider_crop((image,) * 3, size_pixels=5, invalid=settings.invalid)
    expected = image[1:6, 1:6].copy()
    expected[2, 2] = np.nan
    np.testing.assert_array_equal(wide[0], expected)
    # wider than the cutout: a pixel is as far from the centre as before
    beyond = wider_crop((image + 100,) * 3, size_pixels=12, invalid=InvalidPixels())
    assert beyond.shape == (3, 12, 12)
    assert beyond[0, 6, 6] == image[3, 3] + 100
    assert np.isfinite(beyond).sum() == 3 * 49
    block = preprocess(
        [RawTriplet((image + 100, image + 200, image + 300), "a", "1", "", Metadata(band="r"))], settings
    )
    assert of_row(block.metadata[0])[4:6] == ("r", "")
    assert block.context.shape == (1, 3, 5, 5)
    np.testing.assert_array_equal(block.context[0, 0], (image + 100)[1:6, 1:6])
