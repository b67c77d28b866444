import shutil
from dataclasses import replace

import h5py
import numpy as np
import pandas as pd
import pytest

from fake_release import release_of
from fake_surveys import flip_labels
from stampshift.core.digests import write_digests
from stampshift.core.errors import ContractError
from stampshift.core.files import read_json, write_json
from stampshift.metrics.calibration import fit_temperature
from stampshift.release import exporting
from stampshift.release.contract import DIGESTED
from stampshift.release.exporting import export, make_release
from stampshift.release.reference import calibrate, fair_part
from stampshift.release.released import ReleasedModel
from stampshift.release.threshold import choose
from stampshift.release.trained_run import open_run
from stampshift.stamps.file import Stamps
from stampshift.stamps.raw_triplets import InvalidPixels


@pytest.fixture
def copied_results(results, adapted_run, tmp_path):
    """Results of the adapted run which a test may change, and the run's folder in them."""
    copy = shutil.copytree(results, tmp_path / "results")
    return copy, copy / adapted_run.relative_to(results)


def test_the_contract_says_what_a_score_needs(adapted_release, baseline_release):
    contract = adapted_release.contract
    assert (contract.network, contract.head, contract.size_pixels) == ("bolivar", "linear", 21)
    assert contract.normalisation == "channel"
    assert contract.channels == ("template", "science", "difference")
    assert contract.labels == {"real": 1, "bogus": 0}
    assert {name: section["role"] for name, section in contract.surveys.items()} == {
        "A": "source", "B": "target",
    }  # fmt: skip
    assert contract.invalid("B") == InvalidPixels(equals=-31415.0)
    assert contract.invalid("A") == InvalidPixels()
    assert (contract.home, baseline_release.contract.home) == ("B", "A")
    assert contract.simulated
    assert contract.parity["largest_difference"] < contract.parity["tolerance"]


def test_the_temperature_is_fitted_on_the_validation_of_the_own_survey_alone(
    adapted_release, baseline_release, results, splits_of
):
    for release, survey, rows in (
        (adapted_release, "B", splits_of["B"].validation_shots(10)),
        (baseline_release, "A", splits_of["A"].validation),
    ):
        stamps = Stamps.open(results / "stamps" / f"{survey}.h5")
        logit = release.score_stamps(stamps.stamps[rows]).logit
        expected = fit_temperature(stamps.labels[rows], 1 / (1 + np.exp(-logit.astype(float))))
        said = release.contract.calibration
        assert (said["surveys"], said["stamps"]) == ([survey], len(rows))
        assert said["n_real"] == said["n_bogus"] == len(rows) // 2
        assert said["fitted"]
        assert said["temperature"] == pytest.approx(expected, rel=1e-3)
        assert said["nll_after"] < said["nll_before"]


def test_where_no_temperature_can_be_fitted_it_is_one_and_says_so():
    columns = {"survey": "B", "part": "validation", "logit": np.float32([-3, -2, 2, 3])}
    rightly = pd.DataFrame(columns | {"label": pd.array([0, 0, 1, 1], dtype="Int8")})
    said = calibrate(rightly, surveys=["B"])
    assert (said["fitted"], said["temperature"], said["stamps"]) == (False, 1.0, 4)
    one_label = pd.DataFrame(columns | {"label": pd.array([1, 1, 1, 1], dtype="Int8")})
    assert calibrate(one_label, surveys=["B"]) == {
        "surveys": ["B"], "n_real": 4, "n_bogus": 0, "stamps": 4, "fitted": False, "temperature": 1.0,
    }  # fmt: skip
    nobody = calibrate(rightly, surveys=["C"])
    assert (nobody["stamps"], nobody["fitted"]) == (0, False)


