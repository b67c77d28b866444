import pickle

import numpy as np
import pandas as pd
import pytest

from stampshift.core.errors import ArchiveError
from stampshift.surveys import atlas

SCIENCE = np.array([[300.0, 310.0], [320.0, 330.0]], "f4")
DIFFERENCE = np.array([[1.0, -31415.0], [-3.0, 4.0]], "f4")
TEMPLATE = np.array([[299.0, np.nan], [323.0, 326.0]], "f4")


def read(path):
    return [triplet for unit in atlas.units([path]) for triplet in atlas.decode(unit)]


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


def test_unknown_class_is_refused_in_pickles_and_folders(tmp_path, formats, gz):
    path = tmp_path / "atlas.pkl"
    path.write_bytes(pickle.dumps([records()[0] | {"label": "ghost"}]))
    with pytest.raises(ArchiveError) as caught:
        read(path)
    assert str(caught.value) == (
        f"ATLAS archive {path}, candidate a1: expected one of the classes burn, cr, kast, noise, scar, "
        "spike, streak, found 'ghost'. Rename or remove it."
    )
    write_folders(tmp_path / "set", formats, gz, [("ghost", "b")])
    with pytest.raises(ArchiveError, match="ghost, candidate b: expected one of the classes"):
        read(tmp_path / "set")


@pytest.mark.parametrize("name", ["science", "difference", "label"])
def test_record_without_a_channel_or_label_is_refused(tmp_path, name):
    broken = [records()[0], {key: value for key, value in records()[1].items() if key != name}]
    (tmp_path / "atlas.pkl").write_bytes(pickle.dumps(broken))
    with pytest.raises(
        ArchiveError, match=rf"candidate a2: expected science, difference and label, found no {name}"
    ):
        read(tmp_path)


def test_folder_with_half_a_candidate_is_refused(tmp_path, formats, gz):
    write_folders(tmp_path, formats, gz, [("kast", "a")])
    (tmp_path / "kast" / "a_sci.fits.gz").unlink()
    with pytest.raises(
        ArchiveError, match=r"candidate a: expected a_sci\.fits and a_diff\.fits, found a_diff\.fits alone"
    ):
        read(tmp_path)


@pytest.mark.parametrize("content", [[], 3, {"a": 1}, [1, 2]])
def test_pickle_of_other_content_is_refused(tmp_path, content):
    (tmp_path / "atlas.pkl").write_bytes(pickle.dumps(content))
    with pytest.raises(ArchiveError, match="expected a list, dictionary or frame of records"):
        read(tmp_path)


def test_columns_of_unequal_length_are_refused(tmp_path):
    (tmp_path / "atlas.pkl").write_bytes(pickle.dumps(columns() | {"label": ["kast"]}))
    with pytest.raises(ArchiveError, match=r"expected columns of one length, found .*'label': 1"):
        read(tmp_path)


def test_corrupt_image_is_named(tmp_path):
    (tmp_path / "atlas.pkl").write_bytes(pickle.dumps([records()[0] | {"science": b"\x1f\x8b nonsense"}]))
    with pytest.raises(
        ArchiveError, match=r"atlas\.pkl, candidate a1, science: expected a complete FITS image"
    ):
        read(tmp_path)


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
