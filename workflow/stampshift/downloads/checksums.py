"""Checksums of downloaded files: known from the configuration, or those recorded when first seen."""

import fcntl
from pathlib import Path
from typing import NamedTuple

from stampshift.core.errors import ArchiveError, ContractError
from stampshift.core.files import atomic_path, make_folder
from stampshift.core.provenance import file_digest

HEAD = "# sha256, bytes and name of downloaded files as first seen; delete a line to accept another file\n"


class Record(NamedTuple):
    """What identifies a file's content."""

    sha256: str
    size: int


def record_of(path: Path) -> Record:
    """Read a file and digest it (about 1 s per GB)."""
    return Record(file_digest(path), path.stat().st_size)


def check(name: str, found: Record, *, known_sha256: str | None, lock: Path) -> None:
    """Check the file `name`, ``<survey>/<file>``, against its configured checksum, or else the recorded one.

    It is recorded if it is new. Several processes may use the records in `lock` at once. Raises ArchiveError
    if the file is another one.
    """
    if known_sha256 is not None:
        if found.sha256 != known_sha256:
            raise ArchiveError(
                f"{name}: expected the configured SHA-256 {known_sha256}, found {found.sha256} "
                f"({found.size:,} bytes). Download it again, or correct the config's `sha256`."
            )
        return
    make_folder(lock.parent)
    with lock.with_name(f".{lock.name}.guard").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)  # keeps other processes out while the records are read and written
        records = read_records(lock)
        first = records.setdefault(name, found)
        if first != found:
            raise ArchiveError(
                f"{name}: expected the file as first downloaded, SHA-256 {first.sha256} ({first.size:,} "
                f"bytes), found {found.sha256} ({found.size:,} bytes). If the archive was meant to change, "
                f"delete its line in {lock} and start again."
            )
        lines = [f"{record.sha256}  {record.size}  {key}\n" for key, record in sorted(records.items())]
        with atomic_path(lock) as temporary:
            temporary.write_text(HEAD + "".join(lines))


def read_records(lock: Path) -> dict[str, Record]:
    """Records by name, none if there is no file yet; ContractError if a line is no record."""
    if not lock.exists():
        return {}
    records = {}
    for number, line in enumerate(lock.read_text().splitlines(), start=1):
        if line.startswith("#") or not line.strip():
            continue
        fields = line.split(maxsplit=2)
        if len(fields) != 3 or not fields[1].isdigit():
            raise ContractError(
                f"{lock}, line {number}: expected `<sha256>  <bytes>  <survey>/<file>`, found {line!r}. "
                "Delete the line; the file is then taken as new."
            )
        records[fields[2]] = Record(fields[0], int(fields[1]))
    return records


def checksums_of(survey: str, *, lock: Path) -> dict[str, str]:
    """SHA-256 of a survey's downloaded files as first seen, by file name."""
    records = ((*name.partition("/"), record.sha256) for name, record in read_records(lock).items())
    return {file: sha256 for owner, _, file, sha256 in records if owner == survey}
