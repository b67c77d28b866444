import contextlib
import io
import pickle
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from astropy.io import fits

from stampshift.core.errors import ArchiveError
from stampshift.stamps.raw_triplets import InvalidPixels, Unusable
from stampshift.surveys import READERS, atlas

SCIENCE = np.array([[300.0, 310.0], [320.0, 330.0]], "f4")
DIFFERENCE = np.array([[1.0, -31415.0], [-3.0, 4.0]], "f4")
MARKS = InvalidPixels(equals=-31415.0)
TEMPLATE = np.array([[299.0, np.nan], [323.0, 326.0]], "f4")


def read(path, invalid=MARKS):
    reader = atlas.build({}, invalid)
    return [triplet for unit in reader.units([path]) for triplet in reader.decode(unit)]


def write(path, content, protocol=4):
    (path / "atlas.pkl").write_bytes(pickle.dumps(content, protocol=protocol))
    return path


def assert_triplet(triplet, survey_class, identifier):
    assert (triplet.survey_class, triplet.identifier, triplet.group) == (survey_class, identifier, "")
    for got, expected in zip(triplet.images, (TEMPLATE, SCIENCE, DIFFERENCE), strict=True):
        np.testing.assert_array_equal(got, expected, strict=True)


def records():
    return [
        {"id": "a1", "label": "kast", "science": SCIENCE, "difference": DIFFERENCE},
        {"id": "a2", "label": "scar", "science": SCIENCE, "difference": DIFFERENCE},
    ]


def columns():
    return {name: [record[name] for record in records()] for name in records()[0]}


@pytest.mark.parametrize("form", ["list", "records", "columns", "frame"])
@pytest.mark.parametrize("cells", ["arrays", "fits", "gzipped fits"])
def test_pickles_of_every_form_are_read(tmp_path, formats, gz, form, cells):
    convert = {
        "arrays": lambda image: image,
        "fits": formats.fits,
        "gzipped fits": lambda image: gz(formats.fits(image)),
    }
    rows = [
        record | {name: convert[cells](record[name]) for name in ("science", "difference")}
        for record in records()
    ]
    table = {name: [row[name] for row in rows] for name in rows[0]}
    content = {
        "list": rows,
        "records": {row.pop("id"): row for row in [dict(row) for row in rows]},
        "columns": table,
        "frame": pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in table.items()}),
    }[form]
    (tmp_path / "atlas.pkl").write_bytes(pickle.dumps(content, protocol=2))
    first, second = read(tmp_path)
    assert_triplet(first, "kast", "a1")
    assert_triplet(second, "scar", "a2")


def test_rows_number_the_candidates_without_an_id_and_class_serves_as_label(tmp_path):
    rows = [{"class": b"burn", "science": SCIENCE, "difference": DIFFERENCE}] * 2
    (tmp_path / "atlas.pkl").write_bytes(pickle.dumps(rows))
    assert [(triplet.identifier, triplet.survey_class) for triplet in read(tmp_path)] == [
        ("0", "burn"),
        ("1", "burn"),
    ]


def write_folders(path, formats, gz, candidates):
    for survey_class, identifier in candidates:
        folder = path / survey_class
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{identifier}_sci.fits.gz").write_bytes(gz(formats.fits(SCIENCE)))
        (folder / f"{identifier}_diff.fits").write_bytes(formats.fits(DIFFERENCE))


def test_class_folders_are_read_in_order(tmp_path, formats, gz):
    write_folders(tmp_path / "set", formats, gz, [("streak", "x_9"), ("burn", "x_10"), ("burn", "x_2")])
    (tmp_path / "README.txt").touch()
    triplets = read(tmp_path)
    assert [triplet.identifier for triplet in triplets] == ["x_2", "x_10", "x_9"]
    assert_triplet(triplets[2], "streak", "x_9")


def test_header_without_simple_is_read(tmp_path, formats, gz):
    write_folders(tmp_path, formats, gz, [("cr", "a")])
    path = tmp_path / "cr" / "a_diff.fits"
    content = path.read_bytes()
    path.write_bytes(content[80:2880] + b" " * 80 + content[2880:])
    assert_triplet(read(tmp_path)[0], "cr", "a")


