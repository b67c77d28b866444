"""From messages of a topic of alerts to units of work, and from lines of scores to messages. No Kafka."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from stampshift.alerts.containers import Packets, Unit, grouped
from stampshift.alerts.dialects import UNKNOWN_SCHEMA, UNREADABLE_CUTOUT, UNREADABLE_PACKET
from stampshift.scoring.scores_file import SEPARATOR

# flags of what cannot be read; all other alerts without a score were read, and their line says all of it
DEAD = {UNREADABLE_PACKET, UNREADABLE_CUTOUT, UNKNOWN_SCHEMA}
EMPTY = "expected an alert, found a container without any"


class Message(NamedTuple):
    """A message of a topic of alerts: most often one packet, and always what `alerts.decode` reads."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    content: bytes
    seconds: float | None  # since 1970, when it was sent; None if it does not say

    @property
    def place(self) -> str:
        """As the column of that name has it, before a record's number; no topic has a comma in its name."""
        return f"{self.topic} [{self.partition}] offset {self.offset}"


class DeadLetter(NamedTuple):
    """A message that cannot be read, and the sentence that says why."""

    message: Message
    reason: str


def units_of(messages: Iterable[Message], *, schemas: Path | None) -> Iterator[Unit]:
    """Units of work of some messages, in their order; `schemas` as of `alerts.units`."""
    pieces = (Packets(message.place, 0, message.content) for message in messages)
    return grouped(pieces, schemas=schemas)


def dead_letters(messages: Iterable[Message], table: pa.Table) -> Iterator[DeadLetter]:
    """Of some messages, those with a candidate that cannot be read, and those without any candidate.

    `table` has the lines of all of them. The reason is that of a message's first such candidate.
    """
    reasons: dict[str, str] = {}
    for line in table.select(["place", "flag", "reason"]).to_pylist():
        whose, bad = line["place"].partition(",")[0], DEAD & set(line["flag"].split(SEPARATOR))
        reasons[whose] = reasons.get(whose) or (line["reason"] if bad else "")
    for message in messages:
        reason = reasons.get(message.place, f"{message.place}: {EMPTY}.")
        if reason:
            yield DeadLetter(message, reason)


def candidate_of(line: Mapping[str, Any]) -> tuple[str, str] | None:
    """Survey and identifier of a line of scores; None where the identifier is not known."""
    return (line["survey"], line["id"]) if line.get("id") else None


def as_json(line: Mapping[str, Any]) -> bytes:
    """A line of scores as JSON: its columns by their names, ``null`` where a value is missing."""
    finite = {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in line.items()
    }
    return json.dumps(finite, ensure_ascii=False, allow_nan=False).encode()
