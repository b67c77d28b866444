"""Where packets of each dialect say where, when, how bright and by which detector a candidate was seen."""

from collections.abc import Callable, Mapping
from math import log10
from typing import Any, NamedTuple

from stampshift.stamps.metadata import Metadata, metadata_of

SNR_OF_MAGNITUDE_ERROR = 1.0857  # 2.5 / ln 10
NANOJANSKY_ZERO_POINT = 31.4  # AB magnitude of 1 nJy
MJD_OF_JD = 2_400_000.5  # days between the two
TAI_LESS_UTC_DAYS = 37 / 86_400  # since 2017, the last leap second so far: before Rubin's first alert


class Field(NamedTuple):
    """A path into a packet, and what its value means."""

    path: str
    meaning: Callable[[Any], Any] = lambda value: value


def sign(number: float) -> int:
    """1 of a number above 0, -1 of one below; 0 of NaN too."""
    return (number > 0) - (number < 0)


# what ZTF and PGIR have as `isdiffpos`, and what tables make of it
POSITIVE = {"t": 1, "1": 1, True: 1, "f": -1, "0": -1, False: -1}
# of ZTF and, in its form, PGIR
SKY = {
    "ra": Field("candidate.ra"),
    "dec": Field("candidate.dec"),
    "magnitude": Field("candidate.magpsf"),
    "snr": Field("candidate.scorr"),
    "mjd": Field("candidate.jd", lambda jd: jd - MJD_OF_JD),
    "sign": Field("candidate.isdiffpos", POSITIVE.get),
}
# by dialect, then by field of `Metadata`; the same sources as the dialects'
FIELDS: Mapping[str, Mapping[str, Field]] = {
    "ZTF": {
        **SKY,
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
        "mjd": Field("diaSource.midpointMjdTai", lambda mjd: mjd - TAI_LESS_UTC_DAYS),
        "sign": Field("diaSource.psfFlux", sign),  # `isNegative` is null in some packets
    },
    "ATLAS": {
        "ra": Field("candidate.RA"),
        "dec": Field("candidate.Dec"),
        "magnitude": Field("candidate.Mag", abs),  # below 0 where the difference is
        "snr": Field("candidate.Dmag", lambda error: SNR_OF_MAGNITUDE_ERROR / error),
        "band": Field("candidate.filter"),
        "mjd": Field("candidate.mjd"),
        "sign": Field("candidate.Mag", sign),  # `isdiffpos` says the contrary in every packet
    },
    "PGIR": SKY,
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
