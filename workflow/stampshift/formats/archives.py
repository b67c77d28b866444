"""What the readers share: finding an archive's files, and reading tar members as a stream.

Members are never extracted by the path that they carry. A tar that ends before its end mark is refused:
`tarfile` alone takes a missing or broken header after the first member for the end of the archive.
"""

import gzip
import re
import struct
import tarfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import IO, Literal, NamedTuple, Self, TypeVar, cast

from stampshift.core.errors import ArchiveError

Candidate = TypeVar("Candidate")

STREAM_BYTES = 1 << 20
HEADER = struct.Struct("100s24x12s12x8sc188x155s12x")  # ustar: name, size, checksum, type, prefix
BLANK_CHECKSUM = 8 * ord(" ")  # the checksum is taken as if its own field were blank


class Member(NamedTuple):
    """A regular file within a tar; its name serves messages and patterns only."""

    name: str
    offset: int  # of its content in the uncompressed tar, bytes
    size: int
    content: bytes  # empty where only headers are read


class _StrictTarInfo(tarfile.TarInfo):
    """A tar header; one that is missing or broken is an error wherever it is."""

    @classmethod
    def fromtarfile(cls, archive: tarfile.TarFile) -> Self:
        try:
            return super().fromtarfile(archive)
        except tarfile.HeaderError as error:
            # the end mark of a tar, two blocks of zeros, is the one good ending
            if isinstance(error, tarfile.EOFHeaderError):  # type: ignore[attr-defined]
                raise
            raise tarfile.ReadError(str(error)) from error


def find(paths: Sequence[Path], pattern: re.Pattern[str], *, archive: str, remedy: str) -> list[Path]:
    """Files whose whole name matches, among files and (recursively) folders, in natural order.

    Hidden files never match; a file that `paths` names itself has to match as well. Raises an ArchiveError
    that names the survey's format `archive` and ends with `remedy` if a path does not exist.
    """
    found: list[Path] = []
    for path in map(Path, paths):
        if not path.exists():
            raise ArchiveError(f"{archive} archive {path}: no such file or folder. {remedy}")
        candidates = sorted(path.rglob("*"), key=_natural) if path.is_dir() else [path]
        found += [
            file
            for file in candidates
            if not file.name.startswith(".") and pattern.fullmatch(file.name) and file.is_file()
        ]
    return found


def listing(paths: Sequence[Path]) -> str:
    """Name `paths` in a message."""
    return ", ".join(map(str, paths)) or "no path at all"


def tar_members(path: Path, pattern: re.Pattern[str], *, archive: str, contents: bool) -> Iterator[Member]:
    """Regular files of a tar, plain or gzipped, in order; memory is bounded by one member.

    `pattern` is that of a member's whole name without its folders. `contents` says whether to read more than
    headers. Raises ArchiveError if the tar or its gzip stream is cut short or corrupt.
    """
    last = ""
    try:
        with _open_tar(path) as tar:
            # what is compressed can only be read forwards; the first header is read as the tar is opened
            quick = not _compressed(path)
            while (member := (last and quick and _plain_header(tar)) or tar.next()) is not None:
                # tarfile would keep every header: a gigabyte for millions of members
                tar.members.clear()  # type: ignore[attr-defined]
                last = member.name
                if member.isreg() and pattern.fullmatch(last.rpartition("/")[2]):
                    file = tar.extractfile(member) if contents else None
                    yield Member(last, member.offset_data, member.size, file.read() if file else b"")
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        where = f"member {last}" if last else "its first member"
        raise ArchiveError(
            f"{archive} archive {path}, at or after {where}: expected a complete tar with its end mark, "
            f"found it cut short or corrupt ({error}). Download the file again."
        ) from error


def _plain_header(tar: tarfile.TarFile) -> tarfile.TarInfo | None:
    """Read the next header and move on, if it is that of a regular file without any extension.

    tarfile, to which everything else is left, takes four times as long for each of DES' 5.4 million.
    """
    stream = cast("IO[bytes]", tar.fileobj)  # a string: the type itself would take a microsecond
    stream.seek(tar.offset)
    header = stream.read(tarfile.BLOCKSIZE)
    if len(header) < tarfile.BLOCKSIZE or tar.pax_headers:  # those hold for all that follows
        return None
    name, size, checksum, kind, prefix = HEADER.unpack(header)
    try:
        length, expected = int(size.strip(b" \0"), 8), int(checksum.strip(b" \0"), 8)
    except ValueError:  # not octal
        return None
    if kind != tarfile.REGTYPE or sum(header) - sum(checksum) + BLANK_CHECKSUM != expected or length < 0:
        return None
    parts = [part.partition(b"\0")[0].decode(tar.encoding, tar.errors) for part in (prefix, name)]
    member = tarfile.TarInfo("/".join(filter(None, parts)))
    member.size, member.offset, member.offset_data = length, tar.offset, tar.offset + tarfile.BLOCKSIZE
    tar.offset = member.offset_data + -(-length // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
    return member


def _compressed(path: Path) -> bool:
    return path.name.endswith("gz")


class _Promptly:
    """A gzip stream that gives what it has: where it is cut short, what is whole before comes first."""

    def __init__(self, stream: gzip.GzipFile) -> None:
        self.read = stream.read1


@contextmanager
def _open_tar(path: Path) -> Iterator[tarfile.TarFile]:
    compressed = _compressed(path)
    with gzip.open(path) if compressed else path.open("rb") as stream:
        source = cast(IO[bytes], _Promptly(stream) if isinstance(stream, gzip.GzipFile) else stream)
        # a gzip stream can only be read forwards; a plain tar is skipped through by seeking
        mode: Literal["r|", "r:"] = "r|" if compressed else "r:"
        with tarfile.open(fileobj=source, mode=mode, bufsize=STREAM_BYTES, tarinfo=_StrictTarInfo) as tar:
            yield tar
            while compressed and source.read(STREAM_BYTES):  # to its checksum, behind the end of the tar
                pass


def in_units(candidates: Iterable[Candidate], *, size: int) -> Iterator[list[Candidate]]:
    """Candidates in lists of at most `size`, in their order."""
    remaining = iter(candidates)
    while unit := list(islice(remaining, size)):
        yield unit


def _natural(path: Path) -> list[tuple[bool, int, str]]:
    # chunk_2 before chunk_10
    return [
        (part.isdigit(), int(part) if part.isdigit() else 0, part) for part in re.split(r"(\d+)", str(path))
    ]
