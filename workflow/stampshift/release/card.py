"""The model card: what a released model is, how well it does and where it ends, in Markdown."""

import json
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from stampshift.core.errors import ContractError
from stampshift.core.templates import render
from stampshift.core.version import __version__
from stampshift.methods import METHODS
from stampshift.release import card_tables
from stampshift.release.card_tables import shots_by_label
from stampshift.release.reference import ReleasedSurvey, spread
from stampshift.release.released import ReleasedModel, calibrated
from stampshift.release.trained_run import TrainedRun
from stampshift.stamps.file import LABELS
from stampshift.tables.wording import counted, method_name, title_note

TEMPLATE = Path(__file__).with_name("card.md.jinja")
PACKAGES = ("torch", "onnx", "onnxruntime", "numpy")
FAULTY_STAMPS = 500  # at most so many are made wrong on purpose
AGREEMENT = 0.01  # of a score on disk with the model's: another device or another torch moves the last digits
PER_CLASS = " per class"
METHOD_NOTES = {
    "baseline": "trained on the source's labelled stamps",
    "finetune": "a trained model, trained further on the target's labelled stamps",
    "mme": "minimax entropy, Saito et al. 2019",
    "further": "a trained network, trained further on the survey's labelled stamps",
    "scratch": "random weights, trained on the target's labelled stamps",
}


def model_card(release: ReleasedModel, run: TrainedRun) -> str:
    """Fill the card of a release from its run.

    Raises
    ------
    ContractError
        If the predictions are not those of this model.
    """
    contract, metrics, surveys = release.contract, run.metrics, run.surveys
    listed = set(run.predictions["survey"])
    tested = pd.concat(
        [_tested(release, each, run.predictions) for each in surveys if each.name in listed],
        ignore_index=True,
    )
    home = next(each for each in surveys if each.name == contract.home)
    home_tested = home.name in listed
    # of the stamps file itself: its test part, or else its reference
    here = home_tested and home.tested is None
    rows = run.predictions.loc[run.predictions["survey"] == home.name, "row"].to_numpy()
    faulty = spread(rows if here else home.held_out, FAULTY_STAMPS)
    calibration = card_tables.calibration_lines(tested)
    lines = {
        "data": card_tables.data_lines(surveys, run.predictions, metrics),
        "performance": card_tables.performance_lines(tested),
        "classes": card_tables.class_lines(tested),
        "calibration": calibration,
        "operating": card_tables.operating_lines(release, tested),
        "outlying": card_tables.outlying_lines(release, tested),
        "faults": card_tables.fault_lines(release, home, faulty),
        "changes": card_tables.change_lines(metrics),
        "digests": card_tables.digest_lines(contract, surveys, metrics),
    }
    fitted, in_turn = contract.calibration, home.validation_logits is not None
    return render(
        TEMPLATE.read_text(encoding="utf-8"),
        html=False,
        title=title(metrics, simulated=contract.simulated),
        contract=contract,
        metrics=metrics,
        home=home.name,
        adapted=metrics["target"] is not None,
        shots=_numbers(shots_by_label(metrics), "labelled stamp"),
        learns_unlabelled=learns_unlabelled(metrics),
        in_turn=" (the shots themselves, each scored by a training that did not see it)" if in_turn else "",
        method=method(metrics),
        options=json.dumps(metrics["options"]),
        notes={each.name: data_notes(each.stamps.attributes) for each in surveys},
        tables={name: _markdown(table) for name, table in lines.items()},
        home_tested=home_tested,
        fitted=fitted,
        validation=f"{fitted['stamps']} labelled validation stamps of {home.name} ({fitted['n_real']} real, "
        f"{fitted['n_bogus']} bogus)",
        not_helped=card_tables.not_helped(calibration, home.name),
        faulty=f"{len(faulty)} {'test' if here else 'reference'} stamps",
        versions=_listed({"stampshift": __version__} | {name: version(name) for name in PACKAGES}),
        trained_versions=_listed(metrics["versions"]),
    )


