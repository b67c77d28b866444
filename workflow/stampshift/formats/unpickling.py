"""Pickles from the network, read without letting them run code.

A pickle may name any importable callable. This unpickler admits, by explicit name, only what rebuilds
numpy arrays, pandas frames and indexes and the strings of pandas 3, and refuses everything else by name.
What these alone could do beyond is closed as well: `numpy.ndarray` is admitted as the type of a rebuilt
array, not as a callable (it makes object pointers of any buffer); the flags and fields of a dtype, which
say whether an element is such a pointer, cannot be set; nor can the attributes of a class or function.
"""

import gzip
import io
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, Self, cast

import numpy as np
import pandas as pd
from pandas.compat import pickle_compat  # type: ignore[import-not-found]

from stampshift.core.errors import ArchiveError

NUMPY = {
    *(
        (f"numpy.{core}.multiarray", name)
        for core in ("core", "_core")
        for name in ("_reconstruct", "scalar")
    ),
    *((f"numpy.{core}.numeric", "_frombuffer") for core in ("core", "_core")),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
}
PANDAS = {
    ("pandas", "DataFrame"),
    ("pandas", "Index"),
    ("pandas", "RangeIndex"),
    ("pandas", "StringDtype"),
    ("pandas", "Categorical"),
    ("pandas", "CategoricalDtype"),
    ("pandas.arrays", "ArrowStringArray"),
    ("pandas.arrays", "StringArray"),
    ("pandas._libs.arrays", "__pyx_unpickle_NDArrayBacked"),
    ("pandas._libs.internals", "_unpickle_block"),
    ("pandas.core.arrays.categorical", "Categorical"),
    ("pandas.core.arrays.string_", "StringArray"),
    ("pandas.core.arrays.string_", "StringDtype"),
    ("pandas.core.arrays.string_arrow", "ArrowStringArray"),
    ("pandas.core.dtypes.dtypes", "CategoricalDtype"),
    ("pandas.core.frame", "DataFrame"),
    ("pandas.core.indexes.base", "Index"),
    ("pandas.core.indexes.base", "_new_Index"),
    ("pandas.core.indexes.numeric", "Float64Index"),
    ("pandas.core.indexes.numeric", "Int64Index"),
    ("pandas.core.indexes.range", "RangeIndex"),
    ("pandas.core.internals.blocks", "new_block"),
    ("pandas.core.internals.managers", "BlockManager"),
}
ARROW = {("pyarrow.lib", name) for name in ("_restore_array", "py_buffer", "type_for_alias")}
PYTHON = {
    ("_codecs", "encode"),
    ("builtins", "bytearray"),
    ("builtins", "bytes"),
    ("builtins", "object"),
    ("builtins", "slice"),
    ("copyreg", "_reconstructor"),
}
ADMITTED = NUMPY | PANDAS | ARROW | PYTHON
PICKLE = re.compile(r"[^.].*\.(pkl|pickle)(\.gz)?")
RENAMED = {"__builtin__": "builtins", "copy_reg": "copyreg"}  # Python 2


class ForbiddenGlobalError(pickle.UnpicklingError):
    """A pickle names something that is not admitted."""


class _ArrayType:
    """Stands for `numpy.ndarray` in a pickle, which may name but not call it."""

    def __new__(cls, *_arguments: Any) -> Self:
        raise ForbiddenGlobalError("a call of numpy.ndarray")


class _Unpickler(pickle_compat.Unpickler):
    """pandas' own unpickler, which knows the pickles of older versions, with nothing else admitted."""

    def find_class(self, module: str, name: str) -> Any:
        module = RENAMED.get(module, module)
        if (module, name) not in ADMITTED:
            raise ForbiddenGlobalError(f"{module}.{name}")
        module = module.replace("numpy.core.", "numpy._core.")
        if (module, name) == ("numpy", "ndarray"):
            return _ArrayType
        found = super().find_class(module, name)
        return {"_reconstruct": _array_only, "_restore_array": _checked}.get(name, lambda call: call)(found)

    dispatch = pickle_compat.Unpickler.dispatch.copy()

    def load_build(self) -> None:
        state, instance = self.stack[-1], self.stack[-2]
        if isinstance(instance, np.dtype) and (state[7] != instance.flags or any(state[2:5])):
            raise ForbiddenGlobalError(f"a dtype {instance} with fields or flags of its own")
        if callable(instance):
            raise ForbiddenGlobalError(f"a change of {instance}")
        pickle_compat.Unpickler.load_build(self)

    dispatch[pickle.BUILD[0]] = load_build


def _array_only(reconstruct: Callable[..., Any]) -> Callable[..., Any]:
    def rebuild(kind: type, shape: tuple[int, ...], code: Any) -> Any:
        if kind is not _ArrayType:
            raise ForbiddenGlobalError(f"an array of type {kind.__module__}.{kind.__name__}")
        return reconstruct(np.ndarray, shape, code)

    return rebuild


def _checked(restore: Callable[..., Any]) -> Callable[..., Any]:
    def rebuild(content: Any) -> Any:
        array = restore(content)
        array.validate(full=True)  # offsets beyond the buffers would read foreign memory
        return array

    return rebuild


def unpickle(source: bytes | BinaryIO, *, place: str) -> Any:
    """Content of a pickle of numpy and pandas objects, of any protocol, also from Python 2.

    Parameters
    ----------
    source
        The pickle, or a file open at its beginning. Strings of Python 2 become `str` by Latin-1.
    place
        Survey, file and member, for messages.

    Raises
    ------
    ArchiveError
        If the pickle names anything that is not admitted, or is cut short or corrupt.
    """
    file = io.BytesIO(source) if isinstance(source, bytes) else source
    try:
        content = _Unpickler(file, encoding="latin1").load()
        if isinstance(content, pd.DataFrame):
            len(content)  # fails where the frame was made but nothing put into it
    except ForbiddenGlobalError as error:
        raise ArchiveError(
            f"{place}: expected a pickle of numpy and pandas objects, found {error} in it, which is not "
            "admitted because it could run code. Use the survey's own file."
        ) from error
    # a damaged pickle can fail in any of the constructors it calls
    except Exception as error:
        raise ArchiveError(
            f"{place}: expected a whole pickle, found it cut short or corrupt "
            f"({type(error).__name__}: {error}). Download the file again."
        ) from error
    return content


def unpickle_file(path: Path, *, place: str) -> Any:
    """Content of a pickle file, gzipped or not; see `unpickle`."""
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        return unpickle(cast(BinaryIO, file), place=place)