def test_the_reference_holds_no_test_stamp_and_no_label_of_the_unlabelled(adapted_release, splits_of):
    reference = adapted_release.reference()
    counts = reference.groupby(["survey", "part"]).size().to_dict()
    rest = len(splits_of["B"].validation) - 20
    assert counts == {("A", "validation"): 40, ("B", "validation"): 20, ("B", "unlabelled"): rest}
    assert reference["label"].isna().equals(reference["part"] == "unlabelled")
    assert len(fair_part(reference, "B")) == max(20, rest)


def flip_hidden_labels(results, splits, surveys):
    """Turn every label of test parts, and of the target's stamps that are no shot."""
    for name in surveys:
        hidden = [splits[name].test]
        if name == "B":
            shots = np.concatenate([splits["B"].shots(20), splits["B"].validation_shots(10)])
            hidden.append(np.setdiff1d(np.arange(400), shots))
        flip_labels(results / "stamps" / f"{name}.h5", np.unique(np.concatenate(hidden)))


def test_no_hidden_label_reaches_the_contract(copied_results, adapted_release, splits_of, tmp_path):
    results, run = copied_results
    flip_hidden_labels(results, splits_of, ("A", "B"))
    predictions = pd.read_parquet(run / "predictions.parquet")
    predictions.assign(label=1 - predictions["label"]).to_parquet(run / "predictions.parquet")
    write_digests(run)
    flipped = release_of(run, tmp_path / "flipped")
    for name in (*DIGESTED, "raw.onnx", "contract.json"):
        before, after = ((each.folder / name).read_bytes() for each in (adapted_release, flipped))
        assert before == after, name
    # the flip was seen where test labels belong
    assert (flipped.folder / "card.md").read_text() != (adapted_release.folder / "card.md").read_text()


def test_a_validation_label_does_reach_it(copied_results, adapted_release, splits_of, tmp_path):
    results, run = copied_results
    shots = splits_of["B"].validation_shots(10)
    reals = shots[Stamps.open(results / "stamps" / "B.h5").labels[shots] == 1]
    flip_labels(results / "stamps" / "B.h5", reals[:3])
    changed = release_of(run, tmp_path / "changed").contract.calibration
    assert changed != adapted_release.contract.calibration


def test_no_partial_file_has_the_final_name(adapted_run, tmp_path, monkeypatch):
    def fail(*arguments, **options):
        raise ContractError("the card cannot be made")

    monkeypatch.setattr(exporting, "model_card", fail)
    with pytest.raises(ContractError, match="the card cannot be made"):
        make_release(tmp_path / "released", open_run(adapted_run))
    assert list(tmp_path.iterdir()) == []


def test_an_existing_folder_is_left_alone(adapted_run, tmp_path):
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(ContractError, match="already exists; give another --output, or delete it first"):
        make_release(tmp_path, open_run(adapted_run))
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_stamps_that_do_not_fit_are_refused(adapted_run, tmp_path):
    run = open_run(adapted_run)
    source, target = run.surveys

    def with_attributes(**changes):
        attributes = {k: v for k, v in (dict(target.stamps.attributes) | changes).items() if v is not None}
        return [source, replace(target, stamps=replace(target.stamps, attributes=attributes))]

    for surveys, message in (
        (with_attributes(normalisation="difference_mad"), "A and B: expected one normalisation"),
        (with_attributes(normalisation=None), "B: the stamps file does not state its normalisation"),
        ([source, replace(target, validation=target.train[:0], unlabelled=target.train[:0])],
         "B: expected stamps that were held out of the training, found none"),
    ):  # fmt: skip
        with pytest.raises(ContractError, match=message):
            make_release(tmp_path / "released", replace(run, surveys=surveys))
    with pytest.raises(ContractError, match="A: expected stamps of 23 pixels, those of the model, found 21"):
        make_release(tmp_path / "released", replace(run, model=replace(run.model, size_pixels=23)))


