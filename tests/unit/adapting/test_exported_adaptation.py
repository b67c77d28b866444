"""A released model of an adaptation."""

import json
import re

import pandas as pd
import pytest
import torch

from adaptation import MME, TRAINING, worse_with_every_epoch
from fake_release import release_of, write_results, write_run
from stampshift.adapting.adapt import adapt_model
from stampshift.adapting.setting import Setting
from stampshift.adapting.source import source_of, starting_point
from stampshift.config.experiment import Run
from stampshift.core.digests import write_digests
from stampshift.core.errors import ContractError
from stampshift.metrics.calibration import logit_difference
from stampshift.release.contract import Start


@pytest.fixture
def adapted(tmp_path, few, test_file):
    """Folder of an adaptation of a baseline among results, from files that a release takes."""

    def make(*, test=None, method="mme", options=None, source=True, labels=(4, 3)):
        results = tmp_path / "results"
        if not results.exists():
            write_results(results)
            write_run(results, Run("baseline", "A", None, 0, 0))
        run = results / "baseline" / "A" / "seed-0"
        setting = Setting(
            model=run / "model.pt",
            source=source_of(run, stamps=None, splits=None) if source else None,
            target=few(real=labels[0], bogus=labels[1]),
            method=method,
            options=MME if options is None else options,
            training=TRAINING,
            seed=0,
            device=torch.device("cpu"),
            test=test,
            seen=Start(["A"]),
        )
        adaptation = adapt_model(setting, epochs=2, epochs_unjudged=2, processes=1, progress=False)
        adaptation.save(tmp_path / "adapted")
        return tmp_path / "adapted"

    return make


def test_a_release_is_calibrated_on_shots_that_the_scoring_training_did_not_see(adapted, tmp_path):
    folder = adapted()
    release = release_of(folder, tmp_path / "model")
    reference, held_out = release.reference(), pd.read_parquet(folder / "validation.parquet")
    shots = reference[(reference["survey"] == "B") & (reference["part"] == "validation")]
    assert shots["label"].tolist() == held_out["label"].tolist()
    assert shots["logit"].tolist() == pytest.approx(logit_difference(held_out["score"]).tolist(), rel=1e-5)
    assert release.contract.calibration["stamps"] == 7
    assert (reference["part"] == "unlabelled").sum() == 10  # every tenth of a hundred
    assert reference.loc[reference["part"] == "unlabelled", "label"].isna().all()
    assert release.contract.home == "B"
    card = (tmp_path / "model" / "card.md").read_text()
    assert (
        "**There are no test stamps of B**: only the held-out labels below say how well the model does"
        in card
    )
    assert "| B, labelled stamps, held out in turn | 4 real, 3 bogus" in card
    assert "What the flag detects, on 17 reference stamps of B made wrong on purpose" in card
    assert re.search(r"\| flag: share expected beyond +\| 0\.\d+ +\| 0\.0909 +\|", card)  # 1 of 10 + 1
    assert re.search(r"\| flag: reference stamps +\| \d+ +\| 10 +\|", card)
    assert re.search(r"\| share flagged +\| [\d.]+ \(.*\) +\| no stamp", card)


def test_a_model_that_stays_as_it_was_is_released_as_it_is(adapted, tmp_path, monkeypatch):
    monkeypatch.setattr("stampshift.adapting.adapt.held_out_scores", worse_with_every_epoch)
    folder = adapted()
    release_of(folder, tmp_path / "model")
    start = tmp_path / "results" / "baseline" / "A" / "seed-0" / "model.pt"
    assert (folder / "model.pt").read_bytes() == start.read_bytes()
    card = (tmp_path / "model" / "card.md").read_text()
    assert re.search(r"\| epochs +\| 0, of which number 0 is kept", card)


def test_the_card_judges_by_the_test_file_and_says_how_the_shots_were_scored(adapted, test_file, tmp_path):
    folder = adapted(test=test_file)
    release_of(folder, tmp_path / "model")
    card = (tmp_path / "model" / "card.md").read_text()
    assert card.startswith("# Model card: MME, 4 real and 3 bogus shots, A to B")
    assert "adapted to B (target) with 4 real and 3 bogus labelled stamps." in card
    assert "The training saw their images." in card
    assert (
        "the temperature (the shots themselves, each scored by a training that did not see it). Those" in card
    )
    assert '"head": "random", "labelled": ["source", "target"]' in card
    labels = pd.read_parquet(folder / "predictions.parquet").query("survey == 'B'")["label"]
    assert "There are no test stamps" not in card
    assert f"| {labels.sum()} real, {100 - labels.sum()} bogus" in card


