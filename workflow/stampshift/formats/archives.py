"""What the readers share: finding an archive's files, and reading tar members as a stream.

Members are never extracted by the path that they carry. A tar that ends before its end mark is refused:
`tarfile` alone takes a missing or broken header after the first member for the end of the archive.
"""

import bz2
import gzip
import lzma
import re
import struct
import tarfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any, Literal, NamedTuple, Self, TypeVar, cast

import pyarrow as pa

from stampshift.core.errors import ArchiveError, system_fault, unreadable_now
from stampshift.core.files import files_below
from stampshift.formats.inflating import check_size

Candidate = TypeVar("Candidate")

TAR = re.compile(r"[^.].*\.(tar(\.(gz|bz2|xz|zst))?|tgz|tbz2?|txz|tzst)", re.IGNORECASE)
STREAM_BYTES = 1 << 20
MAGIC_BYTES = 6
MOST_KINDS = 8
MOST_NESTED = 3  # tars within tars
COMPRESSED: dict[bytes, Callable[[IO[bytes]], Any]] = {  # by how such a file begins
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
    b"\x28\xb5\x2f\xfd": lambda stream: pa.CompressedInputStream(pa.PythonFile(stream, "r"), "zstd"),
}
HEADER = struct.Struct("100s24x12s12x8sc188x155s12x")  # ustar: name, size, checksum, type, prefix
BLANK_CHECKSUM = 8 * ord(" ")  # the checksum is taken as if its own field were blank


class Member(NamedTuple):
    """A regular file within a tar; its name serves messages and patterns only."""

    name: str
    offset: int  # of its content in the uncompressed tar, bytes
    size: int
    content: bytes  # empty where only headers are read


class _StrictTarInfo(tarfile.TarInfo):
    """A tar header; one that is missing or broken is an error wherever it is.

    The end mark, two blocks of zeros, is the one good ending; behind it there may be another tar.
    """

    @classmethod
    def fromtarfile(cls, archive: tarfile.TarFile) -> Self:
        try:
            found = super().fromtarfile(archive)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]
            archive.ended = True  # type: ignore[attr-defined]
            raise
        except tarfile.HeaderError as error:
            ended = getattr(archive, "ended", False)
            if ended and isinstance(error, tarfile.EmptyHeaderError):  # type: ignore[attr-defined]
                raise
            raise tarfile.ReadError(f"behind its end mark: {error}" if ended else str(error)) from error
        archive.ended = False  # type: ignore[attr-defined]
        return found


def find(
    paths: Sequence[Path],
    pattern: re.Pattern[str],
    *,
    archive: str,
    remedy: str,
    links_to_nowhere: bool = False,
) -> list[Path]:
    """Files whose whole name matches, among files and (recursively) folders, in natural order.

    Hidden files never match, nor do pipes and devices, which would never end; links of a folder to nowhere do
    if asked for. A file that `paths` names itself has to match as well. Raises an ArchiveError that names the
    survey's format `archive` and ends with `remedy` if a path does not exist.
    """
    found: list[Path] = []
    for path in map(Path, paths):
        if not path.exists():
            raise ArchiveError(f"{archive} archive {path}: no such file or folder. {remedy}")
        candidates = sorted(files_below(path), key=_natural) if path.is_dir() else [path]
        found += [
            file
            for file in candidates
            if not file.name.startswith(".")
            and pattern.fullmatch(file.name)
            and (file.is_file() or (links_to_nowhere and not file.exists()))
        ]
    return found


def listing(paths: Sequence[Path]) -> str:
    """Name `paths` in a message that something is not there, with the links to nowhere in them."""
    broken = sum(not file.exists() for path in paths if path.is_dir() for file in files_below(path))
    return (", ".join(map(str, paths)) or "no path at all") + (f" ({broken} broken links)" if broken else "")


def tar_members(path: Path, pattern: re.Pattern[str], *, archive: str, contents: bool) -> Iterator[Member]:
    """Regular files of a tar, plain or compressed, in order; memory is bounded by one member.

    `pattern` is that of a member's whole name without its folders. `contents` says whether to read more than
    headers; members of tars within the tar come then, too. Raises ArchiveError if a tar or its compressed
    stream is cut short or corrupt, or a member is too large.
    """
    read: list[str] = []
    try:
        with path.open("rb") as stream:
            yield from _members(stream, pattern, contents, [], read)
    except (tarfile.TarError, EOFError, OSError, zlib.error, lzma.LZMAError) as error:
        if system_fault(error):
            raise ArchiveError(unreadable_now(f"{archive} archive {path}", error)) from error
        where = f"member {read[-1]}" if read else "its first member"
        raise ArchiveError(
            f"{archive} archive {path}, at or after {where}: expected a complete tar with its end mark, "
            f"found it cut short or corrupt ({error}). Download the file again."
        ) from error


