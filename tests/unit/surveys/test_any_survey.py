"""Readers of any survey: what a section of the config describes becomes the same triplets, or one clear "
"message."""

import logging
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from astropy.io import fits

from alert_packets import container, images, packet, packets, write_night
from any_survey import (
    CLASSES,
    candidates,
    write_folder,
    write_hdf5,
    write_npz,
    write_packets,
    write_parquet,
)
from stampshift.alerts import decode, units
from stampshift.core.errors import ArchiveError, ContractError
from stampshift.stamps.file import Stamps
from stampshift.stamps.preprocessing import Preprocessing, preprocess
from stampshift.stamps.raw_triplets import InvalidPixels, RawTriplet
from stampshift.surveys import READERS
from stampshift.surveys.inspection import describe
from stampshift.surveys.label_table import classes_by_id
from stampshift.surveys.making import make_stamps

NONE = InvalidPixels()
RULES = {"size_pixels": 21, "normalisation": "channel", "classes": CLASSES}
FORMS = {
    "hdf5": ("table", "raw/part.h5", write_hdf5),
    "npz": ("table", "raw/part.npz", write_npz),
    "parquet": ("table", "raw/part.parquet", write_parquet),
    "folder": ("folder", "raw", write_folder),
    "packets": ("packets", "raw", write_packets),
}


def make(paths, output, *, reader, options, invalid=NONE, unlabelled="keep", processes=1, **rules):
    make_stamps(
        paths,
        survey="Mine",
        reader=reader,
        options=options,
        preprocessing=Preprocessing(invalid=invalid, unlabelled=unlabelled, **(RULES | rules)),
        processes=processes,
        unit_minutes=10,
        origin={"path": "raw"},
        checksums={},
        tolerated=0.001,
        output=output,
    )
    return Stamps.open(output, unlabelled=True)


def write(form, folder, count):
    reader, name, writer = FORMS[form]
    (folder / "raw").parent.mkdir(exist_ok=True)
    path = folder / name
    if form not in ("folder", "packets"):
        path.parent.mkdir()
    return reader, path, writer(path, count)


def triplets(path, reader, options, invalid=NONE):
    built = READERS[reader](options, invalid)
    return [triplet for unit in built.units([path]) for triplet in built.decode(unit)]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("processes", [1, 2])
def test_every_form_gives_the_same_stamps(form, processes, tmp_path, monkeypatch):
    monkeypatch.setattr("stampshift.surveys.table.UNIT_ROWS", 4)
    monkeypatch.setattr("stampshift.surveys.folder.UNIT_CANDIDATES", 4)
    reader, path, options = write(form, tmp_path, 10)
    stamps = make([path], tmp_path / "mine.h5", reader=reader, options=options, processes=processes)
    pixels, ids, names = candidates(10)
    raw = [RawTriplet(tuple(triplet), name, "", "") for triplet, name in zip(pixels, names, strict=True)]
    expected = preprocess(raw, Preprocessing(invalid=NONE, unlabelled="keep", **RULES))
    expected_ids = [str(number + 1) for number in range(10)] if form == "packets" else ids
    order = [stamps.ids.tolist().index(name) for name in expected_ids]
    np.testing.assert_allclose(stamps.stamps[order], expected.stamps, atol=1e-5)
    assert stamps.classes[order].tolist() == names
    assert stamps.labels[order].tolist() == [1, 0] * 5
    if form != "folder":
        assert order == list(range(10))  # a folder is read class by class


