"""HDUs of astropy within pickles: in the layouts of its versions, and as the installed one writes them."""

import io
import pickle

import numpy as np
import pytest
from astropy.io import fits

from stampshift.core.errors import ArchiveError
from stampshift.formats.fits import image_of
from stampshift.formats.pickled_fits import Card, HDUList, Header, ImageHDU, Opaque, images_in
from stampshift.formats.unpickling import unpickle

IMAGE = np.array([[1.5, -31415.0, 2.0], [np.nan, 3.0, 4.0], [5.0, 6.0, 7.0]], "f4")
FITS = "astropy.io.fits"
# where each version has its classes, and which attributes it writes beside those that are read; Python 2 and
# astropy 2, and Python 3 with astropy 4, 6 and 7
LAYOUTS = {
    "2.0": {"compressed": f"{FITS}.hdu.compressed", "python2": True, "others": {"_uint": True}},
    "4.0": {"compressed": f"{FITS}.hdu.compressed", "others": {"_header_str": None, "_checksum": None}},
    "6.1": {"compressed": f"{FITS}.hdu.compressed.compressed", "others": {"_checksum_valid": None}},
    "7.1": {"compressed": f"{FITS}.hdu.compressed.compressed", "others": {"_gcount": 1}, "bintable": True},
}
KINDS = {"PrimaryHDU": fits.PrimaryHDU, "ImageHDU": fits.ImageHDU, "CompImageHDU": fits.CompImageHDU}


def written(kind, image=IMAGE):
    """A FITS file with the HDU last, and where the HDU is in it: header, data, and bytes of data."""
    stream = io.BytesIO()
    exact = {"compression_type": "GZIP_1", "quantize_level": 0.0} if kind == "CompImageHDU" else {}
    first = [] if kind == "PrimaryHDU" else [fits.PrimaryHDU()]
    hdus = fits.HDUList([*first, KINDS[kind](image, **exact)])
    hdus.writeto(stream)
    content = stream.getvalue()
    header = 0 if kind == "PrimaryHDU" else 2880
    data = content.index(b"END" + b" " * 77, header) // 2880 * 2880 + 2880
    return content, (header, data, len(content) - data)


class Layout:
    """Writes pickles as a version of astropy does."""

    def __init__(self, formats, version):
        self.formats, self.version, self.settings = formats, version, LAYOUTS[version]

    def dump(self, content):
        python2 = self.settings.get("python2")
        return self.formats.python2_pickle(content) if python2 else self.formats.old_pickle(content)

    def new(self, module, name, state, items=()):
        return self.formats.New(self.formats.Foreign(module, name), state, items)

    def header(self, name):
        values = {"SIMPLE": True, "BITPIX": -32, "EXTNAME": name}
        cards = [
            self.new(
                f"{FITS}.card", "Card", {"_keyword": key, "_value": value, "_comment": "", "_image": None}
            )
            for key, value in values.items()
        ]
        indices = self.formats.Call(
            self.formats.Foreign("collections", "defaultdict"), self.formats.Foreign("__builtin__", "list")
        )
        return self.new(f"{FITS}.header", "Header", {"_cards": cards, "_keyword_indices": indices})

    def hdu(self, kind, stored, name="SCI"):
        """An HDU whose pixels are its `data`, or in the `file` or the `buffer` that it was read from."""
        content, places = written(kind)
        source = dict(zip(("_header_offset", "_data_offset", "_data_size"), places, strict=True))
        if stored == "file":
            memory = self.new("_io", "BytesIO", (content, len(content), None))
            file = {"_file": memory, "mode": "readonly", "memmap": False}
            source |= {"_file": self.new(f"{FITS}.file", "_File", file), "_buffer": None}
        else:
            source |= {"_file": None, "_buffer": content if stored == "buffer" else None}
        if kind == "CompImageHDU" and self.settings.get("bintable"):
            source = {"_bintable": self.new(f"{FITS}.hdu.table", "BinTableHDU", source)}
        state = source | {"_header": self.header(name), "_axes": [3, 3]} | self.settings["others"]
        state |= {"data": IMAGE} if stored == "data" else {}
        module = self.settings["compressed"] if kind == "CompImageHDU" else f"{FITS}.hdu.image"
        return self.new(module, kind, state)


@pytest.fixture(params=LAYOUTS)
def layout(formats, request):
    return Layout(formats, request.param)


@pytest.mark.parametrize("stored", ["data", "file", "buffer"])
@pytest.mark.parametrize("kind", KINDS)
def test_an_hdu_in_the_layout_of_every_version_gives_its_pixels(layout, kind, stored):
    hdu = unpickle(layout.dump(layout.hdu(kind, stored)), place="ATLAS")
    assert (type(hdu), hdu.name) == (ImageHDU, "SCI")
    np.testing.assert_array_equal(image_of(hdu, place="ATLAS"), IMAGE, strict=True)