def _tested(release: ReleasedModel, survey: ReleasedSurvey, predictions: pd.DataFrame) -> pd.DataFrame:
    """Test stamps of a survey: the run's labels and scores, and what the released model says of them."""
    lines = predictions[predictions["survey"] == survey.name]
    rows = lines["row"].to_numpy()
    stamps = survey.tested or survey.stamps
    scores = release.score(stamps.stamps[rows])
    apart = float(np.abs(calibrated(scores.logit, 1) - lines["score"]).max())
    if apart > AGREEMENT:
        raise ContractError(
            f"{survey.name}: predictions.parquet and model.pt give different scores for the test stamps, "
            f"{apart:.3g} apart; the two are not from the same run, or the stamps file has changed."
        )
    return pd.DataFrame(
        {
            "survey": survey.name,
            "class": stamps.classes[rows],
            "label": lines["label"].to_numpy(),
            "raw": lines["score"].to_numpy(),
            "score": scores.score,
            "similarity": scores.similarity,
            "distance": scores.distance,
        }
    )


def _markdown(lines: Iterable[Mapping[str, Any]]) -> str:
    return pd.DataFrame(list(lines)).astype(str).to_markdown(index=False, disable_numparse=True)


def _listed(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {number}" for name, number in versions.items())


def title(metrics: Mapping[str, Any], *, simulated: bool) -> str:
    """``"MME, 20 shots, HiTS to ZTF"``, with a note where surveys are simulated."""
    name = method_name(metrics["method"])
    if metrics["target"] is None:
        return title_note(f"{name} of {metrics['source']}", simulated=simulated)
    shots = _numbers(shots_by_label(metrics), "shot").removesuffix(PER_CLASS)
    return title_note(f"{name}, {shots}, {metrics['source']} to {metrics['target']}", simulated=simulated)


def _numbers(by_label: Mapping[str, int], noun: str) -> str:
    """``"20 shots per class"`` where there are as many of each, or ``"7 real and 3 bogus shots"``."""
    if by_label["real"] == by_label["bogus"]:
        return counted(by_label["real"], noun) + PER_CLASS
    return f"{by_label['real']} real and {counted(by_label['bogus'], f'bogus {noun}')}"


def learns_unlabelled(metrics: Mapping[str, Any]) -> bool:
    """Whether the training saw unlabelled stamps of the target."""
    return METHODS[metrics.get("trained_by", metrics["method"])](metrics["options"]).uses_unlabelled


def method(metrics: Mapping[str, Any]) -> str:
    """``"MME (minimax entropy, Saito et al. 2019)"``; of a variant, its name and its method's."""
    name, trained_by = metrics["method"], metrics.get("trained_by", metrics["method"])
    notes = [] if name == trained_by else [f"a variant of {method_name(trained_by)}"]
    notes += [METHOD_NOTES[trained_by]] if trained_by in METHOD_NOTES else []
    return f"{method_name(name)} ({': '.join(notes)})" if notes else method_name(name)


def data_notes(attributes: Mapping[str, Any]) -> list[str]:
    """Where a survey's stamps come from, which of its classes are real, and what was dropped."""
    origin = dict(attributes.get("origin", {}))
    simulated = "simulated, " if "simulate" in origin else ""
    origin = origin.get("simulate", origin)
    notes = [
        simulated + (", ".join(f"{name} {value}" for name, value in origin.items()) or "origin not recorded")
    ]
    if "counts" in attributes:
        dropped = {name: count for name, count in attributes["counts"]["dropped"].items() if count}
        lost = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in dropped.items()) or "none"
        notes.append(f"{attributes['counts']['read']} candidates read, dropped: {lost}")
    if "labels" in attributes:
        notes.append(f"Its labels are those of {attributes['labels']['name']}, in place of the archive's")
    if "class_map" in attributes:
        names = {
            label: [name for name, of in attributes["class_map"].items() if of == label] for label in LABELS
        }
        classes = "; ".join(f"{label}: {', '.join(each)}" for label, each in names.items() if each)
        notes.append(f"Classes that are {classes}")
    return notes