@pytest.mark.parametrize("side", [21, 22, 30, 31])
@pytest.mark.parametrize("reader", ["table", "folder"])
def test_stamps_of_any_size_are_cut_about_their_centre(side, reader, tmp_path):
    cube = np.zeros((3, side, side), "f4")
    cube[:, side // 2, side // 2] = 1
    if reader == "table":
        np.savez(tmp_path / "a.npz", pixels=cube[None], label=["SN"])
        options = {"stamps": "pixels", "axes": "channels_first", "label": "label"}
    else:
        (tmp_path / "SN").mkdir()
        fits.PrimaryHDU(cube).writeto(tmp_path / "SN" / "a.fits")
        options = {}
    stamps = make([tmp_path], tmp_path / "x" / "mine.h5", reader=reader, options=options)
    assert np.unravel_index(stamps.stamps[0, 0].argmax(), (21, 21)) == (10, 10)


# ---- tables ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["h5", "npz"])
def test_masks_become_nan_in_every_channel_or_in_one(suffix, tmp_path):
    pixels, _, names = candidates(2)
    shared, own = np.zeros((2, 31, 31), bool), np.zeros((2, 3, 31, 31), "u1")
    shared[1, 3, 4], own[0, 2, 5, 6] = True, 7
    arrays = {"pixels": pixels, "class": names, "shared": shared, "own": own}
    path = tmp_path / f"a.{suffix}"
    if suffix == "npz":
        np.savez(path, **arrays)
    else:
        with h5py.File(path, "w") as file:
            for name, values in arrays.items():
                file[name] = values
    options = {"stamps": "pixels", "axes": "channels_first", "label": "class"}
    first, second = triplets(path, "table", options | {"mask": "shared"})
    assert not np.isnan(first.images).any()
    assert np.argwhere(np.isnan(second.images)).tolist() == [[0, 3, 4], [1, 3, 4], [2, 3, 4]]
    first, second = triplets(path, "table", options | {"mask": "own"})
    assert np.argwhere(np.isnan(first.images)).tolist() == [[2, 5, 6]]
    assert not np.isnan(second.images).any()


def test_a_missing_template_is_computed_without_the_marks(tmp_path):
    pixels, _, names = candidates(1)
    pixels[0, 2, 3, 4] = -9999
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["s"], file["d"], file["class"] = pixels[:, 1], pixels[:, 2], names
    options = {
        "stamps": {"science": "s", "difference": "d"},
        "template": "science - difference",
        "label": "class",
    }
    (found,) = triplets(tmp_path, "table", options, InvalidPixels(equals=-9999.0))
    template, science, difference = found.images
    assert np.argwhere(np.isnan(template)).tolist() == [[3, 4]]
    assert difference[3, 4] == -9999
    np.testing.assert_array_equal(
        np.delete(template.ravel(), 97), np.delete((science - difference).ravel(), 97)
    )


@pytest.mark.parametrize(
    ("labels", "unlabelled", "classes"),
    [
        (np.array([1, 0, -1]), -1, ["1", "0", "unlabelled"]),
        (np.array([1.0, 0.0, np.nan]), None, ["1", "0", "unlabelled"]),
        (np.array([True, False, True]), None, ["true", "false", "true"]),
        (np.array(["SN", "", "ghost"]), None, ["SN", "unlabelled", "ghost"]),
    ],
)
@pytest.mark.parametrize("suffix", ["h5", "npz", "parquet"])
def test_labels_of_every_type_are_classes(labels, unlabelled, classes, suffix, tmp_path):
    pixels, _, _ = candidates(3)
    path = tmp_path / f"a.{suffix}"
    options = {"stamps": "pixels", "axes": "channels_first", "label": "label"}
    options |= {} if unlabelled is None else {"unlabelled": unlabelled}
    if suffix == "h5":
        with h5py.File(path, "w") as file:
            file["pixels"], file["label"] = (
                pixels,
                labels.astype(object) if labels.dtype.kind == "U" else labels,
            )
    elif suffix == "npz":
        np.savez(path, pixels=pixels, label=labels)
    else:
        options = (
            write_parquet(path, 3) | {"label": "label"} | ({} if unlabelled is None else {"unlabelled": -1})
        )
        pd.read_parquet(path).assign(label=labels).to_parquet(path)
    assert [triplet.survey_class for triplet in triplets(path, "table", options)] == classes


def test_rows_without_identifiers_are_numbered(tmp_path):
    options = write_hdf5(tmp_path / "b.h5", 2)
    write_hdf5(tmp_path / "a.h5", 1)
    del options["id"]
    assert [found.identifier for found in triplets(tmp_path, "table", options)] == ["a:0", "b:0", "b:1"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stamps": "piksels"}, r"expected piksels, id, class, found no 'piksels' among class, id, pixels"),
        ({"axes": "channels_last"}, r"row 0: expected 3 images \(template, science, difference\), found 31"),
        ({"axes": None}, r"row 0: expected an array .* and `axes` in the config .*found shape \(3, 31, 31\)"),
        ({"channels": ["science", "difference"]}, r"expected 2 images \(science, difference\), found 3"),
    ],
)
def test_a_table_that_is_not_as_declared(tmp_path, change, message):
    options = write_hdf5(tmp_path / "a.h5", 2) | change
    options = {key: value for key, value in options.items() if value is not None}
    with pytest.raises(ArchiveError, match=message):
        triplets(tmp_path, "table", options)


