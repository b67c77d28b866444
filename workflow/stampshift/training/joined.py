"""Stamps of several surveys, read as those of one."""

from collections.abc import Sequence
from typing import Any, ClassVar, Self, cast
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

StampArray = NDArray[np.float32]  # (N, 3, size, size)


class Joined:
    """Arrays of stamps one after the other, without a copy: rows are counted through all of them.

    It has what a training asks of an array of stamps: its length and shape, and the stamps of some rows.
    """

    # the same arrays give the same object, which trainings of one process share as they share the arrays; an
    # entry goes with its object, so that no id in its key is that of another array
    _known: ClassVar[WeakValueDictionary[tuple[int, ...], "Joined"]] = WeakValueDictionary()

    def __init__(self, parts: Sequence[StampArray]) -> None:
        shapes = {part.shape[1:] for part in parts}
        if len(shapes) > 1:
            raise ValueError(f"stamps of several surveys should have one shape, found {sorted(shapes)}")
        self.parts = list(parts)
        self.starts = np.cumsum([0, *map(len, parts)])  # int64, the first row of each part, then the end
        self.shape = (int(self.starts[-1]), *shapes.pop())

    @classmethod
    def of(cls, parts: Sequence[StampArray]) -> Self:
        """The one object of these arrays."""
        joined = cls._known.get(tuple(map(id, parts)))
        if joined is None:
            joined = cls._known[tuple(map(id, parts))] = cls(parts)
        return cast(Self, joined)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: NDArray[np.int64] | slice) -> StampArray:
        """Stamps (..., 3, size, size) of rows (...)."""
        return self.take(np.arange(len(self))[rows] if isinstance(rows, slice) else rows)

    def take(self, rows: NDArray[np.int64], *, out: StampArray | None = None, **_: Any) -> StampArray:
        """As `numpy.take` along the first axis, which calls it."""
        found = np.empty((*np.shape(rows), *self.shape[1:]), np.float32) if out is None else out
        part_of = self.part_of(rows)
        for number, part in enumerate(self.parts):
            here = part_of == number
            found[here] = part[rows[here] - self.starts[number]]
        return found

    def part_of(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Number of the array that each row is of."""
        return np.searchsorted(self.starts, rows, side="right") - 1

    def __array__(self, *_: Any, **__: Any) -> StampArray:
        raise TypeError("stamps of several surveys are read by rows, never copied whole")


def joined(parts: Sequence[StampArray]) -> StampArray:
    """Arrays of stamps as one; a single one is itself."""
    return parts[0] if len(parts) == 1 else cast(StampArray, Joined.of(parts))