def _members(
    stream: IO[bytes], pattern: re.Pattern[str], contents: bool, within: list[str], read: list[str]
) -> Iterator[Member]:
    """Members of a tar, and of those in it; `within` are the names of those that it is in itself."""
    with _open_tar(stream, seekable=not within) as (tar, plain):
        first = True  # the first header is read as the tar is opened
        while (member := (not first and plain and _plain_header(tar)) or tar.next()) is not None:
            # tarfile would keep every header: a gigabyte for millions of members
            tar.members.clear()  # type: ignore[attr-defined]
            first, base = False, member.name.rpartition("/")[2]
            place = [*within, member.name]
            read[:] = [", member ".join(place)]
            if not member.isreg():
                continue
            if pattern.fullmatch(base):
                if contents:
                    check_size(member.size, f"member {read[0]}")
                file = tar.extractfile(member) if contents else None
                yield Member(read[0], member.offset_data, member.size, file.read() if file else b"")
            elif contents and TAR.fullmatch(base) and len(within) < MOST_NESTED:
                yield from _members(cast("IO[bytes]", tar.extractfile(member)), pattern, True, place, read)


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


class _Forward:
    """A stream that can only be read forwards, behind what was read of it already."""

    def __init__(self, begin: bytes, stream: Any) -> None:
        self._begin = begin
        # of a compressed one that is cut short, what is whole before comes first
        self._read: Callable[[int], bytes] = getattr(stream, "read1", stream.read)
        self.closed = False

    def read(self, size: int) -> bytes:
        """At most so many bytes, none at the end."""
        if not self._begin:
            return self._read(size)
        found, self._begin = self._begin[:size], self._begin[size:]
        return found


@contextmanager
def _open_tar(stream: IO[bytes], *, seekable: bool) -> Iterator[tuple[tarfile.TarFile, bool]]:
    """A tar in a stream, and whether it is plain and can be skipped through by seeking."""
    begin = stream.read(MAGIC_BYTES)
    opener = next((opener for magic, opener in COMPRESSED.items() if begin.startswith(magic)), None)
    plain = seekable and opener is None
    if seekable:
        stream.seek(0)
    source: Any = stream if seekable else _Forward(begin, stream)
    if opener is not None:
        source = _Forward(b"", opener(source))
    mode: Literal["r|", "r:"] = "r:" if plain else "r|"
    with tarfile.open(
        fileobj=source, mode=mode, bufsize=STREAM_BYTES, tarinfo=_StrictTarInfo, ignore_zeros=True
    ) as tar:
        yield tar, plain
        while opener is not None and source.read(STREAM_BYTES):  # to its checksum, behind the end of the tar
            pass


def in_units(candidates: Iterable[Candidate], *, size: int) -> Iterator[list[Candidate]]:
    """Candidates in lists of at most `size`, in their order."""
    remaining = iter(candidates)
    while unit := list(islice(remaining, size)):
        yield unit


def passed_over(paths: Sequence[Path], taken: Iterable[Path]) -> str:
    """Count the files of folders that are not among those `taken`, as text; ``""`` if there is none."""
    known, counts = {each for path in taken for each in (path.absolute(), path.resolve())}, Counter[str]()
    for file in chain.from_iterable(files_below(path) for path in map(Path, paths) if path.is_dir()):
        if file.absolute() not in known and file.resolve() not in known:
            ending = re.search(r"\.[^.]+(\.(gz|bz2|xz|zst|fz))?$", file.name[1:].lower())
            kind = "hidden" if file.name.startswith(".") else ending[0] if ending else "without a suffix"
            counts[kind if file.exists() else "broken link"] += 1
    listed = ", ".join(f"{count} {kind}" for kind, count in counts.most_common(MOST_KINDS))
    more = sum(counts.values()) - sum(count for _, count in counts.most_common(MOST_KINDS))
    return (
        f"{counts.total()} files passed over: {listed}{f', {more} others' if more else ''}" if counts else ""
    )


def _natural(path: Path) -> list[tuple[bool, int, str]]:
    # chunk_2 before chunk_10
    return [
        (part.isdigit(), int(part) if part.isdigit() else 0, part) for part in re.split(r"(\d+)", str(path))
    ]