def test_an_id_that_comes_twice_in_a_table(tmp_path):
    options = write_hdf5(tmp_path / "a.h5", 2)
    write_hdf5(tmp_path / "b.h5", 1)
    with pytest.raises(ArchiveError, match=r"b\.h5, row 0: expected each id once, found c0 again"):
        triplets(tmp_path, "table", options)


@pytest.mark.parametrize("suffix", ["h5", "npz", "parquet"])
def test_a_table_that_is_cut_short(suffix, tmp_path):
    form = "hdf5" if suffix == "h5" else suffix
    _, path, options = write(form, tmp_path, 3)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ArchiveError, match=rf"part\.{suffix}: expected a complete table"):
        triplets(path, "table", options)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("t", "fits/none.fits", r"row 1, t: expected the FITS file .*fits/none\.fits, found none"),
        ("s", None, r"row 1, s: expected FITS bytes or the name of a FITS file, found NoneType"),
        ("s", b"SIMPLE  =  T", r"row 1, s: expected a complete FITS image"),
    ],
)
def test_a_row_of_parquet_without_its_image(tmp_path, column, value, message):
    options = write_parquet(tmp_path / "a.parquet", 3)
    table = pd.read_parquet(tmp_path / "a.parquet")
    table[column] = [table[column][0], value, table[column][2]]
    table.to_parquet(tmp_path / "a.parquet")
    with pytest.raises(ArchiveError, match=message):
        triplets(tmp_path / "a.parquet", "table", options)


# ---- folders ---------------------------------------------------------------------------------------------


def test_folder_with_masks_and_without_templates(tmp_path):
    place = tmp_path / "SN"
    place.mkdir()
    science, difference = np.full((25, 25), 5, "f4"), np.ones((25, 25), "f4")
    mask = np.zeros((25, 25), "i2")
    mask[2, 3] = 1
    for kind, image in (("science", science), ("difference", difference), ("mask", mask)):
        fits.PrimaryHDU(image).writeto(place / f"x_1_{kind}.fits.gz")
    (found,) = triplets(tmp_path, "folder", {"template": "science - difference"})
    assert (found.identifier, found.survey_class) == ("x_1", "SN")
    assert all(np.argwhere(np.isnan(image)).tolist() == [[2, 3]] for image in found.images)
    assert np.nanmax(found.images[0]) == np.nanmin(found.images[0]) == 4


def test_folder_unlabelled_is_not_a_class(tmp_path):
    write_folder(tmp_path / "raw", 4)
    (tmp_path / "raw" / "unlabelled").mkdir()
    (tmp_path / "raw" / "ghost" / "c1.fits.gz").rename(tmp_path / "raw" / "unlabelled" / "c1.fits.gz")
    stamps = make([tmp_path / "raw"], tmp_path / "kept.h5", reader="folder", options={})
    assert dict(zip(stamps.ids, stamps.labels, strict=True)) == {"c0": 1, "c1": 255, "c2": 1, "c3": 0}
    stamps = make([tmp_path / "raw"], tmp_path / "d.h5", reader="folder", options={}, unlabelled="drop")
    assert sorted(stamps.ids) == ["c0", "c2", "c3"]
    assert stamps.attributes["counts"]["dropped"]["unlabelled"] == 1


