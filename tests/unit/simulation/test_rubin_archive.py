import csv
import io

import fastavro
import numpy as np
import pandas as pd
from astropy.io import fits

from stampshift.simulation import simulate_survey

CUTOUTS = ("cutoutTemplate", "cutoutScience", "cutoutDifference")


def packets(folder):
    found = []
    for path in sorted(folder.glob("alerts-*.avro")):
        with path.open("rb") as stream:
            found += list(fastavro.reader(stream))
    return found


def pixels(content):
    with fits.open(io.BytesIO(content)) as hdus:
        assert hdus[0].header["BUNIT"] == "nJy"
        return hdus[0].data


def labels(folder):
    with (folder / "labels.csv").open() as stream:
        return {int(row["id"]): row["label"] for row in csv.DictReader(stream)}


def test_every_packet_has_three_even_cutouts_and_a_label(simulated):
    folder = simulated("Rubin", 30)
    written = packets(folder)
    assert len(written) == 30
    for packet in written:
        assert [pixels(packet[name]).shape for name in CUTOUTS] == [(30, 30)] * 3
        assert packet["diaSource"]["diaSourceId"] == packet["diaSourceId"]
        assert packet["diaSource"]["reliability"] is None
    assert [packet["diaSourceId"] for packet in written] == list(labels(folder))
    assert sorted(labels(folder).values()) == ["bogus"] * 15 + ["real"] * 15


def test_identifiers_do_not_say_the_label(simulated):
    folder = simulated("Rubin", 30)
    known = labels(folder)
    numbers = {"real": [], "bogus": []}
    for packet in packets(folder):
        numbers[known[packet["diaSourceId"]]].append(packet["diaSource"]["diaObjectId"])
    assert len(set(numbers["real"]) & set(numbers["bogus"])) == 0
    assert min(numbers["bogus"]) < max(numbers["real"]) and min(numbers["real"]) < max(numbers["bogus"])


def test_a_negative_detection_is_dark_at_its_centre(simulated):
    folder = simulated("Rubin", 30)
    bright = [packet for packet in packets(folder) if packet["diaSource"]["snr"] > 15]
    known = labels(folder)
    signs = []
    for packet in bright:
        if known[packet["diaSourceId"]] == "real":
            centre = float(np.sum(pixels(packet["cutoutDifference"])[12:19, 12:19]))
            signs.append((packet["diaSource"]["isNegative"], centre < 0))
    assert signs and all(said == seen for said, seen in signs)


def test_the_sync_marker_is_the_same_in_every_archive(simulated):
    content = (simulated("Rubin", 30) / "alerts-000.avro").read_bytes()
    assert content.startswith(b"Obj\x01") and content.endswith(b"stampshift-rubin")


def test_any_survey_is_simulated_as_packets_without_labels(tmp_path, survey_constants):
    """The same detections as in the survey's own format, and the true classes beside the packets."""
    folder = tmp_path / "DECAT"
    constants = survey_constants("DECAT")
    given = {"stamps": 30, "seed": 7, "constants": constants, "processes": 1}
    simulate_survey("DECAT", **given, folder=folder, packets=True)
    written = packets(folder)
    assert [pixels(packet[name]).shape for packet in written for name in CUTOUTS] == [(51, 51)] * 90
    assert [packet["diaSourceId"] for packet in written] == list(labels(folder))
    classes = list(labels(folder).values())
    assert sorted(classes) == ["artifact"] * 18 + ["real"] * 12
    simulate_survey("DECAT", **given, folder=tmp_path / "native")
    table = pd.read_csv(tmp_path / "native" / "autoscan_features.3.csv", comment="#")
    assert [name == "artifact" for name in classes] == table["OBJECT_TYPE"].tolist()
    content = b"".join(path.read_bytes() for path in folder.glob("*.avro"))
    assert b"artifact" not in content