def test_a_model_adapted_without_labels_is_released_and_says_so(adapted, tmp_path):
    release = release_of(adapted(labels=(0, 0)), tmp_path / "model")
    calibration = release.contract.calibration
    assert (release.contract.home, calibration["stamps"], calibration["fitted"]) == ("B", 0, False)
    assert (release.reference()["part"] == "unlabelled").sum() == 10
    card = (tmp_path / "model" / "card.md").read_text()
    assert card.startswith("# Model card: MME, 0 shots, A to B")
    assert "adapted to B (target) with 0 labelled stamps per class." in card
    assert "those of A chose the epoch, without any label of B" in card
    assert "**There are no test stamps of B**: how well the model does there is not known." in card
    assert "- No label of B trained or chose it;" in card
    assert "held out in turn" not in card


def test_a_stamps_file_that_changed_since_is_refused(adapted, tmp_path):
    folder = adapted()
    metrics = json.loads((folder / "metrics.json").read_text())
    metrics["stamps"]["B"] = "0" * 64
    (folder / "metrics.json").write_text(json.dumps(metrics))
    write_digests(folder)
    with pytest.raises(ContractError, match=r"has changed since .* was adapted with it; adapt again"):
        release_of(folder, tmp_path / "model")


@pytest.mark.parametrize(
    ("name", "value"),
    [("recall_real", "high"), ("recall_bogus_interval", [0.1]), ("balanced_accuracy", None)],
)
def test_a_record_whose_change_cannot_be_printed_is_refused_by_name(adapted, tmp_path, name, value):
    folder = adapted()
    metrics = json.loads((folder / "metrics.json").read_text())
    metrics["changes"][0]["after"][name] = value
    (folder / "metrics.json").write_text(json.dumps(metrics))
    write_digests(folder)
    with pytest.raises(ContractError, match=rf"metrics\.json: .*changes\.0\.after\.{name}.*Adapt the model"):
        release_of(folder, tmp_path / "model")


@pytest.mark.parametrize("change", [lambda lines: lines[:1], lambda lines: lines.assign(label=1)])
def test_predictions_of_other_test_stamps_are_refused_by_name(adapted, tmp_path, change):
    folder = adapted()
    path = folder / "predictions.parquet"
    change(pd.read_parquet(path)).to_parquet(path)
    write_digests(folder)
    with pytest.raises(ContractError, match=r"predictions\.parquet: expected the \d+ test stamps of A with"):
        release_of(folder, tmp_path / "model")


def test_an_adaptation_without_its_source_is_released_for_the_target_alone(adapted, test_file, tmp_path):
    folder = adapted(method="finetune", options={}, source=False, test=test_file)
    release = release_of(folder, tmp_path / "model", hub=True)
    assert list(release.contract.surveys) == release.contract.homes == ["B"]
    assert release.contract.started_from == {"name": None, "simulated": None, "surveys": ["A"]}
    card = (tmp_path / "model" / "README.md").read_text()
    assert "# Model card: fine-tuning, 4 real and 3 bogus shots, A to B\n" in card
    assert (
        "What it started from had seen A before. Whether any of these was simulated is not recorded." in card
    )
    assert "| B        | star    | real" in card  # test stamps have a recall
    metrics = json.loads((folder / "metrics.json").read_text())
    del metrics["started_from"]["surveys"]
    (folder / "metrics.json").write_text(json.dumps(metrics))
    write_digests(folder)
    with pytest.raises(ContractError, match=r"its record does not say on which surveys .* Adapt the model"):
        release_of(folder, tmp_path / "again")


def test_the_source_is_found_among_the_results_and_a_wrong_folder_is_refused(adapted, tmp_path):
    adapted()
    results = tmp_path / "results"
    found = source_of(results / "baseline" / "A" / "seed-0", stamps=None, splits=None)
    assert found.stamps == results / "stamps" / "A.h5"
    assert found.splits == results / "splits" / "A" / "seed-0.npz"
    with pytest.raises(ContractError, match=r"expected the folder of a trained run, with model\.pt"):
        source_of(results, stamps=None, splits=None)
    with pytest.raises(ContractError, match=r"absent\.h5: no such file"):
        starting_point(results / "baseline" / "A" / "seed-0", stamps=tmp_path / "absent.h5")
