import gzip
import io
import pickle
import pickletools
import tarfile
import warnings

import numpy as np
import pytest
from astropy.io import fits
from PIL import Image

from stampshift.simulation.encoding import (
    fits_bytes,
    gif_bytes,
    gzip_bytes,
    python2_pickle,
    tar_end,
    tar_member,
)


def test_fits_is_read_back_by_astropy_without_complaint():
    image = np.arange(12, dtype=np.float32).reshape(3, 4)
    content = fits_bytes(image, cards=("BUNIT   = 'DN      '",))
    assert len(content) == 2 * 2880
    with fits.open(io.BytesIO(content)) as hdus:
        hdus.verify("exception")
        assert np.array_equal(hdus[0].data, image)
        assert hdus[0].data.dtype == np.dtype(">f4")
        assert hdus[0].header["BUNIT"] == "DN"
        assert not [card for card in hdus[0].header if card.startswith("DATE")]


def test_gzip_has_neither_time_nor_name():
    content = bytes(range(256)) * 20
    packed = gzip_bytes(content)
    assert gzip.decompress(packed) == content
    assert packed[3] == 0 and packed[4:8] == b"\0\0\0\0"


def test_gif_has_white_diagonals_in_its_corners():
    image = np.zeros((51, 51))
    image[20:30, 20:30] = 1.0
    with Image.open(io.BytesIO(gif_bytes(image, mark_pixels=10))) as stored:
        assert stored.format == "GIF"
        pixels = np.asarray(stored.convert("L"))
    white = {tuple(place) for place in np.argwhere(pixels == 255)}
    marks = {(row, column) for i in range(10) for row in (i, 50 - i) for column in (i, 50 - i)}
    assert marks <= white
    assert white - marks == {(row, column) for row in range(20, 30) for column in range(20, 30)}


def test_tar_is_read_back_and_names_nobody():
    content = tar_member("a/b.fits", b"x" * 1000) + tar_member("a/c", b"")
    content += tar_end(len(content))
    assert len(content) % tarfile.RECORDSIZE == 0
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        members = archive.getmembers()
        assert [(m.name, m.size, m.mtime, m.uid, m.uname) for m in members] == [
            ("a/b.fits", 1000, 0, 0, ""),
            ("a/c", 0, 0, 0, ""),
        ]
        assert archive.extractfile(members[0]).read() == b"x" * 1000


def test_python2_pickle_has_byte_strings_and_old_module_names():
    arrays = {"images": np.arange(6, dtype=np.float32).reshape(2, 3), "labels": np.array([0.0, 1.0])}
    content = python2_pickle(arrays)
    operations = list(pickletools.genops(content))
    names = {argument for operation, argument, _ in operations if operation.name == "GLOBAL"}
    assert names == {"numpy.core.multiarray _reconstruct", "numpy ndarray", "numpy dtype"}
    assert not [o for o, _, _ in operations if o.name.startswith("BINUNICODE")]
    with warnings.catch_warnings():
        # numpy says that its core has moved
        warnings.simplefilter("ignore", DeprecationWarning)
        loaded = pickle.loads(content, encoding="latin1")
    assert list(loaded) == ["images", "labels"]
    for name, array in arrays.items():
        assert loaded[name].dtype == array.dtype
        assert np.array_equal(loaded[name], array)


def test_python2_pickle_refuses_a_cube():
    with pytest.raises(KeyError):
        python2_pickle({"cube": np.zeros((2, 2, 2))})