def test_a_target_without_labelled_validation_is_released_uncalibrated(adapted_run, tmp_path):
    """As after leave-one-out: no label is left over to validate the final model."""
    run = open_run(adapted_run)
    source, target = run.surveys
    none = replace(target, validation=target.validation[:0], unlabelled=target.held_out)
    make_release(tmp_path / "released", replace(run, surveys=[source, none]))
    contract = read_json(tmp_path / "released" / "contract.json")
    assert contract["calibration"] == {
        "surveys": ["B"], "n_real": 0, "n_bogus": 0, "stamps": 0, "fitted": False, "temperature": 1.0,
    }  # fmt: skip
    with pytest.raises(
        ContractError, match="real and bogus validation stamps of B, found 0 real and 0 bogus"
    ):
        choose(ReleasedModel.open(tmp_path / "released"), survey=None, max_mdr=0.1, max_fpr=None)
    card = (tmp_path / "released" / "card.md").read_text()
    assert "The scores are not calibrated" in card
    assert "There are too few labelled validation stamps of B for any operating point." in card


def test_predictions_of_another_model_are_refused(adapted_run, baseline_run, tmp_path):
    run = open_run(adapted_run)
    predictions = run.predictions.assign(score=np.float32(0.5))
    with pytest.raises(ContractError, match=r"model.pt give different scores for the test stamps"):
        make_release(tmp_path / "released", replace(run, predictions=predictions))


@pytest.mark.parametrize("name", ["metrics.json", "predictions.parquet", "model.pt", "history.parquet"])
def test_a_run_with_a_changed_file_is_refused(copied_results, name):
    _, run = copied_results
    with (run / name).open("ab") as file:
        file.write(b" ")
    with pytest.raises(ContractError, match=rf"{name}: has changed since it was written"):
        open_run(run)


@pytest.mark.parametrize(
    "option", [{"steps": "three"}, {"steps": {}}, {"head": None}, {"entropy_weight": "x"}]
)
def test_a_run_whose_options_are_not_those_of_its_method_is_refused(copied_results, option):
    _, run = copied_results
    options = {"labelled": ["target"], "head": "random", "steps": "one", "epoch": "each"}
    options |= {"temperature": 0.05, "entropy_weight": 0.1}
    metrics = read_json(run / "metrics.json") | {"trained_by": "mme"}
    write_json(run / "metrics.json", metrics | {"options": options})
    write_digests(run)
    open_run(run)
    write_json(run / "metrics.json", metrics | {"options": options | option})
    write_digests(run)
    with pytest.raises(
        ContractError, match=r"metrics\.json: expected options of mme, found .* Delete the run"
    ):
        open_run(run)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"epochs": None}, "lacks epochs"),
        ({"device": None}, "lacks device"),
        ({"epochs": "many"}, "expected a valid integer as epochs, found 'many'"),
        ({"validation_balanced_accuracy": "good"}, "expected a valid number as validation_balanced_accuracy"),
        ({"validation_shots": 10**20}, "expected 0 to 20 validation_shots per class, .* found 1000"),
        ({"validation_shots": -1}, "expected 0 to 20 validation_shots per class, .* found -1"),
    ],
)
def test_metrics_that_no_training_writes_are_refused_by_name(copied_results, change, message):
    _, run = copied_results
    metrics = read_json(run / "metrics.json") | change
    write_json(run / "metrics.json", {name: value for name, value in metrics.items() if value is not None})
    write_digests(run)
    with pytest.raises(ContractError, match=rf"metrics\.json: {message}"):
        open_run(run)


