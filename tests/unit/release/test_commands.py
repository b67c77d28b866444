"""From a run to a page about a night, as people type it."""

import json
import sys

import numpy as np
import pandas as pd
import pytest

from stampshift import cli
from stampshift.core.files import read_json
from stampshift.release.released import OUT_OF_DISTRIBUTION, ReleasedModel
from stampshift.stamps.file import Stamps


def call(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["stampshift", *map(str, arguments)])
    with pytest.raises(SystemExit) as end:
        cli.main()
    return end.value.code


def test_export_threshold_and_drift(monkeypatch, capsys, tmp_path, adapted_run, results):
    folder = tmp_path / "released"
    assert call(monkeypatch, "export", adapted_run, "--output", folder) == 0
    assert f"read {folder}/card.md before you use it" in capsys.readouterr().out
    refusal = call(monkeypatch, "export", adapted_run, "--output", "a", "--hub", "b")
    assert "expected --output or --hub, found both: a and b" in refusal

    assert call(monkeypatch, "threshold", folder, "--max-mdr", 0.2, "--survey", "A", "--json") == 0
    point = json.loads(capsys.readouterr().out)
    assert point["mdr"]["value"] <= 0.2
    assert call(monkeypatch, "threshold", folder, "--max-mdr", 0.2, "--survey", "A") == 0
    assert repr(point["threshold"]) in capsys.readouterr().out

    release, night = ReleasedModel.open(folder), Stamps.open(results / "stamps" / "A.h5")
    scores = release.score_stamps(np.ascontiguousarray(-night.stamps))
    flags = np.where(release.outlying(scores.distance, survey="A"), OUT_OF_DISTRIBUTION, "")
    table = {"id": night.ids, "survey": "A", "score": scores.score, "similarity": scores.similarity}
    pd.DataFrame(table | {"distance": scores.distance, "flag": flags}).to_parquet(tmp_path / "night.parquet")
    assert call(monkeypatch, "drift", folder, tmp_path / "night.parquet") == 0
    printed = capsys.readouterr().out
    assert "A: drifted, with the KS distance from the reference: score of all stamps" in printed
    page = tmp_path / "night-drift.html"
    assert f"page: {page}" in printed
    assert "The model was trained on simulated surveys" in page.read_text()
    report = read_json(page.with_suffix(".json"))
    assert report["surveys"]["A"]["reference"] == {
        "survey": "A", "known": True, "part": "validation", "stamps": 40,
    }  # fmt: skip
