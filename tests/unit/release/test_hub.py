"""A released model as a repository of the Hugging Face Hub."""

import re
import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import yaml

from stampshift import cli
from stampshift.core.errors import ContractError
from stampshift.metrics.metrics import evaluate
from stampshift.release import exporting
from stampshift.release.exporting import export
from stampshift.release.hub import front_matter
from stampshift.release.released import ReleasedModel

CARD = "# Model card: baseline of A (simulated surveys)\n\nA classifier.\n"


@pytest.fixture(scope="module")
def repository(baseline_run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("hub") / "model"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["stampshift", "export", str(baseline_run), "--hub", str(folder)])
        with pytest.raises(SystemExit, match="0"):
            cli.main()
    return folder


def metadata(folder):
    _, front, _ = (folder / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    return yaml.safe_load(front)


def test_the_front_matter_says_what_the_hub_searches_for(repository, baseline_run):
    found = metadata(repository)
    assert (found["license"], found["library_name"]) == ("mit", "stampshift")
    assert found["pipeline_tag"] == "image-classification"
    assert {"astronomy", "real-bogus", "onnx", "a", "simulated-data"} <= set(found["tags"])
    (model,) = found["model-index"]
    assert model["name"] == "baseline of A (simulated surveys)"
    (result,) = model["results"]
    assert result["dataset"] == {"type": "a", "name": "A, test stamps", "split": "test"}
    lines = pd.read_parquet(baseline_run / "predictions.parquet")
    measured = evaluate(lines["label"], lines["score"])
    values = {metric["type"]: metric["value"] for metric in result["metrics"]}
    assert list(values) == found["metrics"]
    assert values["balanced_accuracy"] == pytest.approx(measured["balanced_accuracy"], abs=1e-4)
    assert values["missed_detection_rate"] == pytest.approx(1 - measured["recall_real"], abs=1e-4)


def test_results_by_hand():
    """Of 10 reals one is missed, of 10 bogus two are let through; 72 of 100 pairs are in order, 18 tie."""
    raw = [0.9] * 9 + [0.1] + [0.9] * 2 + [0.2] * 8
    tested = {"A": pd.DataFrame({"label": [1] * 10 + [0] * 10, "raw": raw}), "B": pd.DataFrame()}
    surveys = {"A": {"role": "source"}, "B": {"role": "target"}}
    release = SimpleNamespace(contract=SimpleNamespace(simulated=False, start=None, surveys=surveys))
    found = front_matter(release, card=CARD, tested=tested)
    (result,) = found["model-index"][0]["results"]
    assert [metric["value"] for metric in result["metrics"]] == [0.85, 0.81, 0.1, 0.2]
    assert found["tags"][-3:] == ["a", "b", "domain-adaptation"]
    untested = front_matter(release, card=CARD, tested={"A": pd.DataFrame()})
    assert not {"metrics", "model-index"} & set(untested)


def test_the_readme_is_the_card_and_the_folder_a_released_model(repository, baseline_release):
    text = (repository / "README.md").read_text(encoding="utf-8")
    card = (baseline_release.folder / "card.md").read_text(encoding="utf-8")
    assert card.rstrip() in text
    assert not (repository / "card.md").exists()
    assert "*.onnx filter=lfs" in (repository / ".gitattributes").read_text()
    (repository / "README.md").write_text(text + "\nSeen and approved.\n", encoding="utf-8")
    assert ReleasedModel.open(repository).contract == baseline_release.contract


def test_the_python_of_the_readme_runs(repository, monkeypatch):
    monkeypatch.chdir(repository.parent)
    cutouts = np.random.default_rng(0).normal(0, 5, (3, 2, 31, 31)).astype(np.float32)
    names = dict(zip(("template", "science", "difference"), cutouts, strict=True))
    first, second = re.findall(r"```python\n(.*?)```", (repository / "README.md").read_text(), re.DOTALL)
    exec(first, names)
    exec(second, names)
    np.testing.assert_allclose(names["score"], names["scores"]["score"], atol=1e-5)


def test_a_repository_appears_whole_or_not_at_all(baseline_run, repository, tmp_path, monkeypatch):
    with pytest.raises(ContractError, match="model: already exists; give another --hub, or delete it first"):
        export(baseline_run, repository, hub=True)

    def fail(*arguments, **options):
        raise OSError("no space")

    monkeypatch.setattr(exporting, "write_hub_files", fail)
    with pytest.raises(OSError, match="no space"):
        export(baseline_run, tmp_path / "model", hub=True)
    assert list(tmp_path.iterdir()) == []
