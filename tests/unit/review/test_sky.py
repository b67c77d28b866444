from urllib.parse import parse_qs, urlsplit

from stampshift.review.sky import described
from stampshift.stamps.metadata import NO_METADATA, Metadata


def test_what_is_known_is_told_with_links_by_ra_and_dec():
    found = described(Metadata(150.1234567, -2.5, 20.456, 7.25, "r", "42"))
    links = dict(found.pop("links"))
    assert found == {
        **{"ra": 150.123457, "dec": -2.5, "magnitude": 20.46, "snr": 7.2, "band": "r", "ccd": "42"},
    }
    assert list(links) == ["Aladin", "Legacy Surveys", "SIMBAD"]
    asked = {name: parse_qs(urlsplit(address).query) for name, address in links.items()}
    assert asked["Aladin"]["target"] == ["150.123457 -2.5"]
    assert (asked["Legacy Surveys"]["ra"], asked["Legacy Surveys"]["dec"]) == (["150.123457"], ["-2.5"])
    assert asked["SIMBAD"]["Coord"] == ["150.123457 -2.5"]
    assert all(address.startswith("https://") for address in links.values())


def test_north_of_the_equator_has_a_sign():
    (_, aladin), *_ = described(Metadata(1.0, 2.0))["links"]
    assert "target=1.0+%2B2.0&" in aladin


def test_nothing_known_is_nothing_told_and_half_a_position_is_no_link():
    assert described(NO_METADATA) == {}
    assert described(Metadata(ra=1.0)) == {"ra": 1.0}
