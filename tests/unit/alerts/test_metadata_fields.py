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
    alert, packet = first_packet(path)
    assert alert.metadata == Metadata(
        *(75.2007803, 35.3613954, pytest.approx(15.3711, abs=1e-4), pytest.approx(29.0942, abs=1e-4)),
        *("r", "16", pytest.approx(packet["candidate"]["jd"] - 2400000.5, abs=1e-9), -1),
    )
    assert packet["candidate"]["isdiffpos"] == "f"


def test_a_packet_of_rubin(real_data):
    """It has no cutouts, and so no triplet."""
    _, packet = first_packet(next((real_data / "rubin_alerts").rglob("fakeAlert_v10_0.avro")))
    found = metadata_of_packet(FIELDS["Rubin"], lambda path: packet["diaSource"][path.partition(".")[2]])
    magnitude = 31.4 - 2.5 * math.log10(1241)  # of 1241 nJy
    assert found[:4] == pytest.approx((351.570546978, 0.126243049656, magnitude, 41.1), rel=1e-6)
    tai = 60902.993305483615  # 37 seconds ahead of UTC
    assert found[4:] == ("r", "42", pytest.approx(tai - 37 / 86400, abs=1e-9), 1)


def test_a_packet_of_atlas_below_its_template(real_data):
    alert, packet = first_packet(next((real_data / "atlas_alerts").rglob("02a59543o0072o_000833.avro")))
    assert packet["candidate"]["Mag"] < 0
    assert alert.metadata[:4] == pytest.approx((322.17995, 20.59392, 17.429, 1.0857 / 0.031), rel=1e-3)
    assert alert.metadata[4:] == ("o", "", pytest.approx(packet["candidate"]["mjd"]), -1)
    assert packet["candidate"]["flux"] < 0 and packet["candidate"]["isdiffpos"] == "t"  # the wrong way round


def test_a_packet_of_pgir_without_a_band(real_data):
    alert, packet = first_packet(next((real_data / "other_survey_alerts" / "pgir").rglob("114297926.avro")))
    assert (alert.metadata.band, alert.metadata.sign) == ("", 1)
    assert alert.metadata.mjd == pytest.approx(packet["candidate"]["jd"] - 2400000.5, abs=1e-9)


@pytest.mark.parametrize(("mark", "sign"), [("t", 1), ("1", 1), (True, 1), ("f", -1), ("0", -1), (0, -1)])
def test_the_sign_of_a_difference_is_that_of_its_mark(mark, sign):
    found = metadata_of_packet(FIELDS["ZTF"], lambda path: mark if path.endswith("isdiffpos") else None)
    assert found.sign == sign


@pytest.mark.parametrize(("flux", "sign"), [(12.5, 1), (-12.5, -1), (math.nan, 0), (None, 0)])
def test_the_sign_of_rubin_is_that_of_its_flux(flux, sign):
    fields = {"sign": FIELDS["Rubin"]["sign"]}
    assert metadata_of_packet(fields, lambda path: flux).sign == sign


def test_what_a_packet_without_cutouts_says_is_kept(real_data):
    """It has no score; where it was on the sky is in the scores file all the same."""
    alert, packet = first_packet(next((real_data / "rubin_alerts").rglob("fakeAlert_v10_0.avro")))
    assert alert.problem == "missing cutout"
    assert alert.metadata.ra == packet["diaSource"]["ra"]


def test_every_dialect_says_where_its_candidates_are():
    for dialect in DIALECTS.values():
        assert {"ra", "dec", "mjd", "magnitude", "sign"} <= set(dialect.metadata) <= set(Metadata._fields)
        assert {field.path for field in dialect.metadata.values()} <= set(dialect.paths)


@pytest.mark.parametrize("value", [None, "high", {}, [], math.nan, math.inf, 0])
def test_odd_values_are_left_out_and_lose_no_packet(value):
    fields = {name: field for name, field in FIELDS["Rubin"].items() if name in ("magnitude", "snr")}
    found = metadata_of_packet(fields, lambda path: value if path == "diaSource.psfFlux" else None)
    assert str(found) == str(NO_METADATA)