def test_units_are_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(atlas, "UNIT_CANDIDATES", 2)
    (tmp_path / "atlas.pkl").write_bytes(pickle.dumps(records() * 2 + records()[:1]))
    assert [len(unit) for unit in atlas.units([tmp_path])] == [2, 2, 1]


def test_masked_science_is_masked_in_the_template_and_nan_stays(tmp_path):
    science, difference = SCIENCE.copy(), DIFFERENCE.copy()
    science[0, 0], difference[1, 1] = -31415, np.nan
    row = {"label": "cr", "science": science, "difference": difference}
    (tmp_path / "atlas.pkl").write_bytes(pickle.dumps([row]))
    template = read(tmp_path)[0].images[0]
    np.testing.assert_array_equal(template, [[np.nan, np.nan], [323, np.nan]])


def test_images_of_two_sizes_are_left_to_the_filter(tmp_path):
    row = {"label": "cr", "science": SCIENCE, "difference": DIFFERENCE[:1]}
    (tmp_path / "atlas.pkl").write_bytes(pickle.dumps([row]))
    assert [image.shape for image in read(tmp_path)[0].images] == [(2, 2), (2, 2), (1, 2)]


def test_marks_are_those_of_the_config(tmp_path):
    write(tmp_path, records())
    template = read(tmp_path, InvalidPixels())[0].images[0]
    np.testing.assert_array_equal(template, SCIENCE - DIFFERENCE, strict=True)


@pytest.mark.parametrize(
    ("name", "reason"), [("science", "image"), ("difference", "image"), ("label", "label")]
)
def test_record_without_a_channel_or_label_is_unusable(tmp_path, name, reason):
    write(tmp_path, [records()[0], {key: value for key, value in records()[1].items() if key != name}])
    first, second = read(tmp_path)
    assert_triplet(first, "kast", "a1")
    assert (second.reason, second.identifier) == (f"missing {reason}", "a2")
    assert f"candidate a2: expected science, difference and label, found no {name} among" in second.detail


def test_half_a_candidate_of_a_folder_is_unusable(tmp_path, formats, gz):
    write_folders(tmp_path, formats, gz, [("kast", "a"), ("kast", "b")])
    (tmp_path / "kast" / "a_sci.fits.gz").unlink()
    half, whole = read(tmp_path)
    assert half.detail.endswith("candidate a: expected a_sci.fits and a_diff.fits, found a_diff.fits alone.")
    assert_triplet(whole, "kast", "b")


@pytest.mark.parametrize("content", [[], 3, {"a": 1}, [1, 2]])
def test_pickle_of_other_content_is_refused(tmp_path, content):
    (tmp_path / "atlas.pkl").write_bytes(pickle.dumps(content))
    with pytest.raises(ArchiveError, match="expected a list, dictionary or frame of records") as caught:
        read(tmp_path)
    assert_conversion_works(str(caught.value), tmp_path / "converted")


def assert_conversion_works(message, folder):
    """The three lines of the message convert what astropy wrote, and the table's reader reads that."""
    lines = [line for line in message.splitlines() if line.startswith("    ")]
    assert len(lines) == 3
    folder.mkdir()
    with contextlib.chdir(folder):
        Path("archive.pkl").write_bytes(
            pickle.dumps({"images": [(SCIENCE, DIFFERENCE)] * 2, "labels": ["kast", "cr"]})
        )
        exec("\n".join(map(str.strip, lines)), {"np": np, "pickle": pickle, "Path": Path})
    options = yaml.safe_load(" ".join(message.partition("`table: ")[2].partition("`")[0].split()))
    reader = READERS["table"](options, MARKS)
    first, second = [triplet for unit in reader.units([folder]) for triplet in reader.decode(unit)]
    assert (first.survey_class, second.survey_class) == ("kast", "cr")
    np.testing.assert_array_equal(np.stack(first.images), np.stack([TEMPLATE, SCIENCE, DIFFERENCE]))
    assert "<class>/<id>_science.fits and <class>/<id>_difference.fits, for `reader: folder`" in message


