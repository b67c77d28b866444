import io
import pickle
import tarfile

import h5py
import numpy as np
import pandas as pd
import pytest
from astropy.io import fits

from alert_packets import container, packets
from stampshift.core.errors import ArchiveError, ContractError
from stampshift.stamps.preprocessing import Preprocessing
from stampshift.stamps.raw_triplets import InvalidPixels
from stampshift.surveys.inspection import describe
from stampshift.surveys.making import make_stamps


@pytest.fixture
def archive(tmp_path):
    rng = np.random.default_rng(0)
    records = []
    for row in range(6):
        science, difference = rng.uniform(1, 2, size=(2, 23, 23)).astype("f4")
        science[0, 0], difference[11, 11] = 3, 0.5
        records.append({"label": ("kast", "burn")[row % 2], "science": science, "difference": difference})
    records[2]["difference"][10, 10] = -31415
    records[4]["science"][10, 10] = np.nan
    records[5] |= {name: records[5][name][:22] for name in ("science", "difference")}
    path = tmp_path / "set.pkl"
    path.write_bytes(pickle.dumps(records))
    return path


def test_raw_archive_is_recognised_and_described(archive):
    lines = describe(archive).splitlines()
    size = archive.stat().st_size / 1e6
    assert lines[:5] == [
        f"{archive}: raw archive, read by 'atlas'",
        f"files       1, {size:.1f} MB",
        "candidates  6",
        "classes     burn 3, kast 3",
        "shapes      23 x 23 5, 22 x 23 1",
    ]
    pixels = 5 * 23 * 23 + 22 * 23
    assert lines[6].startswith("science     1.0")
    assert lines[6].endswith(f" to 3 in {pixels} pixels; marked as invalid: not finite 1")
    assert lines[7].startswith(f"difference  -31415 to 2 in {pixels} pixels; marked as invalid: -31415 1")
    assert lines[5].endswith("marked as invalid: not finite 2")


def test_unusable_candidates_are_counted(archive):
    records = pickle.loads(archive.read_bytes())
    records[1]["science"], records[2]["label"] = b"no FITS", None
    archive.write_bytes(pickle.dumps(records))
    assert describe(archive).splitlines()[2:5] == [
        "candidates  4",
        "classes     burn 2, kast 2",
        "unusable    unreadable image 1, missing label 1",
    ]


def test_folder_is_described_like_its_file(archive):
    assert describe(archive.parent).splitlines()[1:] == describe(archive).splitlines()[1:]


def test_table_beside_a_tar_labels_it(tmp_path):
    stream = io.BytesIO()
    fits.PrimaryHDU(np.array([[1e-30, 0], [5, 6]], "f4")).writeto(stream)
    with tarfile.open(tmp_path / "stamps_3.tar", "w") as tar:
        for kind in ("temp", "srch", "diff"):
            info = tarfile.TarInfo(f"SNWG/{kind}8.fits")
            info.size = len(stream.getvalue())
            tar.addfile(info, io.BytesIO(stream.getvalue()))
    (tmp_path / "autoscan_features.3.csv").write_text("# \nID, OBJECT_TYPE\n8, 1\n")
    lines = describe(tmp_path / "stamps_3.tar").splitlines()
    assert lines[0].endswith("read by 'des'")
    assert lines[3] == "classes     artifact 1"
    assert lines[7] == "difference  0 to 6 in 4 pixels; marked as invalid: non-zero below 1e-29 1"


def test_stamps_file_is_described(archive, tmp_path):
    output = tmp_path / "mine.h5"
    make_stamps(
        [archive],
        survey="Mine",
        reader="atlas",
        options={},
        preprocessing=Preprocessing(
            classes={"kast": "real", "burn": "bogus"},
            invalid=InvalidPixels(equals=-31415.0),
            size_pixels=21,
            normalisation="channel",
            unlabelled="drop",
        ),
        processes=1,
        unit_minutes=10,
        origin={"path": "raw/Mine"},
        checksums={},
        tolerated=0.001,
        output=output,
    )
    lines = describe(output).splitlines()
    assert lines[:-1] == [
        f"{output}: stamps of Mine",
        "stamps      5, each 3 x 21 x 21 float32",
        "channels    template, science, difference",
        "labels      real 3, bogus 2",
        "classes     burn 2, kast 3",
        "objects     not known",
        "identical   none",
        "read        6, of which burn 3, kast 3",
        "dropped     non_square 1, ragged 0, too_small 0",
        "filled      template 2 pixels in 2 stamps; science 1 pixels in 1 stamps; "
        "difference 1 pixels in 1 stamps",
        "constant    template 0, science 0, difference 0",
        "empty       template 0, science 0, difference 0",
        "invalid     NaN, inf, equals -31415",
        "origin      path raw/Mine",
    ]
    assert lines[-1].startswith("archive     1 files, 0.0 MB, SHA-256 ")