def test_labels_of_an_archive_that_do_not_count_leave_no_trace_in_its_stamps(tmp_path):
    """The same images under other classes make the same stamps, without a label."""
    write_folder(tmp_path / "one", 4)
    write_folder(tmp_path / "other", 4)
    folder = tmp_path / "other"
    for old, new in (("SN", "away"), ("ghost", "SN"), ("away", "ghost")):
        (folder / old).rename(folder / new)
    one, other = (
        make([tmp_path / name], tmp_path / f"{name}.h5", reader="folder", options={}, unlabelled="all")
        for name in ("one", "other")
    )
    assert one.labels.tolist() == other.labels.tolist() == [255] * 4
    assert set(one.classes) == set(other.classes) == {"unlabelled"}
    found = {name: stamp.tobytes() for name, stamp in zip(other.ids, other.stamps, strict=True)}
    assert {name: stamp.tobytes() for name, stamp in zip(one.ids, one.stamps, strict=True)} == found
    assert one.attributes["counts"] == other.attributes["counts"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("SN/c9_science.fits", r"SN, candidate c9: expected one FITS file, or one for each of template, "),
        ("ghost/c0.fits", r"expected each candidate in one folder, found c0 in (SN and ghost|ghost and SN)"),
        ("SN/c0.fits.gz", r"expected each file once"),
        ("other/c9.fits", r"found 'other'\. Add it to the survey's `classes`"),
    ],
)
def test_a_folder_that_is_not_as_it_should_be(tmp_path, name, message):
    write_folder(tmp_path / "raw", 3)
    path = tmp_path / "raw" / name
    path.parent.mkdir(exist_ok=True)
    fits.PrimaryHDU(np.zeros((3, 25, 25), "f4")).writeto(path)
    with pytest.raises(ArchiveError, match=message):
        make([tmp_path / "raw"], tmp_path / "mine.h5", reader="folder", options={})


def test_a_damaged_file_of_a_folder_is_named(tmp_path):
    write_folder(tmp_path, 3)
    path = tmp_path / "SN" / "c0.fits"
    path.write_bytes(path.read_bytes()[:4000])
    with pytest.raises(ArchiveError, match=r"SN, candidate c0: expected a complete FITS file"):
        triplets(tmp_path, "folder", {})


# ---- packets and label files -----------------------------------------------------------------------------


def test_marks_of_the_dialect_and_of_the_config_are_invalid(tmp_path):
    template, science, difference = images(1)
    template[0, 0], science[1, 1] = -3.4028235e38, -5
    (tmp_path / "a.avro").write_bytes(container("ZTF", [packet("ZTF", 1, (template, science, difference))]))
    (found,) = triplets(tmp_path, "packets", {})
    assert np.argwhere(np.isnan(found.images)).tolist() == [[0, 0, 0]]
    stamps = make(
        [tmp_path], tmp_path / "x.h5", reader="packets", options={}, invalid=InvalidPixels(equals=-5.0),
        size_pixels=31,
    )  # fmt: skip
    assert stamps.attributes["counts"]["filled_pixels"] == {"template": 1, "science": 1, "difference": 0}


def test_packets_that_are_not_triplets_are_counted_by_their_problem(tmp_path, caplog):
    fields = packets("ZTF", 6)
    fields[1]["cutoutScience"] = None
    fields[2]["cutoutTemplate"]["stampData"] = b"no FITS"
    (tmp_path / "a.avro").write_bytes(container("ZTF", [*fields, fields[0]]))
    (tmp_path / "b.avro").write_bytes(b"rubbish")
    with caplog.at_level(logging.WARNING):
        stamps = make([tmp_path], tmp_path / "x.h5", reader="packets", options={})
    counts = stamps.attributes["counts"]
    assert stamps.ids.tolist() == ["1", "4", "5", "6"]
    assert (counts["read"], counts["kept"], counts["labels"]["unlabelled"]) == (8, 4, 4)
    assert {reason: count for reason, count in counts["dropped"].items() if count} == {
        "missing cutout": 1,
        "unreadable cutout": 1,
        "unreadable packet": 1,
        "duplicate": 1,
    }
    assert len(stamps.attributes["problems"]) == 3
    assert "b.avro" in stamps.attributes["problems"][2]
    assert "Mine: dropped:" in caplog.text