def test_a_list_of_hdus_gives_every_image_with_its_name(layout):
    empty = layout.new(f"{FITS}.hdu.image", "PrimaryHDU", {"_axes": [], "_header": layout.header("")})
    hdus = (empty, layout.hdu("ImageHDU", "data"), layout.hdu("CompImageHDU", "file", name="DIFF"))
    state = {"_file": None, "_data": None, "_open_kwargs": {}, "_read_all": True}
    found = unpickle(layout.dump(layout.new(f"{FITS}.hdu.hdulist", "HDUList", state, hdus)), place="ATLAS")
    assert isinstance(found, HDUList)
    images = list(images_in(found, place="ATLAS"))
    assert [name for name, _ in images] == ["SCI", "DIFF"]
    for _, content in images:
        np.testing.assert_array_equal(image_of(content, place="ATLAS"), IMAGE)
    with pytest.raises(ArchiveError, match=r"^ATLAS: expected HDUs with one image, found 2"):
        image_of(found, place="ATLAS")


def test_an_hdu_of_a_file_on_disk_has_no_pixels(layout):
    file = layout.new(f"{FITS}.file", "_File", {"name": "/data/a.fits", "_file": None})
    places = {"_header_offset": 0, "_data_offset": 2880, "_data_size": 2880, "_axes": [3, 3]}
    hdu = layout.new(f"{FITS}.hdu.image", "PrimaryHDU", places | {"_file": file, "_buffer": None})
    with pytest.raises(ArchiveError, match=r"^ATLAS a: expected the pixels .* pickled without them"):
        image_of(unpickle(layout.dump(hdu), place="ATLAS"), place="ATLAS a")


def test_a_header_that_nobody_asked_for_names_its_hdu(layout):
    state = {
        "_header_str": "XTENSION= 'BINTABLE'".ljust(80) + "EXTNAME = 'DIFF    '".ljust(80),
        "data": IMAGE,
    }
    hdu = layout.new(layout.settings["compressed"], "CompImageHDU", state)
    assert unpickle(layout.dump(hdu), place="ATLAS").name == "DIFF"


# ---- as the installed astropy writes them ----------------------------------------------------------------


def opened(kind, touched):
    hdu = fits.open(io.BytesIO(written(kind)[0]))[-1]
    assert not touched or hdu.data is not None
    return hdu


@pytest.mark.parametrize("protocol", range(2, 6))
@pytest.mark.parametrize("touched", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_hdus_of_this_astropy_give_their_pixels(kind, touched, protocol):
    hdu = unpickle(pickle.dumps(opened(kind, touched), protocol), place="ATLAS")
    np.testing.assert_array_equal(image_of(hdu, place="ATLAS"), IMAGE, strict=True)
    made = unpickle(pickle.dumps(KINDS[kind](IMAGE), protocol), place="ATLAS")
    np.testing.assert_array_equal(image_of(made, place="ATLAS"), IMAGE, strict=True)


@pytest.mark.parametrize("protocol", range(2, 6))
def test_lists_headers_and_cards_of_this_astropy_come_back(protocol):
    hdus = fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(IMAGE, name="diff"), fits.BinTableHDU()])
    found = unpickle(pickle.dumps(hdus, protocol), place="ATLAS")
    ((name, content),) = images_in(found, place="ATLAS")
    assert name == "DIFF"
    np.testing.assert_array_equal(content, IMAGE)
    header = unpickle(pickle.dumps(hdus[1].header, protocol), place="ATLAS")
    card = unpickle(pickle.dumps(hdus[1].header.cards["EXTNAME"], protocol), place="ATLAS")
    assert (type(header), header.name) == (Header, "DIFF")
    assert (type(card), card.keyword, card.value) == (Card, "EXTNAME", "DIFF")


@pytest.mark.parametrize("touched", [False, True])
def test_scaled_integers_are_as_astropy_gives_them(touched):
    stream = io.BytesIO()
    integers = np.arange(40_000, 40_009, dtype="u2").reshape(3, 3)
    fits.PrimaryHDU(integers).writeto(stream)
    hdu = fits.open(io.BytesIO(stream.getvalue()))[0]
    assert not touched or hdu.data is not None
    found = image_of(unpickle(pickle.dumps(hdu), place="ATLAS"), place="ATLAS")
    np.testing.assert_array_equal(found, integers.astype("f4"), strict=True)


def test_nothing_of_what_is_named_runs(tmp_path, formats):
    path = tmp_path / "made"
    calls = [
        formats.Call(formats.Foreign(module, name), str(path), "wb")
        for module, name in (
            ("gzip", "GzipFile"),
            ("__builtin__", "file"),
            (f"{FITS}.file", "_File"),
            (FITS, "writeto"),
            (f"{FITS}.convenience", "delval"),
        )
    ]
    found = unpickle(formats.python2_pickle(calls), place="ATLAS")
    assert {type(each) for each in found} == {Opaque}
    assert not path.exists()


def test_a_stand_in_makes_no_array_and_no_type(formats):
    core = formats.Foreign("numpy.core.multiarray", "_reconstruct")
    table = formats.Call(core, formats.Foreign(f"{FITS}.fitsrec", "FITS_rec"), (0,), b"b")
    record = formats.Call(formats.Foreign("numpy", "dtype"), formats.Foreign("numpy", "record"), 0, 1)
    assert [type(each) for each in unpickle(formats.old_pickle([table, record]), place="ATLAS")] == [
        Opaque
    ] * 2
