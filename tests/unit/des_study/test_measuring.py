from pathlib import Path

import numpy as np
import pytest
import yaml

from stampshift.core.errors import ArchiveError
from stampshift.des_study.measuring import measure, measure_archive
from stampshift.stamps.autoscan import STAMP_FEATURES
from stampshift.stamps.raw_triplets import InvalidPixels, RawTriplet
from stampshift.surveys import READERS, Reader
from stampshift.surveys.catalogue import FEATURES

SURVEYS = yaml.safe_load((Path(__file__).parents[3] / "config.yaml").read_text())["surveys"]


def measured(folder, survey, processes=1):
    return measure_archive(
        [folder],
        survey=survey,
        reader=SURVEYS[survey]["reader"],
        options={},
        invalid=InvalidPixels(**SURVEYS[survey]["invalid"]),
        processes=processes,
    )


def triplet(side, identifier="1", shape=None, **pixels):
    template, science, difference = np.random.default_rng(side).normal(size=(3, *(shape or (side, side))))
    for place, value in pixels.get("difference", {}).items():
        difference[place] = value
    for place, value in pixels.get("template", {}).items():
        template[place] = value
    images = tuple(image.astype("f4") for image in (template, science, difference))
    return RawTriplet(images, "real", identifier, "")


@pytest.mark.parametrize("survey", list(SURVEYS))
def test_every_archive_can_be_measured(survey, simulated):
    table = measured(simulated(survey, 60), survey)
    assert list(table) == ["id", *STAMP_FEATURES]
    assert np.isfinite(table[list(STAMP_FEATURES)].to_numpy()).all()
    reader = READERS[SURVEYS[survey]["reader"]]({}, InvalidPixels())
    triplets = [item for unit in reader.units([simulated(survey, 60)]) for item in reader.decode(unit)]
    square = [item.identifier for item in triplets if len({image.shape for image in item.images}) == 1]
    assert table["id"].tolist() == [name for name in square if name in set(table["id"])]
    assert len(table) >= 55


def test_what_is_measured_on_the_stamps_is_what_the_archives_table_says(simulated):
    """The table was written from the same pixels before they became 32-bit numbers."""
    folder = simulated("DES", 60)
    table = measured(folder, "DES").set_index("id")
    written = FEATURES["des"]([folder]).set_index("id").loc[table.index, list(STAMP_FEATURES)]
    # six digits are written; sums near zero have few of them, and are divided by
    np.testing.assert_allclose(table.drop(columns="L1"), written.drop(columns="L1"), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(table["L1"], written["L1"], rtol=1e-2)


def test_the_number_of_processes_changes_nothing(simulated, monkeypatch):
    monkeypatch.setattr("stampshift.surveys.des.UNIT_TRIPLETS", 20)
    folder = simulated("DES", 60)
    assert measured(folder, "DES", processes=1).equals(measured(folder, "DES", processes=2))


def test_marks_in_template_and_difference_count_as_masked():
    marked = triplet(
        21, difference={(0, 0): np.nan, (0, 1): -31415.0}, template={(0, 1): 9.0, (0, 2): -31415.0}
    )
    clean = triplet(21)
    table = measure([marked, clean], invalid=InvalidPixels(equals=-31415.0))
    assert table["MASKFRAC"].tolist() == [3 / 441, 0]
    assert np.isfinite(table[list(STAMP_FEATURES)].to_numpy()).all()


def test_sizes_may_differ_and_what_cannot_be_measured_is_left_out(monkeypatch, tmp_path):
    unit = [
        triplet(31, "a"),
        triplet(14, "b"),
        triplet(21, "c"),
        triplet(0, "d", shape=(21, 20)),
        triplet(31, "e"),
    ]
    reader = Reader(lambda paths: paths, lambda paths: iter([unit]), iter)
    monkeypatch.setitem(READERS, "hits", lambda options, invalid: reader)
    table = measured(tmp_path, "HiTS")
    assert table["id"].tolist() == ["a", "c", "e"]
    alone = measure([unit[2]], invalid=InvalidPixels())
    assert table.iloc[[1]].reset_index(drop=True).equals(alone)


def test_an_archive_without_any_measurable_stamp_is_refused(monkeypatch, tmp_path):
    reader = Reader(lambda paths: paths, lambda paths: iter([[triplet(14)]]), iter)
    monkeypatch.setitem(READERS, "hits", lambda options, invalid: reader)
    with pytest.raises(ArchiveError, match=r"HiTS: no candidate has three square images of one size, 15 pix"):
        measured(tmp_path, "HiTS")
