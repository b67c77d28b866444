"""Whether files of stampshift are as they were written, by the digests and checksums that they carry."""

import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import h5py
import pyarrow.parquet as pq

from stampshift.core.digests import DIGESTS, check_digest, read_digests
from stampshift.core.errors import ContractError
from stampshift.core.files import files_below, read_json
from stampshift.core.printing import printable
from stampshift.core.provenance import file_digest
from stampshift.downloads.checksums import read_records
from stampshift.stamps.file import Stamps, is_stamps_file, verify_stamps
from stampshift.stamps.shown import open_shown

WRITTEN, CHANGED, UNKNOWN = "as written", "not as written", "cannot be verified"  # in order of exit statuses
I32_FIELD = 0x15  # of Thrift's compact protocol: the next field, a 32-bit integer
LOCK_SUFFIX = ".lock"  # of files that hold locks; they are no results
UNNAMED = "no digest of it is known"


class Verdict(NamedTuple):
    """What is known of a file, or of a folder with a list of digests."""

    path: Path
    verdict: str  # WRITTEN, CHANGED or UNKNOWN
    reason: str

    def line(self) -> str:
        """One line for people."""
        return printable(f"{self.verdict}: {self.path}: {self.reason}")


def exit_status(verdicts: list[Verdict]) -> int:
    """0 if all is as written, 1 if something is not, and 2 if something cannot be verified."""
    found = {each.verdict for each in verdicts}
    return 1 if CHANGED in found else 0 if found == {WRITTEN} else 2


def verify(path: Path, *, downloads: Path) -> Iterator[Verdict]:
    """Verdicts on a file or on all that is in a folder; a folder with a list of digests is one thing.

    `downloads` are the records of downloaded archives (`downloads.checksums`).
    """
    if path.is_dir():
        yield from _folder(path, downloads)
    elif path.exists():
        yield _file(path, downloads)
    else:
        yield Verdict(path, CHANGED, "no such file or folder")


def _folder(folder: Path, downloads: Path) -> Iterator[Verdict]:
    files = [path for path in files_below(folder) if path == downloads or path.suffix != LOCK_SUFFIX]
    if not files:
        yield Verdict(folder, UNKNOWN, "holds no file")
    listed: set[Path] = set()
    for home in sorted({path.parent for path in files}):
        if (home / DIGESTS).exists():
            yield _listed_folder(home)
            listed |= {home / DIGESTS, *(home / name for name in _names(home))}
        elif (home / "contract.json").is_file():
            yield Verdict(home, CHANGED, f"a released model without its {DIGESTS}")
    for path in files:
        if path not in listed:
            yield _file(path, downloads)


def _names(folder: Path) -> list[str]:
    try:
        return list(read_digests(folder))
    except ContractError:
        return []


def _listed_folder(folder: Path) -> Verdict:
    wrong = []
    try:
        digests = read_digests(folder)
    except ContractError as error:
        return Verdict(folder, CHANGED, str(error))
    for name, expected in digests.items():
        try:
            check_digest(folder / name, expected)
        except (ContractError, OSError) as error:
            wrong.append(str(error))
    if wrong:
        return Verdict(folder, CHANGED, " ".join(wrong))
    return Verdict(folder, WRITTEN, f"{len(digests)} files, by {DIGESTS}")


def _file(path: Path, downloads: Path) -> Verdict:
    try:
        reason = _known_by(path, downloads)
    except (ContractError, OSError) as error:
        return Verdict(path, CHANGED, str(error))
    return Verdict(path, WRITTEN if reason else UNKNOWN, reason or UNNAMED)


def _known_by(path: Path, downloads: Path) -> str | None:
    """How a file's content was found right, None if there is no way; an error if it was found wrong."""
    for home in path.parents:
        if (home / DIGESTS).is_file():
            expected = read_digests(home).get(path.relative_to(home).as_posix())
            if expected is not None:
                check_digest(path, expected)
                return f"by {home / DIGESTS}"
    name = f"{path.absolute().parent.name}/{path.name}"
    record = read_records(downloads).get(name)
    if record is not None:
        found = file_digest(path)
        if found != record.sha256:
            raise ContractError(
                f"expected the file as first downloaded, SHA-256 {record.sha256}, found {found}; delete it, "
                "and the workflow downloads it again."
            )
        return f"by its record in {downloads}"
    if is_stamps_file(path) or (path.suffix == ".h5" and not h5py.is_hdf5(path)):
        verify_stamps(path)
        stamps = Stamps.open(path, unlabelled=True)
        open_shown(path, stamps.attributes, count=len(stamps))
        return "pixels, labels, names and fingerprints by their digests"
    if path.suffix in {".npz", ".pt", ".checkpoint"}:
        _check_zip(path)
        return "by the checksums in it"
    if path.suffix == ".parquet":
        return "by the checksums of its pages" if _checked_parquet(path) else None
    if path.suffix == ".json":
        read_json(path)  # it can be broken, or of unknown digest
    return None


def _check_zip(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
        raise ContractError(f"damaged: {error}.") from error
    if damaged is not None:
        raise ContractError(f"damaged: {damaged} differs from its checksum.")


def _checked_parquet(path: Path) -> bool:
    """Whether the pages of a Parquet file have checksums; an error if one differs, or none can be read."""
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as table:
            for group in range(table.num_row_groups):
                table.read_row_group(group)
            starts = [
                min(filter(None, (column.dictionary_page_offset, column.data_page_offset)))
                for group in range(table.num_row_groups)
                for column in map(table.metadata.row_group(group).column, range(table.metadata.num_columns))
            ]
    except (OSError, ValueError) as error:
        raise ContractError(f"damaged: {error}.") from error
    with path.open("rb") as file:
        return all(_has_checksum(file, start) for start in starts)


def _has_checksum(file: BinaryIO, start: int) -> bool:
    """Whether the header of a page has the field `crc`, which follows those of its type and two sizes."""
    file.seek(start)
    header, position = file.read(32), 0
    for _ in range(3):
        if header[position] != I32_FIELD:
            return False
        position += 1
        while header[position] & 0x80:
            position += 1
        position += 1
    return header[position] == I32_FIELD
