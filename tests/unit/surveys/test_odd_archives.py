"""Archives with odd names, orders and contents: read as they are meant, or refused in a sentence."""

import gzip
import io
import logging
import os
import shutil

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io import fits

from alert_packets import write_night
from any_survey import CLASSES, candidates, write_folder, write_hdf5, write_parquet
from stampshift.core.errors import ArchiveError, ConfigError
from stampshift.stamps.file import Stamps, read_attributes
from stampshift.stamps.preprocessing import Preprocessing
from stampshift.stamps.raw_triplets import InvalidPixels
from stampshift.surveys import READERS, making
from stampshift.surveys.inspection import describe
from stampshift.surveys.making import make_stamps

NAMED = ["SCIENCE", "TEMPLATE", "DIFFERENCE"]


def make(path, *, reader, options, classes=CLASSES, size=21):
    make_stamps(
        [path],
        survey="Mine",
        reader=reader,
        options=options,
        preprocessing=Preprocessing(size, "channel", InvalidPixels(), classes, "keep"),
        processes=1,
        unit_minutes=10,
        origin={},
        checksums={},
        tolerated=0.001,
        output=path.parent / "x.h5",
    )
    return Stamps.open(path.parent / "x.h5", unlabelled=True)


def decoded(path, reader, options):
    built = READERS[reader](options, InvalidPixels())
    return [triplet for unit in built.units([path]) for triplet in built.decode(unit)]


def extensions(images, names, *, packed=False):
    kind = fits.CompImageHDU if packed else fits.ImageHDU
    options = {"compression_type": "GZIP_2", "quantize_level": 0.0} if packed else {}
    hdus = [kind(image, name=name, **options) for image, name in zip(images, names, strict=True)]
    stream = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(stream)
    return stream.getvalue()


# ---- names of extensions ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "names", [NAMED, ["sci", "ref", "diff"], ["Sci", "tmpl", "Difference"], ["SCIENCE", "REFERENCE", "DIFF"]]
)
@pytest.mark.parametrize("packed", [False, True])
def test_names_of_extensions_beat_the_order(tmp_path, names, packed):
    ((template, science, difference),), _, _ = candidates(1)
    (tmp_path / "raw" / "SN").mkdir(parents=True)
    content = extensions([science, template, difference], names, packed=packed)
    (tmp_path / "raw" / "SN" / "a.fits.gz").write_bytes(gzip.compress(content))
    (found,) = decoded(tmp_path / "raw", "folder", {})
    np.testing.assert_array_equal(found.images, [template, science, difference])
    # agrees with what the names say
    declared = {"channels": ["science", "template", "difference"]}
    (found,) = decoded(tmp_path / "raw", "folder", declared)
    np.testing.assert_array_equal(found.images, [template, science, difference])
    with pytest.raises(
        ArchiveError, match=rf"candidate a: expected the images .* in this order, .*{names[0].upper()}"
    ):
        decoded(tmp_path / "raw", "folder", {"channels": ["template", "science", "difference"]})


@pytest.mark.parametrize(
    ("names", "reads"),
    [
        (["A", "B", "C"], True),
        (["", "", ""], True),
        (["TEMPLATE", "B", "C"], True),
        (["A", "TEMPLATE", "C"], False),
        (["SCIENCE", "SCIENCE", "DIFFERENCE"], False),
    ],
)
def test_names_of_some_images_only_have_to_agree(tmp_path, names, reads):
    (triplet,), _, _ = candidates(1)
    (tmp_path / "raw" / "SN").mkdir(parents=True)
    (tmp_path / "raw" / "SN" / "a.fits").write_bytes(extensions(triplet, names))
    if reads:
        np.testing.assert_array_equal(decoded(tmp_path / "raw", "folder", {})[0].images, triplet)
    else:
        with pytest.raises(ArchiveError, match=r"expected the images .*Correct the names, or the order"):
            decoded(tmp_path / "raw", "folder", {})