def test_file_of_no_known_format_lists_what_each_reader_expected(tmp_path):
    path = tmp_path / "x.pkl"
    path.write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(ArchiveError) as caught:
        describe(path)
    lines = str(caught.value).splitlines()
    assert lines[0] == f"{path}: neither a stamps file nor a raw archive that one of the readers can read."
    assert [line.split(":")[0].strip() for line in lines[1:]] == [
        "hits",
        "des",
        "atlas",
        "ztf",
        "packets",
        "folder",
    ]
    assert "found no 'labels' among a" in lines[1]


def test_missing_file_is_named(tmp_path):
    with pytest.raises(ArchiveError, match=r"x\.h5: no such file or folder\. Give a stamps file"):
        describe(tmp_path / "x.h5")


def test_stamps_file_without_stamps_breaks_the_contract(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.attrs["survey"] = "Mine"
    with pytest.raises(ContractError, match=r"x\.h5: not a readable stamps file"):
        describe(tmp_path / "x.h5")


@pytest.mark.parametrize("mark", ["survey", "other"])
def test_hdf5_cut_short_is_named(tmp_path, mark):
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        file.attrs[mark] = "Mine"
        file["pixels"] = np.zeros((20, 3, 5, 5), "f4")
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(
        ArchiveError, match=r"x\.h5: expected a complete table, found it cut short or corrupt"
    ):
        describe(path)


def test_tables_are_described_by_their_names(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["night/pixels"] = np.zeros((2, 3, 5, 5), "f4")
    np.savez(tmp_path / "x.npz", pixels=np.zeros((2, 5, 5, 3)), label=np.array([0, 1]))
    pd.DataFrame({"id": [1], "science": [b"SIMPLE"]}).to_parquet(tmp_path / "x.parquet")
    told = [describe(tmp_path / f"x.{suffix}").splitlines()[1:] for suffix in ("h5", "npz", "parquet")]
    assert told[0] == ["night/pixels float32, 2 x 3 x 5 x 5"]
    assert told[1] == ["pixels      float64, 2 x 5 x 5 x 3", "label       int64, 2"]
    assert told[2] == ["id          int64, 1 rows", "science     binary, 1 rows"]


def test_packets_are_described(tmp_path):
    fields = packets("ZTF", 3)
    fields[1]["cutoutScience"] = None
    (tmp_path / "a.avro").write_bytes(container("ZTF", fields))
    (tmp_path / "b.avro").write_bytes(container("ATLAS", packets("ATLAS", 1)))
    (tmp_path / "c.avro").write_bytes(b"rubbish")
    lines = describe(tmp_path).splitlines()
    assert lines[0] == f"{tmp_path}: raw archive, read by 'packets'"
    assert lines[2:7] == [
        "packets     5, 4 different",
        "surveys     ZTF 3, ATLAS 1, not known 1",
        "problems    missing cutout 1, unreadable packet 1",
        "scored      3 by the survey itself",
        "shapes      31 x 31 3",
    ]
    assert lines[9].startswith("difference  -1")


def test_a_folder_of_fits_is_described(tmp_path):
    for name in ("real", "unlabelled"):
        (tmp_path / name).mkdir()
        cube = np.zeros((3, 25, 25), "f4")
        fits.PrimaryHDU(cube).writeto(tmp_path / name / f"{name}-1.fits")
    lines = describe(tmp_path).splitlines()
    assert lines[0].endswith("read by 'folder'")
    assert lines[2:5] == ["candidates  2", "classes     real 1, unlabelled 1", "shapes      25 x 25 2"]
