"""Readers of the raw archives: each turns its survey's archive into raw triplets, unit by unit.

A reader is three functions of its survey's module. `files` finds the archive's files among the given
files and folders; `units` reads them in order and yields picklable units, each bounded, of raw bytes or of
where they lie; `decode` turns a unit into raw triplets and may run in any process. A new survey is a new
module and one line below.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stampshift.stamps import RawTriplet
from stampshift.surveys import atlas, des, hits, ztf


@dataclass(frozen=True)
class Reader:
    """How the raw archive of one survey is read.

    Attributes
    ----------
    files
        Files of the archive among files and folders, in the order in which they are read.
    units
        Work units of the archive among files and folders, in archive order: raw bytes, or where they lie, and
        what messages need.
    decode
        Raw triplets of one unit.
    """

    files: Callable[[Sequence[Path]], list[Path]]
    units: Callable[[Sequence[Path]], Iterator[Any]]
    decode: Callable[[Any], Iterator[RawTriplet]]


READERS: dict[str, Reader] = {
    "hits": Reader(hits.files, hits.units, hits.decode),
    "des": Reader(des.files, des.units, des.decode),
    "atlas": Reader(atlas.files, atlas.units, atlas.decode),
    "ztf": Reader(ztf.files, ztf.units, ztf.decode),
}
