"""Images from FITS bytes, gzipped or not, in memory.

A stamp is a FITS file of one small image, which astropy takes about 500 us to open. A header that begins
with the mandatory cards of an unscaled float image is therefore parsed here, in about 10 us, and anything
else is left to astropy.
"""

import io
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from stampshift.core.errors import ArchiveError

GZIP_MAGIC = b"\x1f\x8b"
CARD, BLOCK = 80, 2880
FLOATS: dict[int, np.dtype[Any]] = {-32: np.dtype(">f4"), -64: np.dtype(">f8")}
MANDATORY = [b"BITPIX  = ", b"NAXIS   = ", b"NAXIS1  = ", b"NAXIS2  = "]
END = b"END".ljust(CARD)


def read_image(content: bytes, *, place: str) -> NDArray[np.float32]:
    """Pixels of the primary image of a FITS file, 2-D float32, rows first.

    The file may be gzipped, and its header may lack SIMPLE. Raises an ArchiveError that begins with `place`
    if it is cut short or corrupt, or its primary HDU holds no two-dimensional image.
    """
    try:
        content = _inflated(content)
        image = _simple_image(content)
        if image is None:
            with _opened(content) as file:
                image = getattr(file[0], "data", None)
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


def read_planes(content: bytes, *, place: str) -> list[NDArray[np.float32]]:
    """Images of a FITS file that holds several: the planes of a cube in HDU 0, or else those of its HDUs.

    Each is 2-D float32, rows first, in the order of the file, which may be gzipped. Raises an ArchiveError
    that begins with `place` if the file is cut short or corrupt, or holds no image.
    """
    try:
        content = _inflated(content)
        with _opened(content) as file:
            images = [hdu.data for hdu in file if getattr(hdu, "is_image", False) and hdu.data is not None]
            planes = [as_float32(plane) for plane in (images[0] if images[0].ndim == 3 else images)]
    except Exception as error:  # a corrupt header makes astropy raise anything, KeyError included
        raise ArchiveError(
            f"{place}: expected a complete FITS file with images, found {len(content)} bytes that are cut "
            f"short or corrupt, or no image ({error!r}). Repair or remove the file."
        ) from error
    if any(plane.ndim != 2 for plane in planes):
        shapes = ", ".join(str(plane.shape) for plane in planes)
        raise ArchiveError(f"{place}: expected a cube or two-dimensional images, found shapes {shapes}.")
    return planes


def image_of(cell: Any, *, place: str) -> NDArray[np.float32]:
    """Pixels of a pickled cell that holds an image as an array or as (gzipped) FITS bytes.

    Raises an ArchiveError that begins with `place` if the cell holds neither.
    """
    if isinstance(cell, str):  # bytes of Python 2, unpickled as Latin-1
        cell = cell.encode("latin-1")
    if isinstance(cell, bytes | bytearray):
        return read_image(bytes(cell), place=place)
    if isinstance(cell, np.ndarray) and cell.ndim == 2 and cell.dtype.kind in "fiu":
        return as_float32(cell)
    found = f"{cell.dtype} of shape {cell.shape}" if isinstance(cell, np.ndarray) else type(cell).__name__
    raise ArchiveError(
        f"{place}: expected a two-dimensional array or FITS bytes, found {found}. The channel is missing: "
        "remove the candidate or complete it."
    )


def as_float32(image: NDArray[Any]) -> NDArray[np.float32]:
    """Pixels in float32; those beyond it are infinite, and so invalid."""
    with np.errstate(over="ignore"):
        return image.astype(np.float32)


def _inflated(content: bytes) -> bytes:
    # one member and its checksum; gzip.decompress does the same in slower steps
    return zlib.decompress(content, wbits=31) if content[:2] == GZIP_MAGIC else content


@contextmanager
def _opened(content: bytes) -> Iterator[Any]:
    with warnings.catch_warnings():
        # remarks on odd cards; a data unit that is cut short raises when it is read
        warnings.simplefilter("ignore")
        with fits.open(io.BytesIO(content), memmap=False, ignore_missing_simple=True) as file:
            yield file


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
    start = header.find(keyword)
    return default if start < 0 else float(header[start + 10 : start + 30])
