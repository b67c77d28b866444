"""Images from FITS bytes, gzipped or not, in memory.

A stamp is a FITS file of one small image, which astropy takes about 500 us to open. A header that begins
with the mandatory cards of an unscaled float image is therefore parsed here, in about 10 us, and anything
else is left to astropy.
"""

import base64
import io
import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from stampshift.core.errors import ArchiveError
from stampshift.formats.inflating import TooLargeError, check_size, gunzip
from stampshift.formats.pickled_fits import BLOCK, CARD, HDUList, ImageHDU, images_in

FLOATS: dict[int, np.dtype[Any]] = {-32: np.dtype(">f4"), -64: np.dtype(">f8")}
MANDATORY = [b"BITPIX  = ", b"NAXIS   = ", b"NAXIS1  = ", b"NAXIS2  = "]
END = b"END".ljust(CARD)
BASE64 = ("H4sI", "U0lNUExFICA9")  # how gzip and FITS begin in it
PICTURES = {b"\x89PNG": "PNG", b"\xff\xd8\xff": "JPEG", b"GIF8": "GIF"}  # their pixels are no measurements


def read_image(content: bytes, *, place: str) -> NDArray[np.float32]:
    """Pixels of the primary image of a FITS file, 2-D float32, rows first.

    The file may be gzipped, and its header may lack SIMPLE. Raises an ArchiveError that begins with `place`
    if it is cut short or corrupt, or its primary HDU holds no two-dimensional image.
    """
    picture = next((name for magic, name in PICTURES.items() if content.startswith(magic)), None)
    if picture:
        raise ArchiveError(
            f"{place}: expected a FITS image, found a {picture} picture, whose pixels are no measurements. "
            "Ask for the cutouts as FITS."
        )
    try:
        content = gunzip(content)
        image = _simple_image(content)
        if image is None:
            with _opened(content) as file:
                image = getattr(_with_image(file), "data", None)
    except TooLargeError as error:
        raise TooLargeError(f"{place}: the image") from error
    except Exception as error:  # a corrupt header makes astropy raise anything, KeyError included
        raise ArchiveError(
            f"{place}: expected a complete FITS image, found {len(content)} bytes that are cut short or "
            f"corrupt ({error}). Download the archive again."
        ) from error
    if image is None or getattr(image, "ndim", None) != 2:
        found = "none" if image is None else f"shape {image.shape}"
        raise ArchiveError(
            f"{place}: expected a two-dimensional image in HDU 0, found {found}. Check that this is the "
            "survey's archive."
        )
    return as_float32(image)


def read_planes(content: bytes, *, place: str) -> tuple[list[NDArray[np.float32]], list[str]]:
    """Images of a FITS file that holds several, and the names of their HDUs.

    These are the planes of a cube in the first HDU with an image, without names, or else the images of all
    HDUs. Each is 2-D float32, rows first, in the order of the file, which may be gzipped. Raises an
    ArchiveError that begins with `place` if the file is cut short or corrupt, or holds no image.
    """
    try:
        content = gunzip(content)
        with _opened(content) as file:
            found = [hdu for hdu in file if getattr(hdu, "is_image", False) and hdu.data is not None]
            cube = found[0].data.ndim == 3
            planes = [as_float32(plane) for plane in (found[0].data if cube else [hdu.data for hdu in found])]
            names = [] if cube else [hdu.name for hdu in found]
    except TooLargeError as error:
        raise TooLargeError(f"{place}: an image") from error
    except Exception as error:  # a corrupt header makes astropy raise anything, KeyError included
        raise ArchiveError(
            f"{place}: expected a complete FITS file with images, found {len(content)} bytes that are cut "
            f"short or corrupt, or no image ({error!r}). Repair or remove the file."
        ) from error
    if any(plane.ndim != 2 for plane in planes):
        shapes = ", ".join(str(plane.shape) for plane in planes)
        raise ArchiveError(f"{place}: expected a cube or two-dimensional images, found shapes {shapes}.")
    return planes, names