def test_a_refused_pickle_shows_the_conversion_too(tmp_path):
    (tmp_path / "atlas.pkl").write_bytes(b"cposix\nsystem\n(S'true'\ntR.")
    with pytest.raises(ArchiveError, match=r"found posix\.system in it") as caught:
        read(tmp_path)
    assert_conversion_works(str(caught.value), tmp_path / "converted")


def test_columns_of_unequal_length_are_refused(tmp_path):
    (tmp_path / "atlas.pkl").write_bytes(pickle.dumps(columns() | {"label": ["kast"]}))
    with pytest.raises(ArchiveError, match=r"expected columns of one length, found .*'label': 1"):
        read(tmp_path)


def test_corrupt_image_is_unusable_and_named(tmp_path):
    write(tmp_path, [records()[0] | {"science": b"\x1f\x8b nonsense"}, records()[1]])
    broken, whole = read(tmp_path)
    assert isinstance(broken, Unusable)
    assert "atlas.pkl, candidate a1, science: expected a complete FITS image" in broken.detail
    assert_triplet(whole, "scar", "a2")


def test_missing_or_doubled_archive_says_what_to_put_where(tmp_path):
    message = (
        r"expected one pickle \(\*\.pkl\) or folders <class>/ .*, found 0 pickles and 0 FITS files\. Put"
    )
    with pytest.raises(ArchiveError, match=message):
        read(tmp_path)
    for name in ("a.pkl", "b.pkl"):
        (tmp_path / name).write_bytes(pickle.dumps(records()))
    with pytest.raises(ArchiveError, match="found 2 pickles and 0 FITS files"):
        read(tmp_path)


# ---- images and labels together, as HDUs of astropy ------------------------------------------------------


def opened(image, kind=fits.PrimaryHDU):
    """HDUs of a file in memory, of which nobody asked for the pixels."""
    stream = io.BytesIO()
    first = [] if kind is fits.PrimaryHDU else [fits.PrimaryHDU()]
    fits.HDUList([*first, kind(image)]).writeto(stream)
    return fits.open(io.BytesIO(stream.getvalue()))


def pair(names=("", "")):
    """Science and difference in one file."""
    images = zip((SCIENCE, DIFFERENCE), names, strict=True)
    return fits.HDUList([fits.PrimaryHDU(), *(fits.ImageHDU(image, name=name) for image, name in images)])


IMAGES = {
    "HDUs": lambda: (fits.PrimaryHDU(SCIENCE), fits.ImageHDU(DIFFERENCE)),
    "HDUs not asked for": lambda: [opened(SCIENCE)[0], opened(DIFFERENCE)[0]],
    "compressed HDUs": lambda: [opened(SCIENCE, fits.CompImageHDU)[1], fits.CompImageHDU(DIFFERENCE)],
    "files": lambda: [opened(SCIENCE), opened(DIFFERENCE, fits.ImageHDU)],
    "one file": pair,
    "one file by names": lambda: fits.HDUList([(whole := pair(("SCI", "DIFF")))[0], whole[2], whole[1]]),
    "a cube": lambda: fits.PrimaryHDU(np.stack([SCIENCE, DIFFERENCE])),
    "with headers": lambda: (
        (fits.PrimaryHDU(SCIENCE), fits.Header({"A": 1})), (DIFFERENCE, fits.Header({"B": 2}))
    ),
    "by name": lambda: {"sci": fits.PrimaryHDU(SCIENCE), "diff": (DIFFERENCE, fits.Header({"B": 2}))},
    "arrays": lambda: (SCIENCE, DIFFERENCE),
}  # fmt: skip


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("form", ["columns", "list of columns", "records"])
@pytest.mark.parametrize("kind", IMAGES)
def test_images_and_labels_are_read_in_every_form(tmp_path, kind, form, protocol):
    images, labels = [IMAGES[kind]() for _ in range(3)], ["Kast", 4, "asteroid"]
    write(
        tmp_path,
        {
            "columns": {"images": images, "labels": labels, "features": [0, 0]},
            "list of columns": [
                {"images": images[:2], "labels": labels[:2]}, {"images": images[2:], "labels": labels[2:]}
            ],
            "records": [{"image": each, "label": label} for each, label in zip(images, labels, strict=True)],
        }[form],
        protocol,
    )  # fmt: skip
    triplets = read(tmp_path)
    for triplet, name, identifier in zip(triplets, ("Kast", "4", "asteroid"), "012", strict=True):
        assert_triplet(triplet, name, identifier)