@pytest.mark.parametrize("processes", [1, 2])
def test_packets_of_two_telescopes_in_one_survey_are_refused(tmp_path, monkeypatch, processes):
    monkeypatch.setattr("stampshift.alerts.containers.UNIT_PACKETS", 1)  # found across units, too
    write_night(tmp_path / "nights" / "a", "ZTF", 2)
    write_night(tmp_path / "nights" / "b", "Rubin", 2)
    with pytest.raises(
        ArchiveError,
        match=r"^Mine: expected alert packets of one telescope, found packets of ZTF \(\S+/a/1\.avro\) "
        r"and of Rubin \(\S+/b/1\.avro\)\. A survey .* put each .* with a separate section",
    ):
        make([tmp_path / "nights"], tmp_path / "x.h5", reader="packets", options={}, processes=processes)
    assert not (tmp_path / "x.h5").exists()
    assert len({alert.survey for unit in units([tmp_path / "nights"]) for alert in decode(unit)}) == 2


def test_repeats_are_left_out_whatever_the_number_of_processes(tmp_path, monkeypatch):
    monkeypatch.setattr("stampshift.alerts.containers.UNIT_PACKETS", 1)
    for name in "ab":
        (tmp_path / f"{name}.avro").write_bytes(container("ZTF", packets("ZTF", 3)))
    for processes in (1, 2):
        stamps = make(
            [tmp_path], tmp_path / f"{processes}.h5", reader="packets", options={}, processes=processes
        )
        assert stamps.ids.tolist() == ["1", "2", "3"]
        assert stamps.attributes["counts"]["dropped"]["duplicate"] == 3


def test_label_files_of_both_kinds_and_what_they_leave_out(tmp_path, caplog):
    options = write_packets(tmp_path / "raw", 6)
    table = pd.DataFrame({"id": [6, 2, 77, 4, 78], "label": ["SN", "ghost", "SN", None, "SN"], "who": "me"})
    for labels in ("labels.csv", "raw/labels.parquet"):
        path = tmp_path / labels
        table.to_csv(path, index=False) if path.suffix == ".csv" else table.to_parquet(path)
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            stamps = make(
                [tmp_path / "raw"],
                tmp_path / "x.h5",
                reader="packets",
                options=options | {"labels": str(path)},
            )
        assert stamps.labels.tolist() == [255, 0, 255, 255, 255, 1]
        assert stamps.attributes["labels_without_candidate"] == 2
        assert (
            f"Mine: 2 ids of {path} occur in no candidate of the archive, the first of them 77" in caplog.text
        )
        (tmp_path / "raw" / "labels.parquet").unlink(missing_ok=True)


