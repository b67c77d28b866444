"""Small archives in the surveys' raw formats, written without the simulator."""

import gzip
import io
import pickle
import struct
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits


def _fits_bytes(image: Any, **header: Any) -> bytes:
    stream = io.BytesIO()
    hdu = fits.PrimaryHDU(np.asarray(image))
    hdu.header.update(header)
    hdu.writeto(stream)
    return stream.getvalue()


def _write_tar(path: Path, members: dict[str, bytes], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


class Foreign:
    """Stands for a callable of an older library, which a pickle names without it being importable."""

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name

    def __call__(self) -> None:
        """Let pickle take it for a function."""


class New:
    """Pickled as ``cls.__new__(cls)`` followed by its items, if it is a list, and its state."""

    def __init__(self, of: Foreign, state: Any, items: tuple[Any, ...] = ()) -> None:
        self.of, self.state, self.items = of, state, items


class Call:
    """Pickled as a call."""

    def __init__(self, of: Any, *arguments: Any) -> None:
        self.of, self.arguments = of, arguments


class _OldPickler(pickle._Pickler):
    """Writes protocol 2; with `python2`, every string is a byte string and modules have their old names."""

    dispatch = pickle._Pickler.dispatch.copy()

    def __init__(self, stream: io.BytesIO, python2: bool) -> None:
        super().__init__(stream, protocol=2)
        self.python2 = python2

    def save_text(self, text: Any) -> None:
        if not self.python2:
            pickle._Pickler.dispatch[type(text)](self, text)
            return
        content = text.encode("latin-1") if isinstance(text, str) else text
        self.write(b"T" + struct.pack("<i", len(content)) + content)
        self.memoize(text)

    def save_array(self, array: Any) -> None:
        content = array.ravel().tolist() if array.dtype == object else array.tobytes()
        rebuild = Foreign("numpy.core.multiarray", "_reconstruct")
        self.save_reduce(rebuild, (np.ndarray, (0,), b"b"), (1, array.shape, array.dtype, False, content))

    def save_dtype(self, dtype: Any) -> None:
        # numpy before 1.20 wrote integers for the two booleans
        state = (3, dtype.byteorder.replace("=", "<"), None, None, None, -1, -1, dtype.flags)
        self.save_reduce(np.dtype, (dtype.str[1:], 0, 1), state)

    def save_new(self, new: New) -> None:
        self.save(new.of)
        self.write(pickle.EMPTY_TUPLE + pickle.NEWOBJ)
        for item in new.items:
            self.save(item)
            self.write(pickle.APPEND)
        self.save(new.state)
        self.write(pickle.BUILD)

    def save_call(self, call: Call) -> None:
        self.save_reduce(call.of, call.arguments)

    def save_foreign(self, foreign: Foreign) -> None:
        self.write(f"c{foreign.module}\n{foreign.name}\n".encode())

    dispatch |= {
        str: save_text,
        bytes: save_text,
        np.ndarray: save_array,
        New: save_new,
        Call: save_call,
        Foreign: save_foreign,
    }

    def save(self, obj: Any, save_persistent_id: bool = True) -> None:
        if isinstance(obj, np.dtype):
            self.save_dtype(obj)
        else:
            super().save(obj, save_persistent_id)


class Formats:
    """Writers of raw formats."""

    Foreign, New, Call = Foreign, New, Call
    fits = staticmethod(_fits_bytes)
    tar = staticmethod(_write_tar)

    @staticmethod
    def python2_pickle(content: Any) -> bytes:
        stream = io.BytesIO()
        _OldPickler(stream, python2=True).dump(content)
        return stream.getvalue()

    @staticmethod
    def old_pickle(content: Any) -> bytes:
        """Pickle as Python 3 does with protocol 2 and an old numpy."""
        stream = io.BytesIO()
        _OldPickler(stream, python2=False).dump(content)
        return stream.getvalue()

    @staticmethod
    def old_frame_pickle(columns: dict[str, list[Any]]) -> bytes:
        """Pickle a frame of object columns as pandas 0.25 and Python 3 did in 2019."""
        values = np.empty((len(columns), len(next(iter(columns.values())))), object)
        for row, column in enumerate(columns.values()):
            values[row] = column
        base, internals = "pandas.core.indexes.base", "pandas.core.internals.managers"
        names = Call(
            Foreign(base, "_new_Index"),
            Foreign(base, "Index"),
            {"data": np.array(list(columns), object), "name": None},
        )
        rows = Call(
            Foreign(base, "_new_Index"),
            Foreign("pandas.core.indexes.numeric", "Int64Index"),
            {"data": np.arange(values.shape[1]), "name": None},
        )
        blocks = [{"values": values, "mgr_locs": slice(0, len(columns), 1)}]
        state = ([names, rows], [values], [names], {"0.14.1": {"axes": [names, rows], "blocks": blocks}})
        manager = New(Foreign(internals, "BlockManager"), state)
        frame = New(
            Foreign("pandas.core.frame", "DataFrame"),
            {"_data": manager, "_typ": "dataframe", "_metadata": []},
        )
        return Formats.old_pickle(frame)


@pytest.fixture(scope="session")
def formats() -> type[Formats]:
    return Formats


@pytest.fixture(scope="session")
def ramp() -> Callable[..., Any]:
    """Image of distinct values: `start` + row * width + column."""

    def image(size: int, start: float = 0.0, dtype: str = "f4") -> Any:
        return (start + np.arange(size * size, dtype="f8")).reshape(size, size).astype(dtype)

    return image


@pytest.fixture(scope="session")
def gz() -> Callable[[bytes], bytes]:
    return lambda content: gzip.compress(content, mtime=0)
