"""Where packets of each dialect say where, how bright and by which detector a candidate was seen."""

from collections.abc import Callable, Mapping
from math import log10
from typing import Any, NamedTuple

from stampshift.stamps.metadata import Metadata, metadata_of

SNR_OF_MAGNITUDE_ERROR = 1.0857  # 2.5 / ln 10
NANOJANSKY_ZERO_POINT = 31.4  # AB magnitude of 1 nJy


class Field(NamedTuple):
    """A path into a packet, and what its value means."""

    path: str
    meaning: Callable[[Any], Any] = lambda value: value


SKY = {"ra": Field("candidate.ra"), "dec": Field("candidate.dec")}
# by dialect, then by field of `Metadata`; the same sources as the dialects'
FIELDS: Mapping[str, Mapping[str, Field]] = {
    "ZTF": {
        **SKY,
        "magnitude": Field("candidate.magpsf"),
        "snr": Field("candidate.scorr"),
        "band": Field("candidate.fid", {1: "g", 2: "r", 3: "i"}.get),
        "ccd": Field("candidate.rcid", lambda quadrant: quadrant // 4 + 1),  # of four quadrants each
    },
    "Rubin": {
        "ra": Field("diaSource.ra"),
        "dec": Field("diaSource.dec"),
        "magnitude": Field("diaSource.psfFlux", lambda flux: NANOJANSKY_ZERO_POINT - 2.5 * log10(abs(flux))),
        "snr": Field("diaSource.snr"),
        "band": Field("diaSource.band"),
        "ccd": Field("diaSource.detector"),
    },
    "ATLAS": {
        "ra": Field("candidate.RA"),
        "dec": Field("candidate.Dec"),
        "magnitude": Field("candidate.Mag", abs),  # below 0 where the difference is
        "snr": Field("candidate.Dmag", lambda error: SNR_OF_MAGNITUDE_ERROR / error),
        "band": Field("candidate.filter"),
    },
    "PGIR": {**SKY, "magnitude": Field("candidate.magpsf"), "snr": Field("candidate.scorr")},
}


def metadata_of_packet(fields: Mapping[str, Field], value_at: Callable[[str], Any]) -> Metadata:
    """What a packet says in these fields; what it does not hold, or holds as another type, is left out."""
    found = {}
    for name, field in fields.items():
        try:
            found[name] = field.meaning(value_at(field.path))
        except (TypeError, ValueError, ArithmeticError):
            continue
    return metadata_of(found)
