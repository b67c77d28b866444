import gzip
import pickle
import re

import numpy as np
import pandas as pd
import pytest

from stampshift.core.errors import ArchiveError
from stampshift.surveys import ztf

CUTOUTS = ("cutoutTemplate", "cutoutScience", "cutoutDifference")
CLASSES = ("AGN", "bogus", "SN")


def images(row, shape=(63, 63)):
    """Template, science and difference of a row, each of one distinct value and a NaN."""
    stack = np.stack([np.full(shape, 10 * row + channel, "f4") for channel in range(3)])
    stack[:, 0, 0] = np.nan
    return stack


def columns(formats, gz, shape=(63, 63)):
    cells = [[gz(formats.fits(image)) for image in images(row, shape)] for row in range(len(CLASSES))]
    return {
        "class": list(CLASSES),
        "oid": ["ZTF18a", "ZTF18a", "ZTF19b"],
        **{name: [row[channel] for row in cells] for channel, name in enumerate(CUTOUTS)},
    }


def frame(table):
    return pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in table.items()})


def read(path):
    return [triplet for unit in ztf.units([path]) for triplet in ztf.decode(unit)]


def assert_archive(triplets, identifiers):
    assert [triplet.survey_class for triplet in triplets] == list(CLASSES)
    assert [triplet.group for triplet in triplets] == ["ZTF18a", "ZTF18a", "ZTF19b"]
    assert [triplet.identifier for triplet in triplets] == identifiers
    for row, triplet in enumerate(triplets):
        np.testing.assert_array_equal(np.stack(triplet.images), images(row), strict=True)


def test_frame_of_2019_is_read(tmp_path, formats, gz):
    (tmp_path / "training_set_Nov-26-2019.pkl").write_bytes(formats.old_frame_pickle(columns(formats, gz)))
    assert_archive(read(tmp_path), ["ZTF18a:0", "ZTF18a:1", "ZTF19b:2"])


@pytest.mark.parametrize("protocol", [2, 5])
@pytest.mark.parametrize("gzipped", [False, True])
def test_frame_of_this_pandas_is_read(tmp_path, formats, gz, protocol, gzipped):
    content = pickle.dumps(frame(columns(formats, gz) | {"candid": [7, 8, 9]}), protocol=protocol)
    name = "set.pkl.gz" if gzipped else "set.pkl"
    (tmp_path / name).write_bytes(gzip.compress(content) if gzipped else content)
    assert_archive(read(tmp_path), ["7", "8", "9"])


@pytest.mark.parametrize("stacked", [False, True])
def test_converted_form_is_read(tmp_path, stacked):
    stored = [images(row)[[1, 0, 2]].transpose(1, 2, 0) for row in range(3)]
    content = {
        "labels": [0, 4, 1],
        "images": np.stack(stored) if stacked else stored,
        "object_ids": ["ZTF18a", "ZTF18a", "ZTF19b"],
    }
    (tmp_path / "converted_data.pkl").write_bytes(pickle.dumps(content, protocol=2))
    assert_archive(read(tmp_path), ["ZTF18a:0", "ZTF18a:1", "ZTF19b:2"])


def test_converted_form_knows_all_classes_and_needs_no_objects(tmp_path):
    content = {"labels": np.arange(5), "images": [np.zeros((63, 62, 3))] * 5}
    (tmp_path / "converted_data.pkl").write_bytes(pickle.dumps(content))
    triplets = read(tmp_path)
    assert [triplet.survey_class for triplet in triplets] == ["AGN", "SN", "VS", "asteroid", "bogus"]
    assert [(triplet.identifier, triplet.group) for triplet in triplets] == [
        (str(row), "") for row in range(5)
    ]
    assert {image.shape for triplet in triplets for image in triplet.images} == {(63, 62)}


def test_units_are_bounded(tmp_path, formats, gz, monkeypatch):
    monkeypatch.setattr(ztf, "UNIT_CANDIDATES", 2)
    (tmp_path / "set.pkl").write_bytes(pickle.dumps(frame(columns(formats, gz))))
    assert [len(unit) for unit in ztf.units([tmp_path])] == [2, 1]


