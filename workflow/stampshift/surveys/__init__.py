"""Readers of the raw archives, and the making of stamps files.

1. A reader (`atlas`, `des`, `hits`, `ztf` of the published study; `table`, `folder`, `packets` of any survey)
   cuts its archive into units and decodes each into candidates, `stamps.raw_triplets`.
2. `stamps.preprocessing` filters, crops, normalises and fills the triplets of a unit, and counts what it met.
3. `making` does both in worker processes and in the archive's order. `tally` counts what becomes of the
   candidates, names unusable ones, stops above the share that is tolerated, and leaves out repeated packets.
4. `stamps.file` writes what is left, with counts and digests, as one file.

`inspection` reads archives without writing a file; `catalogue` reads what an archive says of its candidates
beside the stamps. A new format is a new module and one line below.
"""

from collections.abc import Callable, Mapping
from typing import Any

from stampshift.stamps.raw_triplets import InvalidPixels
from stampshift.surveys import atlas, des, folder, hits, packets, table, ztf
from stampshift.surveys.reader import Reader


def _without_options(module: Any) -> Callable[[Mapping[str, Any], InvalidPixels], Reader]:
    reader = Reader(module.files, module.units, module.decode, bounded=True)
    return lambda options, invalid: reader  # noqa: ARG005


# each builds a reader from its options and the survey's marks of invalid pixels
READERS: dict[str, Callable[[Mapping[str, Any], InvalidPixels], Reader]] = {
    "hits": _without_options(hits),
    "des": _without_options(des),
    "atlas": atlas.build,
    "ztf": _without_options(ztf),
    "table": table.build,
    "packets": packets.build,
    "folder": folder.build,
}

__all__ = ["READERS", "Reader"]
