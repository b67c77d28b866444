"""Whether the paths that somebody gives hold alerts at all."""

from collections.abc import Sequence
from pathlib import Path

from stampshift.alerts.avro import MAGIC, WIRE_MAGIC
from stampshift.alerts.containers import PACKET, REMEDY, TABLE, files, units
from stampshift.alerts.dialects import DIALECTS, UNKNOWN_SCHEMA, Alert
from stampshift.core.errors import ArchiveError
from stampshift.formats.archives import TAR, tar_members
from stampshift.formats.inflating import GZIP_MAGIC


def check_given(paths: Sequence[Path]) -> None:
    """Raise an ArchiveError for a path that does not exist, or that is whole and holds no alert.

    Only the beginning of each is read: damage is told where all of it is.
    """
    for path in paths:
        if path.is_file():
            try:
                fault = _fault(path)
            except (ArchiveError, OSError):  # it is damaged, or the system does not give it
                continue
            if fault:
                raise ArchiveError(f"{path}: {fault}. {REMEDY}")
        else:
            files([path])


def _fault(path: Path) -> str:
    """What was expected and found, of a whole file without any alert; ``""`` of any other file."""
    if TAR.fullmatch(path.name):
        first = next(tar_members(path, PACKET, archive="alert", contents=True), None)
        return "expected members *.avro, found none" if first is None else ""
    if TABLE.fullmatch(path.name):
        first_unit = next(units([path]), None)
        if first_unit is None:
            return "expected alerts, found a table without a row"
        piece = first_unit.pieces[0]
        other = isinstance(piece, Alert) and piece.problem == UNKNOWN_SCHEMA
        return f"expected the fields of {', '.join(DIALECTS)}, found others" if other else ""
    if PACKET.fullmatch(path.name):
        return ""
    with path.open("rb") as stream:
        begin = stream.read(len(MAGIC))
    known = begin.startswith((MAGIC, WIRE_MAGIC, GZIP_MAGIC))
    return "" if known else f"expected packets, found a file that begins with {begin!r}"
