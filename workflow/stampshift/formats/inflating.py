"""Compressed bytes, inflated within bounds: a small file can claim to be the whole memory.

The bound holds for each block of a container, member of a tar, packet, cutout and array: `most_bytes`.
"""

import bz2
import lzma
import os
import zlib
from collections.abc import Callable
from pathlib import Path

import cramjam
import pyarrow as pa

from stampshift.core.errors import ArchiveError

GZIP_MAGIC = b"\x1f\x8b"
LIMIT = "STAMPSHIFT_MAX_MB"  # an environment variable, which worker processes inherit
DEFAULT_MB = 256
MOST_LAYERS = 3  # of gzip within gzip
CHECKSUM_BYTES = 4  # after a snappy block
LENGTH_BYTES = 4  # before an lz4 block


class TooLargeError(ArchiveError):
    """Something would take more memory than it may."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what} is larger than {most_bytes() / 1e6:g} MB. If it is meant to be, set the environment "
            f"variable {LIMIT} to a larger number."
        )


def most_bytes() -> int:
    """Bytes to which anything may inflate: 256 MB, or as many as the variable `LIMIT` says."""
    try:
        megabytes = float(os.environ.get(LIMIT, DEFAULT_MB))
    except ValueError:
        raise ArchiveError(f"{LIMIT}: expected a number of megabytes, found {os.environ[LIMIT]!r}.") from None
    return int(1e6 * megabytes)


def check_size(size: int, what: str) -> None:
    """Raise a `TooLargeError` that begins with `what` if it has more than `most_bytes`."""
    if size > most_bytes():
        raise TooLargeError(what)


def read_file(path: Path) -> bytes:
    """Content of a file that is read whole; a `TooLargeError` if it is larger than `most_bytes`."""
    check_size(path.stat().st_size, str(path))
    return path.read_bytes()


def gunzip(data: bytes) -> bytes:
    """All members of a gzip file, of one that was gzipped again too; `data` itself if it is none."""
    for _ in range(MOST_LAYERS):
        if not data.startswith(GZIP_MAGIC):
            break
        data = _members(data)
    return data


def _members(data: bytes) -> bytes:
    inflated = []
    while data.startswith(GZIP_MAGIC):  # what follows the last member is padding
        content, data = _zlib(data, 31)
        inflated.append(content)
        check_size(sum(map(len, inflated)), "its gzipped content")
    return inflated[0] if len(inflated) == 1 else b"".join(inflated)


def _zlib(data: bytes, window_bits: int) -> tuple[bytes, bytes]:
    """What a zlib stream holds, and the bytes behind it."""
    stream = zlib.decompressobj(window_bits)
    content = stream.decompress(data, most_bytes() + 1)
    check_size(len(content), "its compressed content")
    content += stream.flush()
    if not stream.eof:
        raise EOFError("compressed content is cut short")
    return content, stream.unused_data


def _stream(decompressor: bz2.BZ2Decompressor | lzma.LZMADecompressor, data: bytes) -> bytes:
    content = decompressor.decompress(data, most_bytes() + 1)
    check_size(len(content), "its compressed content")
    if not decompressor.eof:
        raise EOFError("compressed content is cut short")
    return content


def _snappy(data: bytes) -> bytes:
    packed = data[:-CHECKSUM_BYTES]
    check_size(cramjam.snappy.decompress_raw_len(packed), "its compressed content")
    inflated = bytes(cramjam.snappy.decompress_raw(packed))
    if zlib.crc32(inflated) != int.from_bytes(data[-CHECKSUM_BYTES:], "big"):
        raise ValueError("its checksum differs")
    return inflated


def _lz4(data: bytes) -> bytes:
    check_size(int.from_bytes(data[:LENGTH_BYTES], "little"), "its compressed content")
    return bytes(cramjam.lz4.decompress_block(data))


def _zstandard(data: bytes) -> bytes:
    with pa.CompressedInputStream(pa.BufferReader(data), "zstd") as stream:
        content: bytes = stream.read(most_bytes() + 1)
    check_size(len(content), "its compressed content")
    return content


# by name: those of the Avro specification, and lz4, which fastavro writes too
AVRO_CODECS: dict[str, Callable[[bytes], bytes]] = {
    "null": bytes,
    "deflate": lambda data: _zlib(data, -15)[0],
    "snappy": _snappy,
    "zstandard": _zstandard,
    "bzip2": lambda data: _stream(bz2.BZ2Decompressor(), data),
    "xz": lambda data: _stream(lzma.LZMADecompressor(), data),
    "lz4": _lz4,
}
