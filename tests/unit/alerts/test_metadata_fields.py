"""Where, how bright and by which detector: what real packets say, and packets that say it oddly."""

import math

import fastavro
import pytest

from stampshift import alerts
from stampshift.alerts.dialects import DIALECTS
from stampshift.alerts.metadata_fields import FIELDS, metadata_of_packet
from stampshift.stamps.metadata import NO_METADATA, Metadata


def first_packet(*paths, schemas=None):
    alert = next(alert for unit in alerts.units(paths, schemas=schemas) for alert in alerts.decode(unit))
    with paths[0].open("rb") as stream:
        return alert, next(iter(fastavro.reader(stream)))


def test_a_packet_of_ztf(real_data):
    path = next((real_data / "ztf_alerts").rglob("2019_01_10_739260766315010006.avro"))
    alert, _ = first_packet(path)
    assert alert.metadata == Metadata(
        75.2007803, 35.3613954, pytest.approx(15.3711, abs=1e-4), pytest.approx(29.0942, abs=1e-4), "r", "16"
    )


def test_a_packet_of_rubin(real_data):
    """It has no cutouts, and so no triplet."""
    _, packet = first_packet(next((real_data / "rubin_alerts").rglob("fakeAlert_v10_0.avro")))
    found = metadata_of_packet(FIELDS["Rubin"], lambda path: packet["diaSource"][path.partition(".")[2]])
    magnitude = 31.4 - 2.5 * math.log10(1241)  # of 1241 nJy
    assert found[:4] == pytest.approx((351.570546978, 0.126243049656, magnitude, 41.1), rel=1e-6)
    assert found[4:] == ("r", "42")


def test_a_packet_of_atlas_below_its_template(real_data):
    alert, packet = first_packet(next((real_data / "atlas_alerts").rglob("02a59543o0072o_000833.avro")))
    assert packet["candidate"]["Mag"] < 0
    assert alert.metadata[:4] == pytest.approx((322.17995, 20.59392, 17.429, 1.0857 / 0.031), rel=1e-3)
    assert alert.metadata[4:] == ("o", "")


def test_every_dialect_says_where_its_candidates_are():
    for dialect in DIALECTS.values():
        assert {"ra", "dec"} <= set(dialect.metadata) <= set(Metadata._fields)
        assert {field.path for field in dialect.metadata.values()} <= set(dialect.paths)


@pytest.mark.parametrize("value", [None, "high", {}, [], math.nan, math.inf, 0])
def test_odd_values_are_left_out_and_lose_no_packet(value):
    fields = {name: field for name, field in FIELDS["Rubin"].items() if name in ("magnitude", "snr")}
    found = metadata_of_packet(fields, lambda path: value if path == "diaSource.psfFlux" else None)
    assert str(found) == str(NO_METADATA)
