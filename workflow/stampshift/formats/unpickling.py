"""Pickles from the network, read without letting them run code.

A pickle may name any importable callable. This unpickler admits, by explicit name, only what rebuilds
numpy arrays, pandas frames and indexes and the strings of pandas 3, and refuses everything else by name. The
FITS objects of astropy become those of `pickled_fits`, which hold their attributes: nothing of astropy runs.
What these alone could do beyond is closed as well: `numpy.ndarray` is admitted as the type of a rebuilt
array, not as a callable (it makes object pointers of any buffer); the flags and fields of a dtype, which
say whether an element is such a pointer, cannot be set; nor can the attributes of a class or function.
"""

import gzip
import io
import math
import pickle
import re
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any, BinaryIO, Self, cast

import numpy as np
import pandas as pd
from pandas.api.extensions import ExtensionArray
from pandas.compat import pickle_compat  # type: ignore[import-not-found]
from pandas.core.base import PandasObject
from pandas.core.internals.managers import BlockManager  # type: ignore[import-not-found]

from stampshift.core.errors import ArchiveError, system_fault, unreadable_now
from stampshift.formats.pickled_fits import Opaque, stand_in

CORES = ("numpy.core", "numpy._core")  # before numpy 2 and since
ADMITTED = {
    **{f"{core}.multiarray": {"_reconstruct", "scalar"} for core in CORES},
    **{f"{core}.numeric": {"_frombuffer"} for core in CORES},
    "numpy": {"ndarray", "dtype"},
    "pandas": {"DataFrame", "Index", "RangeIndex", "StringDtype", "Categorical", "CategoricalDtype"},
    "pandas.arrays": {"ArrowStringArray", "StringArray"},
    "pandas._libs.arrays": {"__pyx_unpickle_NDArrayBacked"},
    "pandas._libs.internals": {"_unpickle_block"},
    "pandas.core.arrays.categorical": {"Categorical"},
    "pandas.core.arrays.string_": {"StringArray", "StringDtype"},
    "pandas.core.arrays.string_arrow": {"ArrowStringArray"},
    "pandas.core.dtypes.dtypes": {"CategoricalDtype"},
    "pandas.core.frame": {"DataFrame"},
    "pandas.core.indexes.base": {"Index", "_new_Index"},
    "pandas.core.indexes.numeric": {"Float64Index", "Int64Index"},
    "pandas.core.indexes.range": {"RangeIndex"},
    "pandas.core.internals.blocks": {"new_block"},
    "pandas.core.internals.managers": {"BlockManager"},
    "pyarrow.lib": {"_restore_array", "py_buffer", "type_for_alias"},
    "_codecs": {"encode"},
    "builtins": {"bytearray", "bytes", "object", "slice"},
    "copyreg": {"_reconstructor"},
}
PICKLE = re.compile(r"[^.].*\.(pkl|pickle)(\.gz)?")
# what is admitted and has items in memory of its own
OF_MEMORY = (np.ndarray, bytearray, PandasObject, ExtensionArray)
RENAMED = {"__builtin__": "builtins", "copy_reg": "copyreg"}  # Python 2


class ForbiddenGlobalError(pickle.UnpicklingError):
    """A pickle names something that is not admitted."""


class RefusedPickleError(ArchiveError):
    """A pickle of objects that are not read, whatever they hold."""


class _ArrayType:
    """Stands for `numpy.ndarray` in a pickle, which may name but not call it."""

    def __new__(cls, *_arguments: Any) -> Self:
        raise ForbiddenGlobalError("a call to numpy.ndarray")


class _Unpickler(pickle_compat.Unpickler):
    """pandas' own unpickler, which knows the pickles of older versions, with nothing else admitted."""

    fits = False  # whether a FITS object was named

    def find_class(self, module: str, name: str) -> Any:
        module = RENAMED.get(module, module)
        replacement = stand_in(module, name)
        if replacement is not None:
            self.fits = True
            return replacement
        if name not in ADMITTED.get(module, ()):
            raise ForbiddenGlobalError(f"{module}.{name}")
        module = module.replace("numpy.core.", "numpy._core.")
        if (module, name) == ("numpy", "ndarray"):
            return _ArrayType
        found = super().find_class(module, name)
        guard = GUARDS.get(name)
        return guard(found) if guard else found

    dispatch = pickle_compat.Unpickler.dispatch.copy()

    def load(self) -> Any:
        self._managers: list[BlockManager] = []
        content = super().load()
        for manager in self._managers:  # its parts may have changed since it was made
            _check_places(manager)
        return content

    def load_build(self) -> None:
        state, instance = self.stack[-1], self.stack[-2]
        if isinstance(instance, np.dtype) and (state[7] != instance.flags or any(state[2:5])):
            if not self.fits:
                raise ForbiddenGlobalError(f"a dtype {instance} with its own fields or flags")
            self.stack.pop()  # of a table behind a compressed image: it stays one of bytes without fields
            return
        if callable(instance):
            raise ForbiddenGlobalError(f"a change of {instance}")
        if isinstance(instance, np.ndarray):
            _check_elements(state)
        if isinstance(instance, pd.Categorical):
            self.stack[-1] = deepcopy(state)  # nothing else in the pickle can change codes or categories
        pickle_compat.Unpickler.load_build(self)
        self._checked(self.stack[-1])

    dispatch[pickle.BUILD[0]] = load_build

    def load_reduce(self) -> None:
        pickle_compat.Unpickler.load_reduce(self)
        self._checked(self.stack[-1])

    dispatch[pickle.REDUCE[0]] = load_reduce

    def _checked(self, found: Any) -> None:
        _check_places(found)
        if isinstance(found, BlockManager):
            self._managers.append(found)


