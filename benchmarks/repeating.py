"""Larger archives of HiTS and DES than there is time to simulate: stamps repeated under new identifiers.

For readers they are archives of that size: as many bytes to inflate, headers to read, stamps to find, decode
and write. Only the pixels repeat, at distances larger than gzip's window.
"""

import csv
import gzip
import io
import re
import tarfile
from pathlib import Path

ID_SHIFT = 10_000_000  # above all numbers that the simulator gives
STAMP = re.compile(r"(.*/(?:temp|srch|diff))(\d+)(\.\w+)")


def repeat_hits(drawn: Path, folder: Path, times: int) -> None:
    """Write every chunk of an archive `times` times, numbered on."""
    with tarfile.open(drawn / "all_chunks.tar.gz") as tar:
        chunks = [tar.extractfile(member).read() for member in tar if member.isreg()]
    with (
        gzip.open(folder / "all_chunks.tar.gz", "wb", compresslevel=1) as stream,
        tarfile.open(fileobj=stream, mode="w|") as tar,
    ):
        for number in range(times * len(chunks)):
            _add(tar, f"all_chunks/chunk_{number}_5000.pkl", chunks[number % len(chunks)])


def repeat_des(drawn: Path, folder: Path, times: int) -> None:
    """Write every member of every tar `times` times, and the table's rows, under shifted identifiers."""
    for path in sorted(drawn.glob("*.tar")):
        with tarfile.open(path) as source:
            members = [(member.name, source.extractfile(member).read()) for member in source]
        with tarfile.open(folder / path.name, "w", format=tarfile.USTAR_FORMAT) as tar:
            for copy in range(times):
                for name, content in members:
                    before, identifier, suffix = STAMP.fullmatch(name).groups()
                    _add(tar, f"{before}{int(identifier) + copy * ID_SHIFT}{suffix}", content)
    (path,) = drawn.glob("*.csv")
    lines = path.read_text().splitlines(keepends=True)
    head = next(row for row, line in enumerate(lines) if not line.startswith("#")) + 1
    with (folder / path.name).open("w", newline="") as table:
        table.writelines(lines[:head])
        rows = list(csv.reader(lines[head:]))
        for copy in range(times):
            csv.writer(table).writerows([int(row[0]) + copy * ID_SHIFT, *row[1:]] for row in rows)


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))


REPEATED = {"HiTS": repeat_hits, "DES": repeat_des}
