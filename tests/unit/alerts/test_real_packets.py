"""Every real packet of the samples is read; needs their folder in STAMPSHIFT_REAL_DATA."""

from collections import Counter
from pathlib import Path

import fastavro
import numpy as np
import pandas as pd
import pytest

from stampshift import alerts
from stampshift.alerts.dialects import DIALECTS


def read(*paths, schemas=None):
    return [alert for unit in alerts.units(paths, schemas=schemas) for alert in alerts.decode(unit)]


def by_record(found, folder):
    """Alerts by file relative to the folder, and record number."""
    places = [alert.place.removeprefix(f"{folder}/").split(", record ") for alert in found]
    return {(name, int(record)): alert for (name, record), alert in zip(places, found, strict=True)}


@pytest.fixture(scope="module")
def ztf(real_data):
    folder = real_data / "ztf_alerts"
    return pd.read_csv(folder / "index.csv"), by_record(read(folder), folder)


def test_all_ztf_alerts_are_read_as_the_index_says(ztf):
    index, found = ztf
    assert len(found) == len(index) == 554
    assert len({alert.identifier for alert in found.values()}) == 501
    for row in index.itertuples():
        alert = found[row.file, row.record]
        assert (alert.survey, alert.problem) == ("ZTF", "")
        assert (alert.identifier, alert.group) == (str(row.candid), row.objectId)
        assert [image.shape for image in alert.images] == [(63, 63)] * 3
        padded = 63 * 63 - row.rows * row.cols  # an edge of the detector has cut it
        counted = ((row.nan_tmpl, row.fill_tmpl), (row.nan_sci, row.fill_sci), (row.nan_diff, row.fill_diff))
        for image, (empty, fill) in zip(alert.images, counted, strict=True):
            nan = empty + padded
            assert (int(np.isnan(image).sum()), int((image < -1e30).sum())) == (nan, fill)
            assert int(DIALECTS["ZTF"].invalid.mask(image).sum()) == nan + fill
        expected = row.rb if np.isnan(row.drb) else row.drb
        np.testing.assert_allclose(alert.survey_score, expected, rtol=1e-6)


def test_quirks_of_ztf_are_those_that_are_known(ztf):
    index, found = ztf
    unique = {alert.identifier: alert.images for alert in found.values()}.values()
    cut = index[(index["rows"] != 63) | (index["cols"] != 63)]
    assert cut["candid"].nunique() == 10
    gaps = index[["nan_tmpl", "nan_sci", "nan_diff"]].any(axis=1)
    assert index[gaps]["candid"].nunique() == 75
    assert sum(bool((images[0] < -1e30).any()) for images in unique) == 6
    assert not any((image < -1e30).any() for images in unique for image in images[1:])


def test_all_rubin_alerts_are_read_as_the_index_says(real_data):
    folder = real_data / "rubin_alerts"
    index = pd.read_csv(folder / "index.csv", dtype={"diaSourceId": str})
    found = by_record(read(folder / "fink"), folder / "fink")
    assert len(found) == len(index) == 109
    for row in index.itertuples():
        alert = found[row.file, row.record]
        assert (alert.survey, alert.problem, alert.identifier) == ("Rubin", "", row.diaSourceId)
        # the image is HDU 0, not its uncertainty or the PSF
        assert [image.shape for image in alert.images] == [(row.rows, row.cols)] * 3
        np.testing.assert_allclose(alert.survey_score, row.reliability, rtol=1e-6)
        assert sum(int(np.isnan(image).sum()) for image in alert.images) == row.nan
    simulated = index["file"].str.contains("or4")
    assert simulated.sum() == 50
    assert index[~simulated]["diaSourceId"].nunique() == 54


def test_rubins_wire_packet_needs_its_schema(real_data, tmp_path):
    folder = real_data / "rubin_alerts"
    packet = folder / "boom_wire_format" / "7912941781254298.avro"
    (without,) = read(packet)
    assert without.problem == "unknown schema"
    assert "schema 900" in without.detail and "lsst-alert-packet" in without.detail
    # the same version's fake alert carries it
    with (folder / "fake_alerts" / "fakeAlert_v9_0.avro").open("rb") as file:
        (tmp_path / "900.avsc").write_text(fastavro.reader(file).metadata["avro.schema"])
    (alert,) = read(packet, schemas=tmp_path)
    assert (alert.survey, alert.problem, alert.identifier) == ("Rubin", "", packet.stem)
    assert alert.survey_score == pytest.approx(0.11247663)
    assert len({image.shape for image in alert.images}) == 1
    # it is another version's that fails
    with (folder / "fake_alerts" / "fakeAlert_v7_4.avro").open("rb") as file:
        (tmp_path / "900.avsc").write_text(fastavro.reader(file).metadata["avro.schema"])
    (wrong,) = read(packet, schemas=tmp_path / ".." / tmp_path.name)
    assert wrong.problem == "unreadable packet"


def test_rubins_fake_alerts_have_no_cutouts(real_data):
    found = read(real_data / "rubin_alerts" / "fake_alerts")
    assert [alert.problem for alert in found] == ["missing cutout"] * 4
    # the outer identifiers, of which each version has others, are made up
    assert {alert.identifier for alert in found} == {"281323062375219200"}


def test_all_atlas_alerts_are_read_as_the_index_says(real_data):
    folder = real_data / "atlas_alerts"
    index = pd.read_csv(folder / "index.csv").set_index("candid")
    found = read(folder / "avro")
    assert sorted(alert.identifier for alert in found) == sorted(index.index)
    assert len(found) == 12
    for alert in found:
        row = index.loc[alert.identifier]
        template, science, difference = alert.images
        assert science.shape == (row["rows"], row["cols"])
        assert (science.min(), science.max()) == (row["min_sci"], row["max_sci"])
        assert (difference.min(), difference.max()) == (row["min_diff"], row["max_diff"])
        masked = DIALECTS["ATLAS"].invalid.mask(difference)
        assert masked.sum() == row["n_fill_m31415_diff"]
        np.testing.assert_array_equal(np.isnan(template), masked)
        np.testing.assert_array_equal(template[~masked], (science - difference)[~masked])
        assert np.isnan(alert.survey_score)


def test_all_pgir_alerts_are_read(real_data):
    found = read(real_data / "other_survey_alerts" / "pgir")
    assert Counter((alert.survey, alert.problem) for alert in found) == {("PGIR", ""): 17}
    assert {image.shape for alert in found for image in alert.images} == {(61, 61)}
    scores = [alert.survey_score for alert in found]
    assert (round(min(scores), 4), max(scores)) == (0.0003, 1.0)
    assert [Path(alert.place.split(",")[0]).stem for alert in found] == [alert.identifier for alert in found]


def test_candidates_at_the_edge_of_real_detectors_come_to_the_centre(ztf):
    """Ten alerts of ZTF that an edge cuts: eight are the brightest thing of their difference."""
    index, found = ztf
    cut = index[(index["rows"] != 63) | (index["cols"] != 63)].drop_duplicates("candid")
    alerts_cut = [found[row.file, row.record] for row in cut.itertuples()]
    brightest = [np.unravel_index(np.nanargmax(np.abs(each.images[2])), (63, 63)) for each in alerts_cut]
    assert len(brightest) == 10
    assert sum(max(abs(row - 31), abs(column - 31)) <= 1 for row, column in brightest) == 8
