"""Brokers' modules on real packets: the scores are those of `stampshift score`. The brokers are stand-ins."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from stampshift import read_alerts, score_alerts
from stampshift.brokers import alerce, antares, fink, lasair
from stampshift.brokers.packets import alerts_of_packets


@pytest.mark.parametrize("survey", ["ztf", "rubin"])
def test_decoded_packets_are_the_alerts_of_their_files(released, request, survey):
    paths, packets = request.getfixturevalue(survey)
    there, here = (
        score_alerts(released, read_alerts(*paths)),
        score_alerts(released, alerts_of_packets(packets)),
    )
    assert there["score"].notna().any()
    pd.testing.assert_frame_equal(
        there.drop(columns=["place", "reason"]), here.drop(columns=["place", "reason"])
    )


def test_a_packet_that_is_none_keeps_its_place(released, ztf):
    scores = score_alerts(released, alerts_of_packets([{"a": 1}, ztf[1][0]]))
    assert scores["score"].notna().tolist() == [False, True]
    assert "found a" in scores["reason"][0]


def test_fink_scores_columns_of_cutouts(released, ztf, rubin):
    expected = score_alerts(released, read_alerts(*ztf[0]))["score"]
    names = ("cutoutTemplate", "cutoutScience", "cutoutDifference")
    columns = [pd.Series([packet[name]["stampData"] for packet in ztf[1]]) for name in names]
    scores = fink.science_module(released.folder, survey="ZTF")(*columns)
    np.testing.assert_allclose(scores, expected, atol=1e-6)
    columns = [pd.Series([packet[name] for packet in rubin[1]]) for name in names]
    scores = fink.science_module(released.folder, survey="Rubin")(*columns)
    np.testing.assert_allclose(scores, score_alerts(released, read_alerts(*rubin[0]))["score"], atol=1e-6)


def test_fink_gives_no_score_to_what_is_no_image(released, ztf):
    cells = [ztf[1][0][name]["stampData"] for name in ("cutoutTemplate", "cutoutScience", "cutoutDifference")]
    score = fink.science_module(str(released.folder), survey="ZTF")
    columns = [pd.Series([cell, bad]) for cell, bad in zip(cells, (None, b"no image", cells[2]), strict=True)]
    assert score(*columns).notna().tolist() == [True, False]


class BaseFilter:
    """What `antares_devkit.models.BaseFilter` is to a filter."""

    def run(self, locus):
        self._run(locus)


def locus(alert_id):
    tags = []
    return SimpleNamespace(
        alerts=[SimpleNamespace(alert_id=alert_id)], properties={}, tags=tags, tag=tags.append
    )


@pytest.mark.parametrize(("threshold", "tags"), [(0.0, [antares.TAG]), (1.1, [])])
def test_antares_tags_a_locus_whose_newest_alert_is_real(released, ztf, threshold, tags):
    packets = {f"ztf_candidate:{packet['candid']}": packet for packet in ztf[1]}
    chosen = antares.filter_class(BaseFilter, released.folder, threshold=threshold, packet_of=packets.get)()
    chosen.setup()
    name, packet = next(iter(packets.items()))
    known, unknown = locus(name), locus("ztf_candidate:0")
    chosen.run(known)
    chosen.run(unknown)
    expected = score_alerts(released, alerts_of_packets([packet]))["score"][0]
    assert (known.tags, known.properties) == (tags, {antares.SCORE: pytest.approx(expected)})
    assert (unknown.tags, unknown.properties) == ([], {})
    assert {each["name"] for each in chosen.OUTPUT_LOCUS_TAGS} == {antares.TAG}


class GenericStep:
    """What `apf.core.step.GenericStep` is to a step."""

    def __init__(self, config, level=None):
        self.config = config


def test_alerce_gets_a_message_with_probabilities_for_each_packet(released, ztf):
    config = {"MODEL_CONFIG": {"PARAMS": {"model": str(released.folder)}}}
    messages = alerce.step_class(GenericStep)(config, level=10).execute([*ztf[1], {"a": 1}])
    expected = score_alerts(released, read_alerts(*ztf[0]))
    assert [message["id"] for message in messages[:-1]] == expected["id"].tolist()
    for message, score in zip(messages, expected["score"], strict=False):
        assert message["probabilities"]["real"] == pytest.approx(score)
        assert sum(message["probabilities"].values()) == pytest.approx(1)
    assert messages[-1]["probabilities"] is None and messages[-1]["ra"] is None


def test_lasair_gets_an_annotation_of_the_best_alert_of_each_object():
    scores = pd.DataFrame(
        {
            "id": ["1", "2", "3", "4", "5"],
            "object": ["ZTF18a", "ZTF18a", "ZTF18b", "", "ZTF18c"],
            "score": [0.25, 0.75, 0.125, 0.9, np.nan],
            "flag": ["", "out of distribution", "", "", "missing cutout"],
        }
    )
    sent = []
    client = SimpleNamespace(annotate=lambda *given, **options: sent.append((given, options)))
    assert lasair.annotate(client, "real_bogus", scores, threshold=0.5, version="1") == 2
    assert [given for given, _ in sent] == [
        ("real_bogus", "ZTF18a", "real"),
        ("real_bogus", "ZTF18b", "bogus"),
    ]
    assert sent[0][1]["classdict"] == {"real": 0.75, "bogus": 0.25}
    assert sent[0][1]["explanation"] == "P(real) 0.750 of alert 2; out of distribution"