# ---- files of a folder -----------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["fits.fz", "FITS", "fit", "fts", "Fit.GZ", "fits.fz.gz", "FTS"])
def test_fits_files_of_any_ending(tmp_path, ending):
    pixels, _, names = candidates(2)
    for number, (triplet, name) in enumerate(zip(pixels, names, strict=True)):
        place = tmp_path / "raw" / name
        place.mkdir(parents=True)
        content = extensions(triplet, ["", "", ""], packed=".fz" in ending)
        zipped = ending.lower().endswith("gz")
        (place / f"c{number}.{ending}").write_bytes(gzip.compress(content) if zipped else content)
    stamps = make(tmp_path / "raw", reader="folder", options={})
    assert dict(zip(stamps.ids, stamps.labels, strict=True)) == {"c0": 1, "c1": 0}


def test_a_file_for_each_channel_of_any_ending(tmp_path):
    ((template, science, difference),), _, _ = candidates(1)
    place = tmp_path / "raw" / "SN"
    place.mkdir(parents=True)
    (place / "a_Template.FIT").write_bytes(extensions([template], [""], packed=True))
    fits.PrimaryHDU(science).writeto(place / "a_SCIENCE.fits")
    (place / "a_difference.fits.fz").write_bytes(extensions([difference], ["DIFF"], packed=True))
    (found,) = decoded(tmp_path / "raw", "folder", {})
    np.testing.assert_array_equal(found.images, [template, science, difference])


def test_what_is_passed_over_is_counted(tmp_path, caplog):
    write_folder(tmp_path / "raw", 4)
    for name in ("notes.txt", "more.TXT", "SN/b.tar.gz", "SN/.hidden.fits", "README"):
        (tmp_path / "raw" / name).touch()
    (tmp_path / "raw" / "gone.pdf").symlink_to("/nowhere/gone.pdf")
    caplog.set_level(logging.WARNING)
    make(tmp_path / "raw", reader="folder", options={})
    expected = ["2 .txt", "1 without a suffix", "1 broken link", "1 .tar.gz", "1 hidden"]
    (line,) = [record.message for record in caplog.records if "passed over" in record.message]
    assert line.startswith("Mine: 6 files passed over: ")
    assert sorted(line.partition("over: ")[2].split(", ")) == sorted(expected)
    assert "6 files passed over" in describe(tmp_path / "raw")


@pytest.mark.parametrize("name", ["SN/gone.fits", "gone.h5", "gone.avro"])
def test_a_link_to_nowhere_stops_no_archive(tmp_path, caplog, name):
    raw = tmp_path / "raw"
    raw.mkdir()
    reader, options = "folder", {}
    if name == "gone.h5":
        reader, options = "table", write_hdf5(raw / "a.h5", 3)
    elif name == "gone.avro":
        reader = "packets"
        write_night(raw, "ZTF", 3)
    else:
        write_folder(raw, 3)
    (raw / name).symlink_to("/nowhere/gone")
    caplog.set_level(logging.WARNING)
    assert len(make(raw, reader=reader, options=options)) == 3
    assert "Mine: 1 files passed over: 1 broken link" in caplog.text
    for path in raw.rglob("*"):
        if path.is_file():
            path.unlink()
    with pytest.raises(ArchiveError, match=rf"{raw} \(1 broken links\)"):
        make(raw, reader=reader, options=options)


def test_what_is_no_part_of_a_label_table_is_counted(tmp_path, caplog):
    options = write_hdf5(tmp_path / "a.h5", 3)
    del options["label"]
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "part.csv").write_text("id,label\nc2,SN\n")
    (tmp_path / "labels" / "gone.csv").symlink_to("/nowhere/gone.csv")
    (tmp_path / "labels" / "_SUCCESS").touch()
    caplog.set_level(logging.WARNING)
    make(tmp_path / "a.h5", reader="table", options=options | {"labels": str(tmp_path / "labels")})
    assert f"{tmp_path / 'labels'}: 2 files passed over: " in caplog.text