@pytest.mark.parametrize("axis", [0, -1])
def test_two_planes_of_an_array_are_science_and_difference(tmp_path, ramp, axis):
    science, difference = ramp(5), ramp(5, start=100)
    write(tmp_path, {"images": np.stack([np.stack([science, difference], axis)] * 3), "labels": [0, 1, 4]})
    for triplet in read(tmp_path):
        np.testing.assert_array_equal(np.stack(triplet.images[1:]), np.stack([science, difference]))


def test_science_and_difference_may_be_hdus_in_columns_of_their_own(tmp_path):
    science, difference = [opened(SCIENCE)[0]] * 2, np.stack([DIFFERENCE] * 2)
    write(tmp_path, {"images": {"science": science, "difference": difference}, "labels": np.array([1, 0])})
    for triplet, name, identifier in zip(read(tmp_path), "10", "01", strict=True):
        assert_triplet(triplet, name, identifier)


@pytest.mark.parametrize(
    "content",
    [
        {"images": 3, "labels": ["cr"]},
        {"images": np.zeros(()), "labels": ["cr", "cr"]},
        {"images": [1, None], "labels": [[1], {}]},
        {"images": [pair(), "x"], "labels": np.eye(2)},
        [{"science": 3, "difference": {}, "label": object}],
        {"images": [fits.Header({"A": 1}), ()], "labels": ["cr", "cr"], "ids": [[1, 2], np.zeros(3)]},
    ],
)
def test_whatever_is_in_a_pickle_there_is_a_sentence(tmp_path, content):
    write(tmp_path, content)
    try:
        found = read(tmp_path)
    except ArchiveError:
        return
    assert all(isinstance(each, Unusable) and each.detail for each in found)


def test_names_of_classes_come_before_their_numbers(tmp_path):
    write(tmp_path, {"images": [pair()], "labels": [4], "labels_str": ["kast"], "ids": ["a1"]})
    assert_triplet(read(tmp_path)[0], "kast", "a1")


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (lambda: (SCIENCE, DIFFERENCE, SCIENCE), "found three images without names"),
        (lambda: [fits.PrimaryHDU(SCIENCE)], r"expected 2 images \(science, difference\), found 1"),
        (lambda: fits.HDUList([fits.PrimaryHDU()]), "found 0"),
    ],
)
def test_images_of_which_nobody_knows_what_they_are_make_a_candidate_unusable(tmp_path, images, message):
    write(tmp_path, {"images": [images(), pair()], "labels": ["cr", "cr"]})
    unusable, whole = read(tmp_path)
    assert re.search(message, unusable.detail)
    assert_triplet(whole, "cr", "1")


def test_hdus_without_their_pixels_are_named(tmp_path):
    hdu = fits.PrimaryHDU(SCIENCE)
    del hdu.__dict__["data"]
    write(tmp_path, {"images": [(hdu, fits.PrimaryHDU(DIFFERENCE))], "labels": ["cr"]})
    (unusable,) = read(tmp_path)
    assert "candidate 0: expected the pixels of an astropy HDU, found an HDU that was pickled without" in (
        unusable.detail
    )


def test_columns_of_images_and_labels_of_unequal_length_are_refused(tmp_path):
    write(tmp_path, {"images": [pair()] * 3, "labels": ["cr"] * 2})
    with pytest.raises(ArchiveError, match=r"expected columns of one length, found .*'labels': 2"):
        read(tmp_path)
