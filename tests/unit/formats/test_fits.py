import base64
import gzip
import io
import warnings

import numpy as np
import pytest
from astropy.io import fits

from stampshift.core.errors import ArchiveError
from stampshift.formats import fits as reading
from stampshift.formats.fits import image_of, read_image, read_planes


def by_astropy(content):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with fits.open(io.BytesIO(content), ignore_missing_simple=True) as file:
            return file[0].data


@pytest.mark.parametrize("dtype", [">f4", ">f8", "<f4"])
@pytest.mark.parametrize("shape", [(63, 63), (43, 63), (1, 1), (51, 50)])
@pytest.mark.parametrize("cards", [0, 40])
def test_float_images_are_parsed_as_astropy_does(formats, dtype, shape, cards):
    image = np.random.default_rng(0).normal(size=shape).astype(dtype)
    image[0, 0] = np.nan
    content = formats.fits(image, **{f"KEY{number}": number for number in range(cards)})
    fast = reading._simple_image(content)
    assert fast is not None
    np.testing.assert_array_equal(fast, by_astropy(content))
    got = read_image(content, place="DES")
    assert got.dtype == np.float32
    assert got.dtype.isnative
    np.testing.assert_array_equal(got, image.astype("f4"))


@pytest.mark.parametrize("dtype", ["u1", "i2", "i4", "u2"])
def test_integer_images_are_left_to_astropy(formats, dtype):
    image = np.arange(12, dtype=dtype).reshape(3, 4)
    content = formats.fits(image)
    assert reading._simple_image(content) is None
    np.testing.assert_array_equal(read_image(content, place="DES"), image.astype("f4"), strict=True)


def test_scaled_image_is_left_to_astropy(formats):
    content = formats.fits(np.ones((2, 2), "f4"), BSCALE=2.0, BZERO=1.0)
    assert reading._simple_image(content) is None
    np.testing.assert_array_equal(read_image(content, place="DES"), np.full((2, 2), 3.0, "f4"))


def test_neutral_scaling_as_atlas_writes_it_is_parsed_directly(formats):
    image = np.arange(6, dtype="f4").reshape(2, 3)
    content = formats.fits(image, KEY1=1, KEY2=2)
    for number, card in enumerate((b"BZERO   =  0.0000000000000E+00", b"BSCALE  =  1.0000000000000E+00")):
        start = content.index(f"KEY{number + 1}".encode())
        content = content[:start] + card.ljust(80) + content[start + 80 :]
    np.testing.assert_array_equal(reading._simple_image(content), image)
    np.testing.assert_array_equal(by_astropy(content), image)


def test_later_hdus_are_passed_over():
    stream = io.BytesIO()
    first, second = np.full((2, 3), 1.0, "f4"), np.full((4, 4), 2.0, "f8")
    fits.HDUList([fits.PrimaryHDU(first), fits.ImageHDU(second)]).writeto(stream)
    assert reading._simple_image(stream.getvalue()) is not None
    np.testing.assert_array_equal(read_image(stream.getvalue(), place="Rubin"), first)


def test_header_without_simple_is_read(formats):
    image = np.arange(6, dtype="f4").reshape(2, 3)
    content = formats.fits(image)
    without = content[80:2880] + b" " * 80 + content[2880:]
    assert without.startswith(b"BITPIX")
    np.testing.assert_array_equal(read_image(without, place="ATLAS"), image)


def test_header_with_an_odd_simple_is_left_to_astropy(formats):
    image = np.arange(6, dtype="f4").reshape(2, 3)
    content = formats.fits(image)
    odd = b"SIMPLE  =T" + b" " * 70 + content[80:]
    assert reading._simple_image(b"COMMENT " + b" " * 72 + content[80:]) is None
    np.testing.assert_array_equal(read_image(odd, place="ATLAS"), image)


def test_gzipped_image_is_inflated(formats, gz):
    image = np.arange(6, dtype="f4").reshape(2, 3)
    np.testing.assert_array_equal(read_image(gz(formats.fits(image)), place="ZTF"), image)


@pytest.mark.parametrize("keep", [0, 1, 400, 2879, 2880, 3000])
@pytest.mark.parametrize("gzipped", [False, True])
def test_image_cut_short_is_an_archive_error(formats, gz, keep, gzipped):
    content = formats.fits(np.ones((51, 51), "f4"))
    content = gz(content[:keep]) if gzipped else content[:keep]
    with pytest.raises(
        ArchiveError, match=r"^DES a\.tar, member b: expected a complete FITS image, found \d+ bytes"
    ):
        read_image(content, place="DES a.tar, member b")


def test_gzip_cut_short_or_altered_is_an_archive_error(formats, gz):
    content = gz(formats.fits(np.random.default_rng(0).normal(size=(9, 9))))
    for damaged in (content[:-9], content[:-8] + b"12345678", content[:200] + b"\0\0" + content[202:]):
        with pytest.raises(ArchiveError, match="ZTF x: expected a complete FITS image"):
            read_image(damaged, place="ZTF x")


def test_bytes_that_are_not_fits_are_an_archive_error():
    with pytest.raises(ArchiveError, match="DES x: expected a complete FITS image, found 5760 bytes"):
        read_image(b"notes " * 960, place="DES x")


