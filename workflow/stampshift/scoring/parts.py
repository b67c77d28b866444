"""Parts of a growing scores file: they survive a stop, and one process at a time writes them."""

import glob
import hashlib
import io
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from stampshift.alerts.dialects import UNREADABLE_FILE
from stampshift.core.errors import ConfigError, ContractError
from stampshift.core.files import atomic_path, explained, remove_leftovers
from stampshift.core.locks import locked
from stampshift.scoring.scores_file import SCHEMA, WRITERS, for_people

PART_LINES = 20_000
# of its first unit and the one behind its last, and the digest of its content
PART = re.compile(r"(?P<first>\d{9})-(?P<end>\d{9})-(?P<digest>[0-9a-f]{16})\.parquet")


@contextmanager
def owned_parts(output: Path, *, key: str, overwrite: bool) -> Iterator["Parts"]:
    """Parts of a scores file that this process alone writes within the block.

    The key is a digest of all that decides the lines: parts of another key, and what killed processes left,
    are removed. A link is followed: its target is what is written.

    Raises
    ------
    ConfigError
        If the scores file exists and may not be overwritten.
    LockedError
        If another process writes it.
    """
    real = Path(os.path.realpath(output))
    folder = real.with_name(f".{real.name}.{key[:16]}.parts")
    with ExitStack() as held:
        with explained(real):
            lock = real.with_name(f".{real.name}.lock")
            held.enter_context(locked(lock, name=str(output), activity="written"))
            _refuse_existing(real, output, overwrite=overwrite)
            remove_leftovers(real)
            for other in real.parent.glob(f".{glob.escape(real.name)}.{'[0-9a-f]' * 16}.parts"):
                if other != folder:
                    shutil.rmtree(other)
            parts = Parts(real, folder, suffix=output.suffix)
        yield parts


def _refuse_existing(real: Path, output: Path, *, overwrite: bool) -> None:
    if real.is_dir():
        raise ConfigError(f"{output}: is a folder; give another --output.")
    if real.exists() and not overwrite:
        raise ConfigError(f"{output}: already exists; give another --output, or --overwrite.")


class Parts:
    """Parts of a scores file, each of whole units of work; its name says which, and has its digest.

    They count as far as they follow each other without a gap or damage; others are removed, so that their
    units are done again. So are those with a file that the system did not give: it may by now.
    """

    def __init__(self, output: Path, folder: Path, *, suffix: str) -> None:
        self._output, self._folder, self._suffix = output, folder, suffix
        self._paths: list[Path] = []
        self._waiting: tuple[list[pa.Table], int] = [], 0
        self.units = 0  # that are in the parts
        for path in sorted(folder.glob("*")):
            name = PART.fullmatch(path.name)
            if name and int(name["first"]) == self.units and _is_final(path):
                self._paths.append(path)
                self.units = int(name["end"])
            else:
                path.unlink()

    def tables(self) -> Iterator[pa.Table]:
        """The parts, in order; a `ContractError` if one has changed since."""
        for path in self._paths:
            table = _read(path)
            if table is None:
                raise ContractError(
                    f"{path}: this part of {self._output} has changed on the disk. Run the same command "
                    "again: it scores the part again."
                )
            yield table

    def add(self, table: pa.Table, *, units: int) -> None:
        """Take the lines of another unit, and the number of units with it."""
        # one assignment: an interrupt never separates the lines from their number
        self._waiting = [*self._waiting[0], table], units
        if sum(map(len, self._waiting[0])) >= PART_LINES:
            self.flush()

    def flush(self) -> None:
        """Write what has come since the last part."""
        tables, units = self._waiting
        if tables:
            stream = io.BytesIO()
            pq.write_table(pa.concat_tables(tables), stream, write_page_checksum=True)
            name = f"{self.units:09}-{units:09}-{_digest(stream.getvalue())}.parquet"
            with atomic_path(self._folder / name) as temporary:
                temporary.write_bytes(stream.getvalue())
            self._paths.append(self._folder / name)
            self._waiting, self.units = ([], units), units

    def join(self, *, candidates: int, overwrite: bool) -> None:
        """Write the scores file of so many candidates from the parts, which are then removed.

        Whatever the parts are, the same lines give the same bytes. A `ConfigError` if the file appeared in
        the meantime and may not be overwritten, a `ContractError` if lines are missing; the parts stay then.
        """
        lines = 0
        try:
            with atomic_path(self._output, replace=overwrite) as temporary:
                with (
                    temporary.open("wb") as stream,
                    WRITERS[self._suffix](stream, SCHEMA) as writer,
                ):
                    for table in _even(self.tables()):
                        writer.write_table(for_people(table) if self._suffix == ".csv" else table)
                        lines += len(table)
                if lines != candidates:
                    raise ContractError(
                        f"{self._output}: expected {candidates} lines, one for each candidate, found {lines} "
                        f"in its parts, {self._folder}. Delete that folder and run the same command again."
                    )
        except FileExistsError as error:
            raise ConfigError(
                f"{self._output}: another program made this file in the meantime; move it, or run the same "
                "command again with --overwrite. Nothing is scored twice."
            ) from error
        shutil.rmtree(self._folder, ignore_errors=True)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _read(path: Path) -> pa.Table | None:
    """Content of a part, None if it is not what was written."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    name = PART.fullmatch(path.name)
    whole = name is not None and _digest(content) == name["digest"]
    return pq.read_table(pa.BufferReader(content), page_checksum_verification=True) if whole else None


def _is_final(path: Path) -> bool:
    table = _read(path)
    return table is not None and not pc.any(pc.match_substring(table["flag"], UNREADABLE_FILE)).as_py()


def _even(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The same lines in tables of `PART_LINES`, whatever a stop made of the parts."""
    rest = SCHEMA.empty_table()
    for table in tables:
        rest = pa.concat_tables([rest, table])
        while len(rest) >= PART_LINES:
            yield rest.slice(0, PART_LINES).combine_chunks()
            rest = rest.slice(PART_LINES)
    if len(rest):
        yield rest.combine_chunks()