def _filling(opcode: bytes, *, below: int | None) -> None:
    """Let an opcode fill containers alone: pickle's own would write into arrays that were checked.

    What it fills is so far `below` the top of the stack, or under the last mark.
    """
    fill = _Unpickler.dispatch[opcode[0]]

    def checked(self: _Unpickler) -> None:
        filled = self.metastack[-1][-1] if below is None else self.stack[-1 - below]
        if isinstance(filled, OF_MEMORY):
            raise ForbiddenGlobalError(f"a change of {type(filled).__name__}")
        fill(self)

    _Unpickler.dispatch[opcode[0]] = checked


_filling(pickle.APPEND, below=1)
_filling(pickle.SETITEM, below=2)
for _many in (pickle.APPENDS, pickle.SETITEMS, pickle.ADDITEMS):
    _filling(_many, below=None)


def _check_elements(state: Any) -> None:
    """Raise unless the list of an array of objects fills its shape: numpy copies without looking."""
    *_, shape, dtype, _, content = state
    if not isinstance(dtype, np.dtype) or not dtype.hasobject:
        return
    shape = (shape,) if isinstance(shape, int) else shape
    if dtype != np.dtype(object) or not isinstance(content, list) or len(content) != math.prod(shape):
        raise pickle.UnpicklingError(f"an array of shape {shape} whose elements do not fill it")


def _check_places(found: Any) -> None:
    """Raise if an object of pandas points beyond its arrays, which pandas does not look at either."""
    if isinstance(found, BlockManager):
        columns, *rows = map(len, found.axes)
        places = [place for block in found.blocks for place in block.mgr_locs.as_array.tolist()]
        shapes = all(block.shape == (len(block.mgr_locs), *rows) for block in found.blocks)
        if sorted(places) != list(range(columns)) or not shapes:
            raise pickle.UnpicklingError("a frame whose blocks are not its columns")
    elif isinstance(found, pd.Categorical):
        codes = found._ndarray  # None before its state is set
        if codes is not None and len(codes) and not -1 <= codes.min() <= codes.max() < len(found.categories):
            raise pickle.UnpicklingError("a categorical whose codes are beyond its categories")


def _array_only(reconstruct: Callable[..., Any]) -> Callable[..., Any]:
    def rebuild(kind: type, shape: tuple[int, ...], code: Any) -> Any:
        if issubclass(kind, Opaque):
            return kind()
        if kind is not _ArrayType:
            raise ForbiddenGlobalError(f"an array of type {kind.__module__}.{kind.__name__}")
        return reconstruct(np.ndarray, shape, code)

    return rebuild


def _checked(restore: Callable[..., Any]) -> Callable[..., Any]:
    def rebuild(content: Any) -> Any:
        array = restore(content)
        array.validate(full=True)  # offsets beyond the buffers would read other memory
        return array

    return rebuild


def _no_stand_in(make: Callable[..., Any]) -> Callable[..., Any]:
    """Let a stand-in be made of a stand-in: numpy would take it for an object, Python for another class."""

    def rebuild(kind: Any, *arguments: Any) -> Any:
        if not (isinstance(kind, type) and issubclass(kind, Opaque)):
            return make(kind, *arguments)
        found = kind()
        if isinstance(found, list) and isinstance(arguments[-1], list):
            found.extend(arguments[-1])
        return found

    return rebuild


# around what is admitted, by its name
GUARDS: dict[str, Callable[[Any], Callable[..., Any]]] = {
    "_reconstruct": _array_only,
    "_restore_array": _checked,
    "_reconstructor": _no_stand_in,
    "dtype": _no_stand_in,
}


def unpickle(source: bytes | BinaryIO, *, place: str) -> Any:
    """Content of a pickle of numpy and pandas objects, of any protocol, also from Python 2.

    Strings of Python 2 become `str` by Latin-1, and FITS objects of astropy those of `pickled_fits`. Raises
    an ArchiveError that begins with `place` if the pickle is cut short or corrupt, and a `RefusedPickleError`
    if it names anything that is not admitted.
    """
    file = io.BytesIO(source) if isinstance(source, bytes) else source
    try:
        content = _Unpickler(file, encoding="latin1").load()
        if isinstance(content, pd.DataFrame):
            len(content)  # fails where the frame was made but nothing put into it
    except ForbiddenGlobalError as error:
        raise RefusedPickleError(
            f"{place}: expected a pickle of numpy and pandas objects, found {error} in it, which is refused "
            "because it could run code. Use the survey's own file."
        ) from error
    # a damaged pickle can fail in any of the constructors it calls
    except Exception as error:
        if system_fault(error):
            raise ArchiveError(unreadable_now(place, error)) from error
        raise ArchiveError(
            f"{place}: expected a complete pickle, found it cut short or corrupt ({type(error).__name__}: "
            f"{error}). Download the file again."
        ) from error
    return content


def unpickle_file(path: Path, *, place: str) -> Any:
    """Content of a pickle file, gzipped or not; see `unpickle`."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            return unpickle(cast(BinaryIO, file), place=place)
    except OSError as error:
        raise ArchiveError(unreadable_now(place, error)) from error