def test_fits_files_that_a_table_names_are_its_content(tmp_path, caplog):
    options = write_parquet(tmp_path / "a.parquet", 3)
    (tmp_path / "fits" / "spare.fits").touch()
    caplog.set_level(logging.WARNING)
    make(tmp_path, reader="table", options=options)
    assert "1 files passed over: 1 .fits" in caplog.text
    raw = read_attributes(tmp_path.parent / "x.h5")["raw"]
    named = [f"c{row}{kind}.fits.gz" for kind in "td" for row in range(3)]
    assert [entry["name"] for entry in raw["list"]] == ["a.parquet", *named]


def test_sources_of_virtual_data_sets_are_content_and_no_tables(tmp_path, caplog):
    raw = tmp_path / "raw"
    (raw / "more").mkdir(parents=True)
    options = write_hdf5(raw / "inner.h5", 3)
    shutil.copy(raw / "inner.h5", tmp_path / "outside.h5")
    pixels, _, _ = candidates(3)
    for outer, source in (("more/middle.h5", "../inner.h5"), ("outer.h5", "more/middle.h5")):
        layout = h5py.VirtualLayout(pixels.shape, "f4")
        layout[:] = h5py.VirtualSource(source, "pixels", pixels.shape)
        with h5py.File(raw / outer, "w", libver="latest") as file:
            file.create_virtual_dataset("pixels", layout)
            file["id"], file["class"] = ["c0", "c1", "c2"], ["SN", "ghost", "SN"]
    caplog.set_level(logging.WARNING)
    stamps = make(raw, reader="table", options=options)
    assert stamps.ids.tolist() == ["c0", "c1", "c2"]
    listed = stamps.attributes["raw"]["list"]
    assert [entry["name"] for entry in listed] == ["outer.h5", "middle.h5", "inner.h5"]
    assert "passed over" not in caplog.text
    # a table that is named itself is read, whatever else it is
    (raw / "inner.h5").unlink()
    (raw / "inner.h5").symlink_to(tmp_path / "outside.h5")
    one = make(raw / "outer.h5", reader="table", options=options)
    assert one.attributes["raw"]["files"] == 3


def test_the_label_table_is_not_passed_over(tmp_path, caplog):
    (tmp_path / "raw").mkdir()
    options = write_hdf5(tmp_path / "raw" / "a.h5", 3)
    del options["label"]
    (tmp_path / "raw" / "labels.csv").write_text("id,label\nc2,SN\n")
    caplog.set_level(logging.WARNING)
    make(tmp_path / "raw", reader="table", options=options | {"labels": str(tmp_path / "raw/labels.csv")})
    assert "passed over" not in caplog.text


def test_a_file_that_may_not_be_read_is_not_called_damaged(tmp_path, monkeypatch):
    write_folder(tmp_path / "raw", 2)

    def refuse(path, *_arguments, **_options):
        raise PermissionError(13, "no", str(path))

    monkeypatch.setattr("stampshift.surveys.making.file_digest", refuse)
    with pytest.raises(ArchiveError, match=r"^Mine: .*fits.*: cannot be read now \(Permission denied\)"):
        make(tmp_path / "raw", reader="folder", options={})
    monkeypatch.undo()
    monkeypatch.setattr(type(tmp_path), "read_bytes", refuse)
    with pytest.raises(ArchiveError, match=r"^Mine: .*fits.*: cannot be read now \(Permission denied\)"):
        make(tmp_path / "raw", reader="folder", options={})


def test_names_that_are_no_utf8_are_escaped(tmp_path):
    write_folder(tmp_path / "raw", 2)
    place = tmp_path / "raw" / "SN"
    (place / "c0.fits").rename(place / os.fsdecode(b"caf\xe9.fits"))
    assert "caf\\xe9" in make(tmp_path / "raw", reader="folder", options={}).ids.tolist()


# ---- tables ----------------------------------------------------------------------------------------------


def test_identifiers_of_hdf5_in_latin_1_are_escaped(tmp_path):
    pixels, _, names = candidates(3)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["stamps"], file["label"] = pixels, np.array(names, "S")
        file["name"] = np.array([f"caf\xe9-{number}".encode("latin-1") for number in range(3)])
    options = {"stamps": "stamps", "axes": "channels_first", "label": "label", "id": "name"}
    stamps = make(tmp_path / "a.h5", reader="table", options=options)
    assert stamps.ids.tolist() == ["caf\\xe9-0", "caf\\xe9-1", "caf\\xe9-2"]


