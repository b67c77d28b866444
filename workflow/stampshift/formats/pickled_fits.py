"""FITS objects of astropy within pickles: what they hold, read without astropy's classes.

An HDU is pickled as its attributes. Its pixels are the array `data`, if they were ever asked for; else they
are still in the bytes that it was read from, with its place among them. Of an HDU of a file on disk that was
never asked, only the name of the file was pickled. The attributes are named alike in astropy 2 to 8, which
the tests read.

The classes here take the place of astropy's as a pickle is read (`unpickling`). They keep what a pickle
gives them and run nothing of it.
"""

import re
from collections.abc import Iterator
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from stampshift.core.errors import ArchiveError

CARD, BLOCK = 80, 2880
SIMPLE = b"SIMPLE  =                    T".ljust(CARD)
EXTENSION_NAME = re.compile("EXTNAME = '([^']*)'")
IMAGE_EXTENSION = b"XTENSION= 'IMAGE"
NO_IMAGE = (SIMPLE, b"BITPIX  =                    8", b"NAXIS   =                    0", b"END")
EMPTY_PRIMARY = b"".join(card.ljust(CARD) for card in NO_IMAGE).ljust(BLOCK)


class Opaque:
    """An object of which only the attributes are known."""

    state: Any = None

    def __new__(cls, *_arguments: Any, **_named: Any) -> Self:  # noqa: D102
        return super().__new__(cls)

    def __init__(self, *_arguments: Any, **_named: Any) -> None: ...

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def __setitem__(self, key: Any, value: Any) -> None:
        """Drop an item: some are dictionaries."""

    def attribute(self, name: str) -> Any:
        """An attribute, None if there is none."""
        return self.state.get(name) if isinstance(self.state, dict) else None


class Card(Opaque):
    """A line of a header: there may be a million in an archive, and only their names and values stay."""

    def __setstate__(self, state: Any) -> None:
        self.state = None
        if isinstance(state, dict):
            self.state = {name: state.get(name) for name in ("_keyword", "_value", "_image")}
            state.clear()  # the unpickler remembers it to the end

    @property
    def keyword(self) -> Any:
        """Its name in capitals; a card that nobody asked for is still a text."""
        return self.attribute("_keyword") or str(self.attribute("_image") or "")[:8].strip()

    @property
    def value(self) -> str:
        """Its value as text."""
        value, image = self.attribute("_value"), self.attribute("_image")
        if isinstance(value, str):
            return value
        return str(image or "").partition("=")[2].partition("/")[0].strip(" '")


class Header(Opaque):
    """A header, of which only the name of the HDU stays."""

    name = ""

    def __setstate__(self, state: Any) -> None:
        cards = state.get("_cards") if isinstance(state, dict) else None
        found = [each for each in cards or [] if isinstance(each, Card) and each.keyword == "EXTNAME"]
        self.name = found[0].value.strip() if found else ""


class TableHDU(Opaque):
    """An HDU with a table, such as that of a compressed image."""

    def stored(self) -> bytes:
        """Its bytes, header and data, in what it was read from; none if they were not pickled."""
        source = self.attribute("_buffer")
        if source is None:
            source = self._bytes_of_file()
        if isinstance(source, str):  # of Python 2
            source = source.encode("latin-1")
        places = [self.attribute(name) for name in ("_header_offset", "_data_offset", "_data_size")]
        if not isinstance(source, bytes | bytearray) or not all(isinstance(place, int) for place in places):
            return b""
        header, data, size = places
        return bytes(source[header : data + size])

    def _bytes_of_file(self) -> Any:
        file = self.attribute("_file")
        memory = file.attribute("_file") if isinstance(file, Opaque) else None
        state = memory.state if isinstance(memory, Opaque) else None
        return state[0] if isinstance(state, tuple) and state else None  # of io.BytesIO


class ImageHDU(TableHDU):
    """An HDU with an image, primary, extension or compressed."""

    @property
    def name(self) -> str:
        """What its header calls it, "" if nothing."""
        header = self.attribute("_header")
        if isinstance(header, Header):
            return header.name
        found = EXTENSION_NAME.search(str(self.attribute("_header_str") or ""))  # nobody asked for it yet
        return found[1].strip() if found else ""

    def content(self, *, place: str) -> NDArray[Any] | bytes | None:
        """Its pixels, or a FITS file of them, or None if it has no image.

        Raises an `ArchiveError` that begins with `place` if the pixels were not pickled.
        """
        data = self.attribute("data")
        if isinstance(data, np.ndarray):
            return data
        axes, table = self.attribute("_axes"), self.attribute("_bintable")
        if isinstance(axes, list) and not axes and table is None:
            return None
        stored = (table if isinstance(table, TableHDU) else self).stored()
        if stored.startswith(IMAGE_EXTENSION):
            return SIMPLE + stored[CARD:]
        if stored:
            return stored if stored.startswith(b"SIMPLE") else EMPTY_PRIMARY + stored
        raise ArchiveError(
            f"{place}: expected the pixels of an astropy HDU, found an HDU that was pickled without them: "
            "they are in the file that it was read from. Pickle it again after its `data` was used."
        )


class HDUList(Opaque, list[Any]):
    """HDUs of a file."""


# what a pickle may name instead of running it; every other name of astropy's package is `Opaque`
PACKAGES = ("astropy.io.fits", "pyfits")
CLASSES: dict[str, type[Opaque]] = {
    "Card": Card,
    "Header": Header,
    "CompImageHeader": Header,
    "PrimaryHDU": ImageHDU,
    "ImageHDU": ImageHDU,
    "CompImageHDU": ImageHDU,
    "BinTableHDU": TableHDU,
    "HDUList": HDUList,
}
# of what is within these objects
WITHIN = {
    "_io": {"BytesIO"},
    "builtins": {"file", "list", "str", "unicode"},  # a file and unicode are of Python 2
    "collections": {"defaultdict"},
    "gzip": {"GzipFile"},
    "mmap": {"mmap"},
    "numpy": {"record"},
}


def stand_in(module: str, name: str) -> type[Opaque] | None:
    """The class here that takes the place of one that a pickle names; None if there is none."""
    if any(f"{module}.".startswith(f"{package}.") for package in PACKAGES):
        return CLASSES.get(name, Opaque)
    return Opaque if name in WITHIN.get(module, ()) else None


def images_in(cell: ImageHDU | HDUList, *, place: str) -> Iterator[tuple[str, NDArray[Any] | bytes]]:
    """Name ("" without one) and `ImageHDU.content` of every image of an HDU or of a list of them."""
    for hdu in [cell] if isinstance(cell, ImageHDU) else cell:
        content = hdu.content(place=place) if isinstance(hdu, ImageHDU) else None
        if content is not None:
            yield hdu.name, content
