import io
import os
import tempfile

import h5py
import numpy as np
import pytest

from stampshift.stamps.reserved import copy_around, reserve, start_of_first


@pytest.mark.parametrize("size", [1, 5, 21, 63, 127])
@pytest.mark.parametrize("count", [1, 2, 1000, 900_000])
def test_the_first_data_set_begins_at_one_byte_however_long_it_is(tmp_path, size, count):
    """HDF5 writes nothing into its room: 170 GB of pixels, and a few kilobytes on the disk."""
    shape = (3, size, size)
    with tempfile.TemporaryFile(dir=tmp_path) as stream:
        with h5py.File(stream, "w") as file:
            room = reserve(file, "stamps", (count, *shape))
            file.create_dataset("label", data=np.arange(10))
        assert room.start == start_of_first("stamps", shape)
        assert len(room) == 4 * count * 3 * size**2
        if len(room) > 1e6:
            assert os.fstat(stream.fileno()).st_blocks * 512 < 1e5


def test_a_file_put_around_values_that_were_written_first_is_read_as_any(tmp_path):
    generator = np.random.default_rng(0)
    first = generator.normal(size=(7, 3, 4)).astype(np.float32)
    second = generator.normal(size=(5, 2)).astype(np.float32)
    path, frame = tmp_path / "made.h5", io.BytesIO()
    with path.open("wb") as target:
        target.seek(start_of_first("first", first.shape[1:]))
        target.write(first.tobytes())
        with h5py.File(frame, "w") as file:
            rooms = [reserve(file, "first", first.shape)]
            file.attrs["survey"] = "X"
            file.create_dataset("between", data=np.arange(3000))
            rooms.append(reserve(file, "second", second.shape))
            file.create_dataset("after", data=np.arange(4))
        copy_around(frame, target, rooms)
        target.seek(rooms[1].start)
        target.write(second.tobytes())
    with h5py.File(path) as file:
        assert file["first"][:].tolist() == first.tolist()
        assert file["second"][:].tolist() == second.tolist()
        assert file["between"][:].tolist() == list(range(3000))
        assert file["after"][:].tolist() == list(range(4))
        assert file.attrs["survey"] == "X"
        assert file["first"].id.get_offset() == rooms[0].start
    assert path.stat().st_size == len(frame.getvalue())