@pytest.mark.parametrize(
    ("begin", "name"), [(b"GIF89a", "GIF"), (b"\x89PNG\r\n", "PNG"), (b"\xff\xd8\xff\xe0", "JPEG")]
)
def test_a_picture_is_named_and_not_called_damaged(begin, name):
    with pytest.raises(ArchiveError, match=f"found a {name} picture, whose pixels are no measurements"):
        read_image(begin * 100, place="DES x")


def test_gzipped_in_members_or_twice_is_read(formats):
    pixels = np.random.default_rng(0).normal(size=(9, 9)).astype("f4")
    plain = formats.fits(pixels)
    for content in (
        gzip.compress(plain[:3000]) + gzip.compress(plain[3000:]),
        gzip.compress(gzip.compress(plain)),
    ):
        np.testing.assert_array_equal(read_image(content, place="x"), pixels)


def test_scaling_counts_from_cards_and_not_from_comments():
    pixels = np.arange(81, dtype=np.float32).reshape(9, 9)
    file = io.BytesIO()
    fits.PrimaryHDU(pixels).writeto(file)
    content = file.getvalue()
    cards = [content[start : start + 80] for start in range(0, 2880, 80)]
    end = cards.index(b"END".ljust(80))
    cards[end:end] = [
        b"COMMENT before the subtraction BZERO   = 0.0".ljust(80), b"BZERO   =              32768.0".ljust(80)
    ]  # fmt: skip
    scaled = b"".join(cards[:36]) + content[2880:]
    np.testing.assert_array_equal(read_image(scaled, place="x"), pixels + 32768)


def test_an_image_that_would_fill_the_memory_is_refused(monkeypatch):
    monkeypatch.setenv("STAMPSHIFT_MAX_MB", "1")
    file = io.BytesIO()
    packed = fits.CompImageHDU(
        np.zeros((1000, 1000), np.float32), compression_type="GZIP_2", quantize_level=0.0
    )
    fits.HDUList([fits.PrimaryHDU(), packed]).writeto(file)
    for read in (read_image, read_planes):
        with pytest.raises(ArchiveError, match=r"x: .* larger than 1 MB"):
            read(file.getvalue(), place="x")


@pytest.mark.parametrize("form", ["base64", "lists"])
def test_images_as_interfaces_give_them_are_read(formats, form):
    pixels = np.random.default_rng(0).normal(size=(9, 9)).astype("f4")
    cells = {
        "base64": [
            base64.b64encode(formats.fits(pixels)).decode(),
            base64.b64encode(gzip.compress(formats.fits(pixels))),
        ],
        "lists": [
            pixels.tolist(),
            [[None if value == pixels[0, 0] else value for value in row] for row in pixels.tolist()],
        ],
    }[form]
    np.testing.assert_array_equal(image_of(cells[0], place="x"), pixels)
    if form == "lists":
        pixels[0, 0] = np.nan
    np.testing.assert_array_equal(image_of(cells[1], place="x"), pixels)
    with pytest.raises(ArchiveError, match="expected a two-dimensional array or FITS bytes, found list"):
        image_of([[1, 2], [3]], place="x")


def test_image_of_other_dimensions_is_an_archive_error(formats):
    with pytest.raises(ArchiveError, match=r"two-dimensional image in HDU 0, found shape \(2, 3, 4\)"):
        read_image(formats.fits(np.zeros((2, 3, 4), "f4")), place="DES x")
    with pytest.raises(ArchiveError, match="two-dimensional image in HDU 0, found none"):
        stream = io.BytesIO()
        fits.PrimaryHDU().writeto(stream)
        read_image(stream.getvalue(), place="DES x")


def test_cells_hold_arrays_or_fits_bytes(formats):
    image = np.arange(6.0).reshape(2, 3)
    content = formats.fits(image)
    for cell in (image, image.astype(int), content, bytearray(content), content.decode("latin-1")):
        np.testing.assert_array_equal(image_of(cell, place="ATLAS"), image.astype("f4"), strict=True)


@pytest.mark.parametrize(
    ("cell", "found"),
    [
        (None, "NoneType"),
        (float("nan"), "float"),
        (np.zeros(4), r"float64 of shape \(4,\)"),
        (np.zeros((1, 1), object), r"object of shape \(1, 1\)"),
    ],
)
def test_other_cells_are_a_missing_channel(cell, found):
    with pytest.raises(ArchiveError, match=rf"^ATLAS x: expected .* found {found}\. The channel is missing"):
        image_of(cell, place="ATLAS x")


def test_pixels_beyond_float32_are_infinite_without_a_warning(formats):
    assert read_image(formats.fits(np.full((2, 2), 1e300)), place="x")[0, 0] == np.inf


def test_real_pair_of_atlas_marks_masked_pixels(real_data):
    folder = real_data / "atlas_alerts" / "fits_gz"
    for name in ("science", "difference"):
        image = read_image((folder / f"{name}.fits.gz").read_bytes(), place=name)
        assert image.shape == (61, 61)
        assert np.isfinite(image).all()