def test_the_files_of_a_run_are_found_or_asked_for(copied_results, results, tmp_path):
    copy, run = copied_results
    metrics = read_json(run / "metrics.json")
    write_json(run / "metrics.json", {k: v for k, v in metrics.items() if k != "validation_shots"})
    write_digests(run)
    with pytest.raises(ContractError, match=r"metrics\.json: lacks validation_shots\. Delete the folder"):
        open_run(run)
    write_json(run / "metrics.json", metrics)
    write_digests(run)
    assert [len(each.validation) for each in open_run(run).surveys] == [40, 20]
    elsewhere = shutil.copytree(run, tmp_path / "elsewhere")
    with pytest.raises(
        ContractError, match=r"expected the folder scratch/A-to-B/shots-20/seed-0 inside its results"
    ):
        open_run(elsewhere)
    files = {
        "stamps": [results / "stamps" / f"{name}.h5" for name in "AB"],
        "splits": [results / "splits" / name / "seed-0.npz" for name in "AB"],
    }
    assert len(open_run(elsewhere, **files).surveys) == 2
    (copy / "stamps" / "B.h5").unlink()
    with pytest.raises(ContractError, match=r"stamps/B.h5 does not exist, but the run .* with --stamps"):
        open_run(run)
    with pytest.raises(ContractError, match="expected the folder of a trained run"):
        open_run(tmp_path)


def test_a_labels_file_takes_the_place_of_the_archives_labels(
    copied_results, baseline_run, results, splits_of, tmp_path
):
    run = copied_results[0] / baseline_run.relative_to(results)
    stamps = Stamps.open(results / "stamps" / "A.h5")
    labels = stamps.labels.copy()
    wrong = [splits_of["A"].test[0], splits_of["A"].validation[0]]
    labels[wrong] = 1 - labels[wrong]
    file = tmp_path / "labels.parquet"
    rows = np.arange(len(stamps))
    pd.DataFrame({"row": rows, "id": stamps.ids, "label": labels}).to_parquet(file)
    predictions = pd.read_parquet(run / "predictions.parquet")
    predictions.assign(label=labels[predictions["row"]]).to_parquet(run / "predictions.parquet")
    write_digests(run)

    with pytest.raises(
        ContractError,
        match=r"found a different label for 1 of 40 test stamps of A\. .* labels file with --labels",
    ):
        open_run(run)
    (survey,) = open_run(run, labels=file).surveys
    assert survey.stamps.labels.tolist() == labels.tolist()
    assert survey.stamps.attributes["labels"]["name"] == "labels.parquet"
    pd.DataFrame({"row": rows[1:], "id": stamps.ids[1:], "label": labels[1:]}).to_parquet(file)
    with pytest.raises(ContractError, match="expected a label for each of the 400 stamps of A that are used"):
        open_run(run, labels=file)


def test_splits_of_another_seed_are_refused(copied_results, results, splits_of):
    from stampshift.stamps.splits import make_splits

    copy, run = copied_results
    other = make_splits(
        Stamps.open(results / "stamps" / "B.h5"),
        fractions={"train": 0.8, "validation": 0.1, "test": 0.1},
        seed=1,
    )
    other.save(copy / "splits" / "B" / "seed-0.npz")
    with pytest.raises(ContractError, match="expected predictions of the 40 test stamps of the splits of B"):
        open_run(run)


@pytest.mark.parametrize("survey", ["A", "B"])
def test_stamps_that_changed_are_not_released(copied_results, survey):
    copy, run = copied_results
    with h5py.File(copy / "stamps" / f"{survey}.h5", "r+") as file:
        file["stamps"][2, 1, 3, 3] += 1
    with pytest.raises(ContractError, match=rf"{survey}\.h5: its content has changed since it was written"):
        open_run(run, stamps=[], splits=[], labels=None)


def test_the_card_takes_over_notes(adapted_run, adapted_release, tmp_path):
    notes = tmp_path / "notes.md"
    notes.write_text("Agrees with `drb` on 0.9 of a night.\n")
    export(adapted_run, tmp_path / "released", notes=notes)
    card = (tmp_path / "released" / "card.md").read_text()
    assert "\n## Notes\n\nAgrees with `drb` on 0.9 of a night.\n\n## Licence" in card
    assert "## Notes" not in (adapted_release.folder / "card.md").read_text()
    notes.write_bytes(b"\xff")
    with pytest.raises(ContractError, match=r"notes\.md: not a text in UTF-8 .* Name a Markdown file"):
        export(adapted_run, tmp_path / "again", notes=notes)
    assert not (tmp_path / "again").exists()
