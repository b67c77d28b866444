"""Label tables of every type of column, in parts, with gaps: what they say, or a sentence."""

import logging

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from any_survey import CLASSES, write_packets
from stampshift.core.errors import ArchiveError
from stampshift.stamps.file import Stamps
from stampshift.stamps.preprocessing import Preprocessing
from stampshift.stamps.raw_triplets import InvalidPixels
from stampshift.surveys.label_table import check_labels, classes_by_id
from stampshift.surveys.making import make_stamps


def make(folder, labels, *, classes=CLASSES, count=4):
    """Stamps of packets 1 to `count` by a label table."""
    options = write_packets(folder / "raw", count) | {"labels": str(labels)}
    make_stamps(
        [folder / "raw"],
        survey="Mine",
        reader="packets",
        options=options,
        preprocessing=Preprocessing(21, "channel", InvalidPixels(), classes, "keep"),
        processes=1,
        unit_minutes=10,
        origin={},
        checksums={},
        tolerated=0.001,
        output=folder / "x.h5",
    )
    return Stamps.open(folder / "x.h5", unlabelled=True)


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (pa.array([1, 0, None, 1]), {"1": "1", "2": "0", "4": "1"}),
        (pa.array([1.0, 0.0, None, np.nan]), {"1": "1", "2": "0"}),
        (pa.array([True, False, None, True]), {"1": "true", "2": "false", "4": "true"}),
        (pa.array(["SN", "ghost", None, ""]).dictionary_encode(), {"1": "SN", "2": "ghost"}),
        (pa.array([1, 0, None, 1], pa.int8()).dictionary_encode(), {"1": "1", "2": "0", "4": "1"}),
        (pa.nulls(4), {}),
        (pa.array([b"SN", b"caf\xe9", None, b"SN"]), {"1": "SN", "2": "caf\\xe9", "4": "SN"}),
    ],
)
@pytest.mark.parametrize("ids", [[1, 2, 3, 4], ["1", "2", "3", "4"], [1.0, 2.0, 3.0, 4.0]])
def test_labels_and_ids_of_every_type_of_parquet(tmp_path, labels, classes, ids):
    pq.write_table(pa.table({"id": ids, "label": labels}), tmp_path / "labels.parquet")
    assert classes_by_id(tmp_path / "labels.parquet") == classes


def test_labels_with_a_gap(tmp_path):
    table = pa.table({"id": [1, 2, 3, 4], "label": pa.array([1, 0, None, 1])})
    pq.write_table(table, tmp_path / "labels.parquet")
    stamps = make(tmp_path, tmp_path / "labels.parquet", classes={"1": "real", "0": "bogus"})
    assert stamps.labels.tolist() == [1, 0, 255, 1]


@pytest.mark.parametrize("form", ["parquet", "csv", "pandas"])
def test_a_line_without_an_id_is_left_out_alone_and_counted(tmp_path, form, caplog):
    path = tmp_path / ("labels.csv" if form == "csv" else "labels.parquet")
    ids = [1, None, 3, None]
    labels = ["SN", "ghost", "ghost", None]
    if form == "csv":
        path.write_text("id,label\n1,SN\n,ghost\n3,ghost\n,\n")
    elif form == "pandas":  # whose integers become doubles
        pd.DataFrame({"id": ids, "label": labels}).to_parquet(path)
    else:
        pq.write_table(pa.table({"id": ids, "label": labels}), path)
    caplog.set_level(logging.WARNING)
    check_labels(path, CLASSES)
    assert classes_by_id(path) == {"1": "SN", "3": "ghost"}
    assert f"{path}: 1 lines have a label and no id: they are left out" in caplog.text