def test_an_id_may_look_like_a_comment_or_like_nothing(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("# seen by eye\nid,label\na#1,SN\nNA,ghost\nnan,SN\n2,\n")
    assert classes_by_id(path) == {"a#1": "SN", "NA": "ghost", "nan": "SN"}


def test_comments_and_blanks_of_a_label_file_written_by_hand(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_bytes(
        b"\xef\xbb\xbf# by eye\r\nid, label\r\n1, SN\r\n\r\n#2, SN\r\n  3,  ghost\r\n"
        b'5" mirror, SN\r\n# done\r\n"#4", SN\r\n" 5", ghost\r\n"6\n#6", SN\r\n'
    )
    assert classes_by_id(path) == {
        **{"1": "SN", "3": "ghost", '5" mirror': "SN"},
        **{"#4": "SN", " 5": "ghost", "6\n#6": "SN"},
    }


def test_an_edited_label_file_is_read_again(tmp_path):
    options = write_packets(tmp_path / "raw", 2)
    before = make([tmp_path / "raw"], tmp_path / "x.h5", reader="packets", options=options)
    Path(options["labels"]).write_text("id,label\n1,ghost\n2,SN\n")
    after = make([tmp_path / "raw"], tmp_path / "y.h5", reader="packets", options=options)
    assert (before.labels.tolist(), after.labels.tolist()) == ([1, 0], [0, 1])
    assert before.attributes["raw"]["sha256"] != after.attributes["raw"]["sha256"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "id,label\n1,SN\n1,ghost\n",
            r"expected one label for each id, found SN and ghost for 1 \(1 such ids\)",
        ),
        ("id,label\n1,nova\n", r"expected labels among the classes .*\(SN, ghost\), found 'nova' for 1"),
        ("name,label\n1,SN\n", r"expected a CSV or Parquet table with the columns id and label"),
        (None, r"no such label file"),
    ],
)
@pytest.mark.parametrize("reader", ["packets", "table"])
def test_a_label_file_that_cannot_be_used(tmp_path, content, message, reader):
    path = tmp_path / "labels.csv"
    if content:
        path.write_text(content)
    if reader == "packets":
        options = write_packets(tmp_path / "raw", 2)
    else:
        (tmp_path / "raw").mkdir()
        options = write_hdf5(tmp_path / "raw" / "a.h5", 2)
        del options["label"]
    with pytest.raises(ArchiveError, match=rf"^Mine: .*labels\.csv: {message}"):
        make([tmp_path / "raw"], tmp_path / "x.h5", reader=reader, options=options | {"labels": str(path)})


def test_a_label_file_of_a_table(tmp_path):
    options = write_hdf5(tmp_path / "a.h5", 3)
    del options["label"]
    (tmp_path / "labels.csv").write_text("id,label\nc2,SN\n")
    stamps = make(
        [tmp_path / "a.h5"], tmp_path / "x.h5", reader="table",
        options=options | {"labels": str(tmp_path / "labels.csv")},
    )  # fmt: skip
    assert stamps.labels.tolist() == [255, 255, 1]


def test_a_stamps_file_with_unlabelled_stamps_is_opened_only_if_asked_for(tmp_path):
    write_packets(tmp_path / "raw", 3)
    make([tmp_path / "raw"], tmp_path / "x.h5", reader="packets", options={})
    with pytest.raises(ContractError, match=r"expected a label for every stamp, but 3 of 3 have none"):
        Stamps.open(tmp_path / "x.h5")
    assert Stamps.open(tmp_path / "x.h5", unlabelled=True).labels.tolist() == [255] * 3


def test_placeholders_are_no_objects_and_identical_stamps_are_counted(tmp_path, caplog):
    """Each stamp twice under two identifiers; `group` says -1, 0 and the like where there is no object."""
    pixels, _, names = candidates(6)
    numbers = np.tile(np.arange(6), 2)
    objects = ["-1", "0", "null", "", "NaN", "M31"] * 2
    with h5py.File(tmp_path / "part.h5", "w") as file:
        file["pixels"], file["class"], file["object"] = pixels[numbers], [names[n] for n in numbers], objects
    options = {"stamps": "pixels", "axes": "channels_first", "label": "class", "group": "object"}
    caplog.set_level(logging.WARNING)
    stamps = make([tmp_path / "part.h5"], tmp_path / "Mine.h5", reader="table", options=options)
    assert stamps.groups.tolist() == ([""] * 5 + ["M31"]) * 2
    assert "Mine: 12 stamps have the pixels of another (6 different ones among them)" in caplog.text
    assert "identical   12 stamps, 6 different" in describe(tmp_path / "Mine.h5")


@pytest.mark.parametrize(
    "column", [np.array([0, 0, -1, 7.0, np.nan, np.nan]), np.array([0, 0, -1, 7, -1, 0])]
)
def test_numbers_for_no_object_are_none(tmp_path, column):
    options = write_hdf5(tmp_path / "part.h5", 6)
    with h5py.File(tmp_path / "part.h5", "r+") as file:
        file["object"] = column
    stamps = make(
        [tmp_path / "part.h5"], tmp_path / "Mine.h5", reader="table", options=options | {"group": "object"}
    )
    assert stamps.groups.tolist() == ["", "", "", "7", "", ""]
