"""Tables: what is refused, and that the sentence says what is wrong with them."""

import re
import subprocess
import sys
import zipfile

import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stampshift.core.errors import ArchiveError
from stampshift.formats.tables import names, open_table, read_rows
from stampshift.stamps.file import Stamps

SUFFIXES = ["h5", "npz", "parquet"]
COUNT = 4
PIXELS = np.arange(COUNT * 3 * 25 * 25, dtype="f4").reshape(COUNT, 3, 25, 25)


def write(path, **columns):
    """A table of `columns`; those with pixels go into Parquet as bytes."""
    if path.suffix == ".h5":
        with h5py.File(path, "w") as file:
            for name, values in columns.items():
                file[name] = values.astype(object) if values.dtype.kind == "U" else values
    elif path.suffix == ".npz":
        np.savez(path, **columns)
    else:
        cells = {name: [row.tobytes() for row in v] if v.ndim > 1 else v for name, v in columns.items()}
        pq.write_table(pa.table(cells), path)
    return path


# ---- HDF5: links, storage elsewhere, filters, virtual data sets -----------------------------------------


def test_soft_links_are_followed(tmp_path):
    path = write(tmp_path / "a.h5", **{"raw/stamps": PIXELS, "raw/name": np.arange(COUNT)})
    with h5py.File(path, "r+") as file:
        file["stamps"] = h5py.SoftLink("/raw/stamps")
        file["in"] = h5py.SoftLink("raw")
        file["raw/twice"] = h5py.SoftLink("../raw/name")  # HDF5 knows no "..": leads nowhere
        file["raw/id"] = h5py.SoftLink("name")
    table = open_table(path, pixels=["stamps"], others=["in/id"])
    assert (table.rows, table.others["in/id"]) == (COUNT, [0, 1, 2, 3])
    assert read_rows(path, ["stamps"], 1, 2)["stamps"].tolist() == PIXELS[1:3].tolist()
    assert names(path)["stamps"] == "link to /raw/stamps"
    with pytest.raises(ArchiveError, match=r"'raw/twice' is a link, and there is nothing where it leads"):
        open_table(path, pixels=["stamps"], others=["raw/twice"])


@pytest.mark.parametrize("within", ["", "group/"])
def test_links_in_a_circle_and_to_other_files_are_refused(tmp_path, within):
    write(tmp_path / "other.h5", **{"stamps": PIXELS, "group/stamps": PIXELS})
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["circle"] = h5py.SoftLink("/circle")
        if within:
            file["group"] = h5py.ExternalLink("other.h5", "/group")
        else:
            file["stamps"] = h5py.ExternalLink("other.h5", "/stamps")
        file["here"] = h5py.SoftLink(f"/{within}stamps")
    for name in (f"{within}stamps", "here"):
        with pytest.raises(ArchiveError, match=rf"a\.h5: expected '{name}' within the file, .* other\.h5"):
            open_table(tmp_path / "a.h5", pixels=[name], others=[])
    with pytest.raises(ArchiveError, match=r"'circle' is a link that leads in a circle"):
        open_table(tmp_path / "a.h5", pixels=["circle"], others=[])


def test_content_in_another_file_is_refused(tmp_path):
    secret = tmp_path / "secret.bin"
    secret.write_bytes(b"key" * 1000)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("stamps", (1, 20, 20), "u1", external=[(str(secret), 0, 400)])
    with pytest.raises(
        ArchiveError, match=r"a\.h5: '/stamps' has its content in another file, .*secret\.bin"
    ):
        open_table(tmp_path / "a.h5", pixels=["stamps"], others=[])