def test_rows_without_an_id_are_called_by_file_and_row(tmp_path, caplog):
    options = write_hdf5(tmp_path / "a.h5", 4)
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        del file["id"]
        file["id"] = [7.0, np.nan, np.nan, 8.0]
    caplog.set_level(logging.WARNING)
    assert make(tmp_path / "a.h5", reader="table", options=options).ids.tolist() == ["7", "a:1", "a:2", "8"]
    assert "2 rows have no id and are called by file and row" in caplog.text


@pytest.mark.parametrize("fill", [0.0, np.nan, -9999.0])
def test_rows_that_were_never_written_have_no_information(tmp_path, fill):
    pixels, _, names = candidates(4)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        data = file.create_dataset("stamps", pixels.shape, "f4", chunks=(1, 3, 31, 31), fillvalue=fill)
        data[:2] = pixels[:2]
        file["label"] = np.array(names, "S")
    options = {"stamps": "stamps", "axes": "channels_first", "label": "label"}
    stamps = make(tmp_path / "a.h5", reader="table", options=options)
    assert stamps.ids.tolist() == ["a:0", "a:1"]
    assert stamps.attributes["counts"]["dropped"]["no information"] == 2
    assert stamps.attributes["counts"]["kept"] == 2
    assert "no information 2" in describe(tmp_path / "x.h5")


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_a_label_that_is_infinite_is_no_class(tmp_path, value):
    options = write_hdf5(tmp_path / "a.h5", 2)
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        del file["class"]
        file["class"] = [1.0, value]
    with pytest.raises(ArchiveError, match=rf"expected a class of the config's map .*found '{value}'"):
        make(tmp_path / "a.h5", reader="table", options=options, classes={"1": "real", "0": "bogus"})


@pytest.mark.parametrize("dtype", ["c8", [("a", "f4")], "S3"])
def test_pixels_that_are_no_real_numbers(tmp_path, dtype):
    np.savez(tmp_path / "a.npz", stamps=np.zeros((2, 3, 25, 25), dtype), label=["SN", "ghost"])
    options = {"stamps": "stamps", "axes": "channels_first", "label": "label"}
    with pytest.raises(ArchiveError, match=r"a\.npz, row 0: expected real numbers, found"):
        make(tmp_path / "a.npz", reader="table", options=options)


# ---- many classes, long names ----------------------------------------------------------------------------


def test_three_hundred_classes(tmp_path):
    names = [f"type-{number}" for number in range(300)]
    pixels = np.random.default_rng(0).normal(0, 1, (300, 3, 21, 21)).astype("f4")
    np.savez(tmp_path / "a.npz", stamps=pixels, label=names)
    classes = {name: ("real", "bogus")[number % 2] for number, name in enumerate(names)}
    options = {"stamps": "stamps", "axes": "channels_first", "label": "label"}
    stamps = make(tmp_path / "a.npz", reader="table", options=options, classes=classes)
    assert stamps.classes.tolist() == names


@pytest.mark.parametrize(
    "names",
    [["x" * 257, "y"], [f"{number}".ljust(250, "x") for number in range(300)], ["", "y"], ["a\0b", "y"]],
)
def test_classes_that_no_file_holds_stop_before_the_archive_is_read(tmp_path, names):
    classes = {name: ("real", "bogus")[number % 2] for number, name in enumerate(names)}
    with pytest.raises(ConfigError, match=r"`classes`: expected names"):
        make(tmp_path / "missing.h5", reader="table", options={"stamps": "stamps"}, classes=classes)


