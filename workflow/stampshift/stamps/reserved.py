"""Room in an HDF5 file for data sets whose values are written past HDF5, once and in their order.

A contiguous data set cannot grow, and its length may be unknown until its last value. Here the values are
written to their place first; the rest of the file, made as a sparse file beside it, is copied around them.
"""

import io
import os
from collections.abc import Sequence
from typing import BinaryIO

import h5py
import numpy as np

BLOCK_BYTES = 1 << 24


def reserve(file: h5py.File, name: str, shape: tuple[int, ...]) -> range:
    """Make a contiguous float32 data set without writing a value; the bytes of the file that are its room."""
    creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    creation.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    creation.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    data = file.create_dataset(name, shape, np.float32, dcpl=creation, track_times=False)
    start = data.id.get_offset()
    return range(start, start + 4 * int(np.prod(shape)))


def start_of_first(name: str, row_shape: tuple[int, ...]) -> int:
    """Byte at which the first data set of a file begins, whatever its number of rows."""
    with io.BytesIO() as trial, h5py.File(trial, "w") as file:
        return reserve(file, name, (1, *row_shape)).start


def copy_around(frame: BinaryIO, target: BinaryIO, rooms: Sequence[range]) -> None:
    """Copy a file to the same places of another, all but the rooms in it, which are in ascending order."""
    end = frame.seek(0, os.SEEK_END)
    starts, stops = [0, *(room.stop for room in rooms)], [*(room.start for room in rooms), end]
    for start, stop in zip(starts, stops, strict=True):
        frame.seek(start)
        target.seek(start)
        for place in range(start, stop, BLOCK_BYTES):
            target.write(frame.read(min(BLOCK_BYTES, stop - place)))