@pytest.mark.parametrize("name", ["class", "oid", "cutoutTemplate"])
def test_frame_without_a_column_is_refused(tmp_path, formats, gz, name):
    table = {key: values for key, values in columns(formats, gz).items() if key != name}
    (tmp_path / "set.pkl").write_bytes(pickle.dumps(frame(table)))
    with pytest.raises(
        ArchiveError, match=rf"ZTF archive .*set\.pkl: expected class, oid, .*, found no '{name}'"
    ):
        read(tmp_path)


@pytest.mark.parametrize(
    ("column", "value", "reason", "detail"),
    [
        ("cutoutScience", None, "missing image", "cutoutScience: .* found NoneType. The channel is missing"),
        ("cutoutScience", b"\x1f\x8b", "unreadable image", "cutoutScience: expected a complete FITS image"),
        ("class", None, "missing label", "expected a class, found none"),
        ("class", np.nan, "missing label", "expected a class, found none"),
    ],
)
def test_one_wrong_row_is_unusable(tmp_path, formats, gz, column, value, reason, detail):
    table = columns(formats, gz)
    table[column][1] = value
    (tmp_path / "set.pkl").write_bytes(pickle.dumps(frame(table)))
    first, unusable, last = read(tmp_path)
    assert (first.survey_class, last.survey_class) == ("AGN", "SN")
    assert (unusable.reason, unusable.identifier) == (reason, "ZTF18a:1")
    assert re.search(f"candidate ZTF18a:1.*{detail}", unusable.detail)


@pytest.mark.parametrize(
    ("changes", "reason", "detail"),
    [
        ({"labels": [0, 5]}, "unknown label", "expected a label of .*, found 5"),
        ({"labels": [0, None]}, "missing label", "found None"),
        ({"images": [np.zeros((3, 3, 3)), np.zeros((3, 3, 2))]}, "wrong shape", r"found \(3, 3, 2\)"),
        ({"images": [np.zeros((3, 3, 3)), [[1], [1, 2]]]}, "wrong shape", r"found \(0,\)"),
    ],
)
def test_one_wrong_row_of_the_converted_form_is_unusable(tmp_path, changes, reason, detail):
    content = {"labels": [0, 1], "images": [np.zeros((3, 3, 3))] * 2} | changes
    (tmp_path / "set.pkl").write_bytes(pickle.dumps(content))
    whole, unusable = read(tmp_path)
    assert (whole.survey_class, unusable.reason, unusable.identifier) == ("AGN", reason, "1")
    assert re.search(f"candidate 1: .*{detail}", unusable.detail)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([1], "expected a pandas frame or a dictionary, found list"),
        ({"labels": [0]}, "expected labels, images, found no 'images' among labels"),
        ({"labels": [0, 1], "images": [np.zeros((3, 3, 3))]}, "found 1 and 2 for 2"),
    ],
)
def test_pickle_of_other_content_is_refused(tmp_path, content, message):
    (tmp_path / "set.pkl").write_bytes(pickle.dumps(content))
    with pytest.raises(ArchiveError, match=message):
        read(tmp_path)


def test_forbidden_callable_is_refused_by_name(tmp_path):
    (tmp_path / "set.pkl").write_bytes(b"cposix\nsystem\n(S'true'\ntR.")
    with pytest.raises(ArchiveError, match=r"set\.pkl: expected a pickle of .* found posix\.system in it"):
        read(tmp_path)


def test_missing_archive_says_which_file_to_put_where(tmp_path):
    with pytest.raises(ArchiveError) as caught:
        read(tmp_path)
    assert str(caught.value) == (
        f"ZTF archive: expected one pickle (*.pkl) in {tmp_path}, found 0. Put training_set_Nov-26-2019.pkl "
        "(or converted_data.pkl) there, or give its path in the config."
    )
