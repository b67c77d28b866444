"""What is known of a candidate beside its stamps, as the page shows it, and where to look it up."""

from math import isnan
from typing import Any
from urllib.parse import urlencode

from stampshift.stamps.metadata import Metadata

DIGITS = {"ra": 6, "dec": 6, "magnitude": 2, "snr": 1}


def described(metadata: Metadata) -> dict[str, Any]:
    """What is known, by the names of `Metadata`, and ``links`` by RA and Dec, a name and an address each."""
    numbers = {name: round(getattr(metadata, name), digits) for name, digits in DIGITS.items()}
    found: dict[str, Any] = {name: value for name, value in numbers.items() if not isnan(value)}
    found |= {name: value for name in ("band", "ccd") if (value := getattr(metadata, name))}
    if "ra" in found and "dec" in found:
        found["links"] = _links(found["ra"], found["dec"])
    return found


def _links(ra: float, dec: float) -> list[tuple[str, str]]:
    position = f"{ra} {dec:+}"
    aladin = urlencode({"target": position, "fov": 0.03})
    legacy = urlencode({"ra": ra, "dec": dec, "zoom": 16, "mark": f"{ra},{dec}"})
    simbad = urlencode({"Coord": position, "CooFrame": "ICRS", "Radius": 10, "Radius.unit": "arcsec"})
    return [
        ("Aladin", f"https://aladin.cds.unistra.fr/AladinLite/?{aladin}"),
        ("Legacy Surveys", f"https://www.legacysurvey.org/viewer?{legacy}"),
        ("SIMBAD", f"https://simbad.cds.unistra.fr/simbad/sim-coo?{simbad}"),
    ]