@pytest.mark.parametrize("label", [np.inf, -np.inf, 7.0])
@pytest.mark.parametrize("suffix", ["h5", "npz", "parquet"])
def test_labels_that_are_no_class_stop_before_the_archive_is_read(tmp_path, monkeypatch, label, suffix):
    path = tmp_path / f"a.{suffix}"
    pixels, labels = np.zeros((3, 3, 21, 21), "f4"), np.array([1.0, 0.0, label])
    if suffix == "h5":
        with h5py.File(path, "w") as file:
            file["stamps"], file["label"] = pixels, labels
    elif suffix == "npz":
        np.savez(path, stamps=pixels, label=labels)
    else:
        pq.write_table(pa.table({"stamps": ["1.fits"] * 3, "label": labels}), path)
    monkeypatch.setattr(making, "digest", lambda *_a, **_k: pytest.fail("the archive is read"))
    options = {"stamps": "stamps", "axes": "channels_first", "label": "label"}
    shown = f"{label:g}"
    with pytest.raises(ArchiveError, match=rf"{path}, row 2, 'label': expected a class .*found '{shown}'"):
        make(path, reader="table", options=options, classes={"1": "real", "0": "bogus"})


def test_a_folder_of_no_class_stops_before_the_archive_is_read(tmp_path, monkeypatch):
    write_folder(tmp_path / "raw", 3)
    (tmp_path / "raw" / "inf").mkdir()
    (tmp_path / "raw" / "inf" / "z.fits").touch()
    monkeypatch.setattr(making, "digest", lambda *_a, **_k: pytest.fail("the archive is read"))
    with pytest.raises(ArchiveError, match=r"raw/inf: expected a class .*found 'inf'"):
        make(tmp_path / "raw", reader="folder", options={})


def test_long_names_of_classes_work_up_to_the_bound(tmp_path):
    names = [f"{number}".ljust(240, "x") for number in range(250)]
    pixels = np.random.default_rng(0).normal(0, 1, (250, 3, 21, 21)).astype("f4")
    np.savez(tmp_path / "a.npz", stamps=pixels, label=names)
    classes = {name: ("real", "bogus")[number % 2] for number, name in enumerate(names)}
    options = {"stamps": "stamps", "axes": "channels_first", "label": "label"}
    assert make(tmp_path / "a.npz", reader="table", options=options, classes=classes).classes[3] == names[3]


@pytest.mark.parametrize("reader", ["folder", "table"])
def test_pipes_and_devices_are_not_read(tmp_path, reader, caplog):
    write_folder(tmp_path / "raw", 2)
    os.mkfifo(tmp_path / "raw" / "SN" / "pipe.fits")
    (tmp_path / "raw" / "SN" / "device.fits").symlink_to("/dev/zero")
    caplog.set_level(logging.WARNING)
    if reader == "folder":
        assert len(make(tmp_path / "raw", reader="folder", options={})) == 2
        assert "2 files passed over: 2 .fits" in caplog.text
        return
    pq.write_table(pa.table({"s": ["raw/SN/c0.fits", "raw/SN/device.fits"]}), tmp_path / "a.parquet")
    with pytest.raises(ArchiveError, match=r"row 1: expected the FITS file .*device\.fits, found none"):
        make(tmp_path / "a.parquet", reader="table", options={"stamps": "s"})


def test_a_file_beyond_the_bound_of_memory_is_named(tmp_path, monkeypatch):
    write_folder(tmp_path / "raw", 2)
    monkeypatch.setenv("STAMPSHIFT_MAX_MB", "0.001")
    with pytest.raises(ArchiveError, match=r"c0\.fits is larger than 0\.001 MB\..*STAMPSHIFT_MAX_MB"):
        make(tmp_path / "raw", reader="folder", options={})


@pytest.mark.parametrize("name", ["a.h5", "a.npz", "a.avro", "labels.csv"])
def test_inspect_does_not_call_a_file_damaged_that_may_not_be_read(tmp_path, monkeypatch, name):
    (tmp_path / name).write_bytes(b"content")

    def refuse(path, *_arguments, **_options):
        raise PermissionError(13, "no", str(path))

    monkeypatch.setattr(type(tmp_path), "open", refuse)
    with pytest.raises(ArchiveError, match=rf"{name}: cannot be read now \(Permission denied\)"):
        describe(tmp_path / name)
