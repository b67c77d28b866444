"""Bytes of the raw formats, the same for the same content: FITS, GIF, tar members, Python 2 pickles."""

import io
import pickle
import struct
import tarfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from stampshift.core.files import atomic_path

FITS_BLOCK_BYTES = 2880
GIF_WHITE = 255
GZIP_WINDOW_BITS = 31  # 15, deflate's largest window, and 16 for gzip's header, whose time is then 0


def fits_bytes(image: NDArray[np.floating], *, cards: tuple[str, ...]) -> bytes:
    """FITS file (NOST 100-2.0) of a 2-D image, big-endian float32, with further `cards` and no dates."""
    rows, columns = image.shape
    numbers = {"BITPIX": -32, "NAXIS": 2, "NAXIS1": columns, "NAXIS2": rows}
    mandatory = [f"{'SIMPLE':<8}= {'T':>20}", *(f"{key:<8}= {value:>20d}" for key, value in numbers.items())]
    header = "".join(f"{card:<80}" for card in (*mandatory, *cards, "END")).encode("ascii")
    data = image.astype(">f4").tobytes()
    return header + b" " * (-len(header) % FITS_BLOCK_BYTES) + data + b"\0" * (-len(data) % FITS_BLOCK_BYTES)


def gzip_bytes(content: bytes) -> bytes:
    """Content compressed without time or name; noise has no repeats, so none are searched for."""
    compressor = zlib.compressobj(1, zlib.DEFLATED, GZIP_WINDOW_BITS, strategy=zlib.Z_HUFFMAN_ONLY)
    return compressor.compress(content) + compressor.flush()


def gif_bytes(image: NDArray[np.floating], *, mark_pixels: int) -> bytes:
    """GIF of a stamp, from its 1st to its 99.5th percentile, with the diagonal marks of DES' pipeline."""
    ordered = np.sort(image, axis=None)
    low, high = ordered[ordered.size // 100], ordered[-ordered.size // 200]
    levels = ((image - low) / max(high - low, 1e-30) * GIF_WHITE).clip(0, GIF_WHITE).astype(np.uint8)
    diagonal = np.arange(mark_pixels)
    both = np.stack([diagonal, image.shape[0] - 1 - diagonal])
    levels[both[:, np.newaxis], both] = GIF_WHITE
    stream = io.BytesIO()
    PillowImage.fromarray(levels).save(stream, "GIF", optimize=False)
    return stream.getvalue()


def tar_member(name: str, content: bytes) -> bytes:
    """Header and padded content of one tar member: no owner, no time."""
    header = tarfile.TarInfo(name)
    header.size = len(content)
    padding = -len(content) % tarfile.BLOCKSIZE
    return header.tobuf(tarfile.USTAR_FORMAT) + content + b"\0" * padding


def tar_folder(name: str) -> bytes:
    """Header of a folder, of no owner and no time."""
    header = tarfile.TarInfo(name)
    header.type, header.mode = tarfile.DIRTYPE, 0o755
    return header.tobuf(tarfile.USTAR_FORMAT)


def tar_end(written: int) -> bytes:
    """End of an archive of `written` bytes: two empty blocks, then up to a whole record."""
    end = 2 * tarfile.BLOCKSIZE
    return b"\0" * (end + -(written + end) % tarfile.RECORDSIZE)


def write_pickle(path: Path, content: Any) -> None:
    """Write a pickle of protocol 2, as archives of these years hold; its file appears only once complete."""
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        pickle.dump(content, stream, protocol=2)


def python2_pickle(arrays: Mapping[str, NDArray[np.floating]]) -> bytes:
    """Pickle of a dict of float arrays as Python 2 wrote it with protocol 2, which Python 3 cannot.

    Names and pixels are byte strings (opcodes U and T), and arrays are rebuilt by
    ``numpy.core.multiarray._reconstruct``, as in the pickles of the Deep-HiTS repository.
    """
    parts = [b"\x80\x02}("]
    for name, array in arrays.items():
        data = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        shape = b"".join(b"J" + struct.pack("<i", length) for length in data.shape)
        # a tuple of one element has its own opcode
        shape += {1: b"\x85", 2: b"\x86"}[data.ndim]
        parts += [
            _python2_string(name.encode("ascii")),
            b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85U\x01b\x87R",
            b"(K\x01", shape,
            b"cnumpy\ndtype\n", _python2_string(data.dtype.str[1:].encode("ascii")), b"K\0K\x01\x87R",
            b"(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb",
            b"\x89T", struct.pack("<i", data.nbytes), data.tobytes(), b"tb",
        ]  # fmt: skip
    return b"".join([*parts, b"u."])


def _python2_string(text: bytes) -> bytes:
    return b"U" + struct.pack("<B", len(text)) + text