def image_of(cell: Any, *, place: str) -> NDArray[np.float32]:
    """Pixels of a cell that holds (gzipped) FITS bytes, also as base64, an array, a list of rows, or an HDU.

    An HDU of astropy, or a list of them with one image, is that of a pickle (`pickled_fits`). Raises an
    ArchiveError that begins with `place` if the cell holds none of them.
    """
    if isinstance(cell, ImageHDU | HDUList):
        found = [content for _, content in images_in(cell, place=place)]
        if len(found) != 1:
            raise ArchiveError(f"{place}: expected HDUs with one image, found {len(found)}.")
        cell = found[0]
    if isinstance(cell, str):
        if cell.startswith(BASE64):
            return read_image(base64.b64decode(cell), place=place)
        cell = cell.encode("latin-1", "replace")  # bytes of Python 2, unpickled as Latin-1
    if isinstance(cell, bytes | bytearray):
        content = bytes(cell)
        if content[:8].decode("latin-1").startswith(BASE64):
            content = base64.b64decode(content)
        return read_image(content, place=place)
    if isinstance(cell, list):
        cell = _of_rows(cell)
    if isinstance(cell, np.ndarray) and cell.ndim == 2 and cell.dtype.kind in "fiu":
        return as_float32(cell)
    what = f"{cell.dtype} of shape {cell.shape}" if isinstance(cell, np.ndarray) else type(cell).__name__
    raise ArchiveError(
        f"{place}: expected a two-dimensional array or FITS bytes, found {what}. The channel is missing: "
        "remove the candidate or complete it."
    )


def _of_rows(rows: list[Any]) -> Any:
    """An array of lists of numbers, as interfaces of brokers give images; None is no measurement."""
    try:
        return np.array([[np.nan if value is None else value for value in row] for row in rows], np.float64)
    except (TypeError, ValueError):  # not numbers, or rows of different lengths
        return rows


def as_float32(image: NDArray[Any]) -> NDArray[np.float32]:
    """Pixels in float32; those beyond it are infinite, and so invalid."""
    with np.errstate(over="ignore"):
        return image.astype(np.float32)


@contextmanager
def _opened(content: bytes) -> Iterator[Any]:
    with warnings.catch_warnings():
        # remarks on odd cards; a data unit that is cut short raises when it is read
        warnings.simplefilter("ignore")
        with fits.open(io.BytesIO(content), memmap=False, ignore_missing_simple=True) as file:
            for hdu in file:  # of a compressed image the header alone says how large it is
                check_size(abs(hdu.header.get("BITPIX", 8)) // 8 * math.prod(hdu.shape or (0,)), "its image")
            yield file


def _with_image(file: Any) -> Any:
    """The primary HDU, or the one compressed image behind it, as `fpack` leaves it."""
    packed = [hdu for hdu in file[1:] if isinstance(hdu, fits.CompImageHDU)]
    return packed[0] if file[0].data is None and len(packed) == 1 else file[0]


def _simple_image(content: bytes) -> NDArray[Any] | None:
    """Image of an unscaled float primary HDU in standard form, None for any other."""
    end = content.find(END)
    layout = _layout(content[:end]) if end >= 0 else None
    if layout is None:
        return None
    dtype, shape = layout
    start = end + BLOCK - end % BLOCK  # data begin with the block after the last of the header
    count = shape[0] * shape[1]
    if len(content) < start + count * dtype.itemsize:
        return None
    return np.frombuffer(content, dtype, count, start).reshape(shape)


@lru_cache(maxsize=64)  # the stamps of an archive share few headers
def _layout(header: bytes) -> tuple[np.dtype[Any], tuple[int, int]] | None:
    """Type and shape of the image of a header, without END, in standard form; None for any other."""
    first = CARD * header.startswith(b"SIMPLE  =")  # some headers lack SIMPLE
    cards = [header[start : start + CARD] for start in range(first, first + 4 * CARD, CARD)]
    if [card[:10] for card in cards] != MANDATORY or len(header) % CARD:
        return None
    try:
        bits, axes, columns, rows = (int(card[10:30]) for card in cards)
        scale, zero = _value(header, b"BSCALE  =", 1.0), _value(header, b"BZERO   =", 0.0)
    except ValueError:
        return None
    if (axes, scale, zero) != (2, 1.0, 0.0) or bits not in FLOATS or min(rows, columns) < 1:
        return None
    return FLOATS[bits], (rows, columns)


def _value(header: bytes, keyword: bytes, default: float) -> float:
    """Value of a card; a text that looks like one within a comment is none."""
    cards = (header[start : start + CARD] for start in range(0, len(header), CARD))
    found = next((card for card in cards if card.startswith(keyword)), None)
    return default if found is None else float(found[10:30])
