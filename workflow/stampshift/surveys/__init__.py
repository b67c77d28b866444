"""Readers of the raw archives: each turns its survey's archive into raw triplets, unit by unit.

A reader is three functions of its module. `files` finds the archive's files among the given files and
folders; `units` reads them in order and yields picklable units, each bounded, of raw bytes or of where they
lie; `decode` turns a unit into raw triplets and may run in any process. Four read the archives of the
published study; `table`, `packets` and `folder` read any survey, by what its section of the config says. A
new format is a new module and one line below.
"""

from collections.abc import Callable, Mapping
from typing import Any

from stampshift.stamps.preprocessing import InvalidPixels
from stampshift.surveys import atlas, des, folder, hits, packets, table, ztf
from stampshift.surveys.reader import Reader

Build = Callable[[Mapping[str, Any], InvalidPixels], Reader]


def _without_options(reader: Reader) -> Build:
    return lambda options, invalid: reader  # noqa: ARG005


# each builds a reader from its options and the survey's marks of invalid pixels
READERS: dict[str, Build] = {
    "hits": _without_options(Reader(hits.files, hits.units, hits.decode)),
    "des": _without_options(Reader(des.files, des.units, des.decode)),
    "atlas": _without_options(Reader(atlas.files, atlas.units, atlas.decode)),
    "ztf": _without_options(Reader(ztf.files, ztf.units, ztf.decode)),
    "table": table.build,
    "packets": packets.build,
    "folder": folder.build,
}

__all__ = ["READERS", "Build", "Reader"]
