"""The benchmark of agreement with the surveys' own scores: its numbers, and how it reads and joins these."""

import math
import sys

import pandas as pd
import pytest

import agreement
from alert_packets import container, images, packet, write_night


def ztf_packet(path, number, **candidate):
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = packet("ZTF", number, images(number))
    whole["candidate"] |= candidate
    path.write_bytes(container("ZTF", [whole]))


def test_numbers_by_hand():
    own = pd.Series([0.95] * 10 + [0.05] * 10)
    scores = pd.Series([0.6] * 9 + [0.2] + [0.1] * 8 + [0.3, 0.7])
    found = agreement.agreement(scores, own, name="drb")
    # 9 of 10 on either side; interval of Clopper and Pearson
    assert found["`drb` >= 0.5, called real"] == "9 of 10: 0.90 (0.55 to 1.00)"
    assert found["`drb` < 0.5, called bogus"] == "9 of 10: 0.90 (0.55 to 1.00)"
    assert found["same side of 0.5"] == "18 of 20: 0.90 (0.68 to 0.99)"
    assert found["same side, if all were called real"] == "0.50"
    # nine times 0.6 beat all but 0.7, 0.2 beats the eight: (9 * 9 + 8) / 100
    for key in ("AUC, `drb` >= 0.5 against < 0.5", "AUC, `drb` > 0.9 against < 0.1"):
        assert found[key].startswith("0.89 (") and found[key].endswith("), 10 against 10")
    # ranks 15, 9 and 4.5, 10, 20: covariance 390, variances 563 and 500
    assert found["Spearman's rank correlation"].startswith("0.74 (")


def test_a_score_of_one_half_is_real_on_both_sides():
    found = agreement.agreement(pd.Series([0.5, 0.49]), pd.Series([0.5, 0.5]), name="drb")
    assert found["`drb` >= 0.5, called real"].startswith("1 of 2: 0.50 ")
    assert found["`drb` < 0.5, called bogus"] == "0 of 0"


def test_too_few_alerts_have_no_correlation_and_no_auc():
    own = pd.Series([0.95] * 20 + [0.05] * 9)
    found = agreement.agreement(pd.Series([0.6] * 20 + [0.4] * 9), own, name="drb")
    assert found["AUC, `drb` > 0.9 against < 0.1"] == "too few: 20 against 9"
    nine = agreement.agreement(pd.Series([0.6] * 9), pd.Series([0.95] * 9), name="drb")
    assert nine["Spearman's rank correlation"] == "too few: 9"


def test_own_scores_of_packets_are_read_and_each_candid_counts_once(tmp_path, capsys):
    night = tmp_path / "night"
    ztf_packet(night / "1.avro", 1, drb=0.9, rb=0.8, ssdistnr=4.9)
    ztf_packet(night / "1-again.avro", 1, drb=0.9, rb=0.8, ssdistnr=4.9)
    ztf_packet(night / "2.avro", 2, drb=0.0, drbversion="", rb=0.3, ssdistnr=5.1)  # older than braai
    ztf_packet(night / "3.avro", 3, drb=None, drbversion=None, rb=0.7, ssdistnr=None)
    (night / "4-cut.avro").write_bytes((night / "3.avro").read_bytes()[:-200])
    (night / "5-empty.avro").write_bytes(b"")
    for survey in ("Rubin", "ATLAS", "PGIR"):
        write_night(night / survey, survey, 1)
    own = agreement.published([night]).set_index(["survey", "id"]).sort_index()
    assert own.index.tolist() == [("Rubin", "1"), ("ZTF", "1"), ("ZTF", "2"), ("ZTF", "3")]
    assert own.loc["Rubin", "reliability"].tolist() == [0.75]
    assert own.loc["ZTF", "rb"].tolist() == pytest.approx([0.8, 0.3, 0.7])
    assert own.loc["ZTF", "drb"].tolist() == pytest.approx([0.9, math.nan, math.nan], nan_ok=True)
    assert own.loc["ZTF", agreement.OBJECT].tolist() == [True, False, False]
    assert "4-cut.avro: cannot be read completely" in capsys.readouterr().err


def test_scores_are_joined_by_survey_and_candid():
    scores = pd.DataFrame(
        [("ZTF", "7", 0.6), ("ZTF", "7", 0.6), ("Rubin", "7", 0.1), ("", "", None)],
        columns=["survey", "id", "score"],
    )
    own = pd.DataFrame({"survey": ["Rubin", "ZTF"], "id": ["7", "7"], "drb": [None, 0.9]})
    joined = agreement.joined(scores, own)
    assert joined[["survey", "score"]].values.tolist() == [["ZTF", 0.6], ["Rubin", 0.1]]
    assert joined["drb"].tolist() == pytest.approx([0.9, math.nan], nan_ok=True)


def test_real_alerts_of_ztf_are_scored_and_compared(released, real_data, monkeypatch, capsys):
    command = [agreement.__file__, str(released.folder), "--processes", "1", "--alerts"]
    monkeypatch.setattr(sys, "argv", [*command, str(real_data / "ztf_alerts")])
    agreement.main()
    output = capsys.readouterr().out
    assert "554 packets; 501 different alerts of ZTF\n" in output
    assert "agreement, not truth" in output and "Rubin" not in output
    lines = [line.split("|")[1:-1] for line in output.splitlines() if line.startswith("| ")]
    first = [(cells[0].strip(), cells[1].strip()) for cells in lines]
    assert ("alerts with `drb`", "460") in first and ("alerts with `rb`", "501") in first
    assert [value for name, value in first if name == "scored"] == ["460", "501"]
    (objects, _) = [value for name, value in first if name.startswith("known solar-system")]
    assert " of 19: " in objects
    # rb against drb, of the 460 alerts, whatever the model
    comparison = {cells[0].strip(): cells[-1].strip() for cells in lines[: len(lines) // 2]}
    assert comparison["same side of 0.5"].startswith("422 of 460: 0.92")
    assert comparison["AUC, `drb` > 0.9 against < 0.1"].endswith("362 against 28")