def test_a_folder_of_parts(tmp_path):
    folder = tmp_path / "raw" / "labels.parquet"
    write_packets(tmp_path / "raw", 4)
    (folder / "deeper").mkdir(parents=True)
    pq.write_table(pa.table({"id": [1, 2], "label": ["SN", "ghost"]}), folder / "part-0.parquet")
    pq.write_table(pa.table({"id": ["3"], "label": pa.nulls(1)}), folder / "part-1.parquet")
    (folder / "deeper" / "part-2.csv").write_text("id,label\n4,SN\n")
    (folder / "_SUCCESS").touch()
    (folder / ".part-0.parquet.crc").write_bytes(b"x")
    assert classes_by_id(folder) == {"1": "SN", "2": "ghost", "4": "SN"}
    make_stamps(
        [tmp_path / "raw"], survey="Mine", reader="packets", options={"labels": str(folder)},
        preprocessing=Preprocessing(21, "channel", InvalidPixels(), CLASSES, "keep"),
        processes=1, unit_minutes=10, origin={}, checksums={}, tolerated=0.001,
        output=tmp_path / "x.h5",
    )  # fmt: skip
    stamps = Stamps.open(tmp_path / "x.h5", unlabelled=True)
    assert stamps.labels.tolist() == [1, 0, 255, 1]
    assert stamps.attributes["raw"]["files"] == 4  # three parts and the packets
    (folder / "deeper" / "part-2.csv").write_text("id,label\n4,ghost\n")
    assert classes_by_id(folder)["4"] == "ghost"


def test_parts_whose_folders_are_named_after_the_labels(tmp_path):
    for label, ids in (("SN", [1, 2]), ("ghost", [3]), ("__HIVE_DEFAULT_PARTITION__", [4])):
        (tmp_path / "labels" / f"label={label}").mkdir(parents=True)
        pq.write_table(pa.table({"id": ids}), tmp_path / "labels" / f"label={label}" / "0.parquet")
    assert classes_by_id(tmp_path / "labels") == {"1": "SN", "2": "SN", "3": "ghost"}


def test_parts_that_contradict_each_other_and_an_empty_folder(tmp_path):
    folder = tmp_path / "labels"
    folder.mkdir()
    with pytest.raises(ArchiveError, match=r"labels: expected parts of a label table"):
        classes_by_id(folder)
    for number, label in enumerate(("SN", "ghost")):
        pq.write_table(pa.table({"id": [1], "label": [label]}), folder / f"{number}.parquet")
    with pytest.raises(ArchiveError, match=r"expected one label for each id, found SN and ghost for 1"):
        classes_by_id(folder)


IDS = [1786216730815015018, 1786216730815015041]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_ids_that_were_rounded_are_refused(tmp_path, suffix):
    path = tmp_path / f"labels.{suffix}"
    table = pd.DataFrame({"id": IDS, "label": ["SN", "ghost"]})
    write = table.astype({"id": float}).to_csv if suffix == "csv" else table.astype({"id": float}).to_parquet
    write(path, index=False)
    with pytest.raises(
        ArchiveError, match=rf"labels\.{suffix}.*: expected exact numbers in 'id', found 1\.?78"
    ):
        classes_by_id(path)
    (table.to_csv if suffix == "csv" else table.to_parquet)(path, index=False)
    assert classes_by_id(path) == {str(IDS[0]): "SN", str(IDS[1]): "ghost"}


def test_whole_doubles_of_a_csv_are_integers_and_text_stays_text(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("id,label\n1.0,SN\n,SN\n3.0,ghost\n")
    assert classes_by_id(path) == {"1": "SN", "3": "ghost"}
    path.write_text("id,label\n1.0,SN\nx2,SN\n12e45,ghost\n")
    assert classes_by_id(path) == {"1.0": "SN", "x2": "SN", "12e45": "ghost"}


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_long_id_is_refused(tmp_path, suffix):
    path = tmp_path / f"labels.{suffix}"
    table = pd.DataFrame({"id": ["a", "b" * 300], "label": ["SN", "SN"]})
    (table.to_csv if suffix == "csv" else table.to_parquet)(path, index=False)
    with pytest.raises(ArchiveError, match=r"expected at most 256 characters in 'id', found 300"):
        classes_by_id(path)


def test_a_table_without_its_columns_and_one_that_may_not_be_read(tmp_path, monkeypatch):
    path = tmp_path / "labels.parquet"
    pq.write_table(pa.table({"id": [1], "class": ["SN"]}), path)
    with pytest.raises(
        ArchiveError, match=r"with the columns id and label, found no 'label' among id, class"
    ):
        classes_by_id(path)

    def refuse(*_arguments, **_options):
        raise PermissionError(13, "no")

    monkeypatch.setattr(type(path), "stat", refuse)
    with pytest.raises(ArchiveError, match=r"labels\.parquet: cannot be read now \(Permission denied\)"):
        classes_by_id(path)