def test_a_filter_without_its_plugin_is_named(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        properties.set_chunk((1, 3, 25, 25))
        properties.set_filter(32015, h5py.h5z.FLAG_OPTIONAL, (3,))  # zstandard
        space = h5py.h5s.create_simple(PIXELS.shape)
        h5py.h5d.create(file.id, b"stamps", h5py.h5t.NATIVE_FLOAT, space, properties)
    with pytest.raises(ArchiveError, match=r"a\.h5: '/stamps' is compressed by filter 32015 .*hdf5plugin"):
        open_table(path, pixels=["stamps"], others=[])


def virtual(path, source, name="stamps"):
    layout = h5py.VirtualLayout(PIXELS.shape, "f4")
    layout[:] = h5py.VirtualSource(source, name, PIXELS.shape)
    with h5py.File(path, "w", libver="latest") as file:
        file.create_virtual_dataset("stamps", layout)
    return path


def test_a_virtual_data_set_is_read_if_all_of_it_is_there(tmp_path):
    write(tmp_path / "source.h5", stamps=PIXELS)
    outer = virtual(tmp_path / "outer.h5", "inner.h5")
    virtual(tmp_path / "inner.h5", "source.h5")
    table = open_table(outer, pixels=["stamps"], others=[])
    assert table.rows == COUNT
    assert read_rows(outer, ["stamps"], 0, 1)["stamps"].tolist() == PIXELS[:1].tolist()
    (tmp_path / "source.h5").rename(tmp_path / "moved.h5")
    with pytest.raises(ArchiveError, match=r"the file source\.h5 with its content is not there. .*inner\.h5"):
        open_table(outer, pixels=["stamps"], others=[])
    write(tmp_path / "source.h5", other=PIXELS)
    with pytest.raises(ArchiveError, match=r"source\.h5 holds no 'stamps' with its content"):
        open_table(outer, pixels=["stamps"], others=[])
    virtual(tmp_path / "source.h5", "outer.h5")
    with pytest.raises(ArchiveError, match=r"virtual data sets that lead in a circle"):
        open_table(outer, pixels=["stamps"], others=[])


# ---- bounds ---------------------------------------------------------------------------------------------


def claiming(path, shape, dtype="f4"):
    """An array `stamps` in npz whose header claims a shape, with little content."""
    header = f"{{'descr': '<{dtype}', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("stamps.npy", b"\x93NUMPY\x01\x00" + b"\x76\x00" + header.encode() + bytes(100))
    return path


@pytest.mark.parametrize(
    ("shape", "dtype", "message"),
    [
        ((2, 3, 9999, 9999), "f4", r"a\.npz: a row of its pixels is larger than 256 MB"),
        ((2,), "U200000000", r"a\.npz: a row of its pixels is larger than 256 MB"),
        ((10**12, 3, 25, 25), "f4", r"what is known of its 1000000000000 rows is larger than 256 MB"),
        ((-1, 3, 25, 25), "f4", r"expected rows of pixels in 'stamps', found -1 x 3 x 25 x 25"),
        ((), "f4", r"expected rows of pixels in 'stamps', found a scalar"),
        ((2, 3, 25, 25), "f4", r"a\.npz: expected a complete table"),
    ],
)
def test_the_shape_in_a_header_of_npz_is_bounded(tmp_path, shape, dtype, message):
    with pytest.raises(ArchiveError, match=message):
        list(open_table(claiming(tmp_path / "a.npz", shape, dtype), pixels=["stamps"], others=[]).blocks(2))


def test_a_long_header_of_npz_is_not_read(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("stamps.npy", b"\x93NUMPY\x02\x00\xff\xff\xff\x7f" + bytes(1 << 26))
    with pytest.raises(ArchiveError, match=r"a\.npz: expected a complete table"):
        open_table(tmp_path / "a.npz", pixels=["stamps"], others=[])


@pytest.mark.parametrize(
    ("shape", "chunks", "message"),
    [
        ((2, 3, 9999, 9999), (1, 1, 9, 9), r"a\.h5: a row of its pixels is larger than 256 MB"),
        ((10**10, 3, 25, 25), (1, 3, 25, 25), r"what is known of its 10000000000 rows is larger"),
        ((10**6, 3, 25, 25), (10**5, 3, 25, 25), r"a\.h5: '/stamps': a chunk is larger than 256 MB"),
        ((), None, r"expected rows of pixels in 'stamps', found a scalar"),
    ],
)
def test_shapes_and_chunks_of_hdf5_are_bounded(tmp_path, shape, chunks, message):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("stamps", shape, "f4", chunks=chunks)
    with pytest.raises(ArchiveError, match=message):
        open_table(tmp_path / "a.h5", pixels=["stamps"], others=[])


def test_a_column_of_parquet_that_is_read_whole_is_bounded(tmp_path, monkeypatch):
    path = write(tmp_path / "a.parquet", id=np.arange(100_000))
    monkeypatch.setenv("STAMPSHIFT_MAX_MB", "0.5")
    with pytest.raises(ArchiveError, match=r"a\.parquet: .* is larger than 0\.5 MB.*STAMPSHIFT_MAX_MB"):
        open_table(path, pixels=[], others=["id"])


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_long_identifier_is_refused_with_its_row(tmp_path, suffix):
    ids = np.array(["a", "b", "c" * 257, "d"])
    path = write(tmp_path / f"a.{suffix}", stamps=PIXELS, id=ids)
    with pytest.raises(
        ArchiveError, match=rf"a\.{suffix}, row 2: expected at most 256 characters in 'id', found 257"
    ):
        open_table(path, pixels=["stamps"], others=["id"])
    write(path, stamps=PIXELS, id=np.array(["a", "b", "c" * 256, "d"]))
    assert open_table(path, pixels=["stamps"], others=["id"]).rows == COUNT


# ---- exact numbers and other contents --------------------------------------------------------------------


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(("dtype", "limit"), [("f8", 2.0**53), ("f4", 2.0**24)])
def test_numbers_that_were_rounded_are_refused(tmp_path, suffix, dtype, limit):
    path = tmp_path / f"a.{suffix}"
    write(path, stamps=PIXELS, id=np.array([1, 2, limit - 1, np.nan], dtype))
    assert open_table(path, pixels=["stamps"], others=["id"]).others["id"][2] == limit - 1
    write(path, stamps=PIXELS, id=np.array([1, 2, limit, np.inf], dtype))
    bits = int(np.log2(limit))
    with pytest.raises(
        ArchiveError,
        match=rf"row 2: expected exact numbers in 'id', found {limit:.0f} .* from 2\*\*{bits} on\. Write the",
    ):
        open_table(path, pixels=["stamps"], others=["id"])


def test_a_pickle_in_npz_is_refused_as_one(tmp_path):
    np.savez(tmp_path / "a.npz", stamps=PIXELS, id=np.array(["a", "b", None, 3], object), allow_pickle=True)
    with pytest.raises(ArchiveError, match=r"a\.npz: expected 'id' as numbers or text, found Python objects"):
        open_table(tmp_path / "a.npz", pixels=["stamps"], others=["id"])


@pytest.mark.parametrize("suffix", ["h5", "npz"])
def test_a_column_with_several_cells_in_a_row_is_refused(tmp_path, suffix):
    path = write(tmp_path / f"a.{suffix}", stamps=PIXELS, id=np.zeros((COUNT, 2), int))
    with pytest.raises(ArchiveError, match=r"expected one cell for each row in 'id', found 4 x 2"):
        open_table(path, pixels=["stamps"], others=["id"])


def test_lists_in_a_column_of_parquet_are_refused(tmp_path):
    pq.write_table(pa.table({"id": [[1], [2, 3]]}), tmp_path / "a.parquet")
    with pytest.raises(ArchiveError, match=r"row 0: expected one text or number in 'id', found list"):
        open_table(tmp_path / "a.parquet", pixels=[], others=["id"])


# ---- faults of the system --------------------------------------------------------------------------------

NOT_DAMAGED = r"cannot be read now \({}.*Nothing says that it is damaged: keep it"


def test_a_file_that_a_writer_has_open_is_not_called_damaged(tmp_path):
    path = write(tmp_path / "a.h5", stamps=PIXELS)
    code = "import h5py, sys; file = h5py.File(sys.argv[1], 'r+'); print(flush=True); input()"
    writer = subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        writer.stdout.readline()
        with pytest.raises(ArchiveError, match=NOT_DAMAGED.format(r".*another process is writing it")):
            open_table(path, pixels=["stamps"], others=[])
        with pytest.raises(Exception, match=NOT_DAMAGED.format(r".*another process is writing it")) as error:
            Stamps.open(path)
        assert "delete" not in str(error.value).lower()
    finally:
        writer.communicate(b"\n")


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("error", [PermissionError(13, "no"), OSError(5, "no"), MemoryError()])
def test_faults_of_the_system_are_not_called_damage(tmp_path, monkeypatch, suffix, error):
    path = write(tmp_path / f"a.{suffix}", stamps=PIXELS)

    def refuse(*_arguments, **_options):
        raise error

    for module, name in ((h5py, "File"), (zipfile, "ZipFile"), (pq, "ParquetFile")):
        monkeypatch.setattr(module, name, refuse)
    said = {13: "Permission denied", 5: "Input/output error"}.get(getattr(error, "errno", 0), "too little")
    for read in (lambda: open_table(path, pixels=["stamps"], others=[]), lambda: names(path)):
        with pytest.raises(ArchiveError, match=NOT_DAMAGED.format(said)) as found:
            read()
        assert re.search(r"corrupt|copy it again|[Dd]elete", str(found.value)) is None


def test_what_cannot_be_read_here_is_not_called_damage(tmp_path):
    path = write(tmp_path / "a.npz", stamps=PIXELS)
    content = bytearray(path.read_bytes())
    for magic, place in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):  # a method of compression without a name
        start = content.index(magic) + place
        content[start : start + 2] = b"\x61\x00"
    path.write_bytes(content)
    with pytest.raises(ArchiveError, match=r"a\.npz: found something that cannot be read here \(That comp"):
        open_table(path, pixels=["stamps"], others=[])


def test_a_name_that_comes_twice_in_parquet(tmp_path):
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], ["id", "id"])
    pq.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(ArchiveError, match=r"expected one column 'id', found several"):
        open_table(tmp_path / "a.parquet", pixels=[], others=["id"])


def test_capitals_in_a_suffix_change_nothing(tmp_path):
    pd.DataFrame({"id": [1, 2]}).to_parquet(tmp_path / "a.PARQUET")
    assert open_table(tmp_path / "a.PARQUET", pixels=[], others=["id"]).others["id"] == [1, 2]


def test_parquet_that_lies_about_its_rows(tmp_path):
    path = write(tmp_path / "a.parquet", stamps=PIXELS, id=np.arange(COUNT))
    content = path.read_bytes()
    footer = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    refused = set()
    for place in range(footer, len(content) - 8):
        if content[place] == 2 * COUNT:  # as Thrift writes the number of rows
            path.write_bytes(content[:place] + bytes([2 * COUNT + 2]) + content[place + 1 :])
            for others in (["id"], []):
                try:
                    table = open_table(path, pixels=["stamps"], others=others)
                    assert sum(len(block["stamps"]) for _, block in table.blocks(3)) == table.rows == COUNT
                except ArchiveError as error:
                    refused.add(re.sub(r".*\((.*?)\)\..*", r"\1", str(error)))
    assert "it says that it has 5 rows, and a column holds 4" in refused
