"""A broker's packets, as it has decoded them, to alerts."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from stampshift.alerts.dialects import Alert, alert_of, recognised, unread

DEPTH = 2  # of the fields by which a dialect is recognised


def alerts_of_packets(packets: Iterable[Mapping[str, Any]]) -> Iterator[Alert]:
    """Alerts of decoded packets, in order, each of the survey whose fields it has.

    Cutouts are as the survey sends them: FITS bytes, gzipped or not, or a record with such ``stampData``. A
    packet that cannot be read is an alert with its problem, and a broker's stream goes on.
    """
    for row, packet in enumerate(packets):
        place = f"packet {row}"
        survey = recognised(set(_paths(packet, DEPTH)))
        if survey is None:
            yield unread(place, f"{place}: expected the fields of a known survey, found {', '.join(packet)}.")
            continue
        try:
            yield alert_of(packet, survey=survey, place=place)
        except Exception as error:  # fields of a type that no dialect has
            yield unread(place, f"{place}: expected the fields of {survey}, found {error!r}.")


def _paths(record: Mapping[str, Any], depth: int) -> Iterator[str]:
    for name, value in record.items():
        yield name
        if isinstance(value, Mapping) and depth > 1:
            yield from (f"{name}.{nested}" for nested in _paths(value, depth - 1))
