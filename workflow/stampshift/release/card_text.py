"""Phrases of a model card: what the run was given, what its data are, how it was trained."""

from collections.abc import Mapping
from typing import Any

from stampshift.methods import METHODS
from stampshift.release.card_tables import Lines, shots_by_label
from stampshift.release.reference import ReleasedSurvey
from stampshift.stamps.file import LABELS
from stampshift.tables.wording import counted, method_name, title_note

PER_CLASS = " per class"
METHOD_NOTES = {
    "baseline": "trained on the source's labelled stamps",
    "finetune": "a trained model, trained further on the target's labelled stamps",
    "mme": "minimax entropy, Saito et al. 2019",
    "further": "a trained network, trained further on the survey's labelled stamps",
    "scratch": "random weights, trained on the target's labelled stamps",
}


def title(metrics: Mapping[str, Any], *, simulated: bool) -> str:
    """``"MME, 20 shots, HiTS to ZTF"``, with a note where surveys are simulated."""
    name = method_name(metrics["method"])
    if metrics["target"] is None:
        return title_note(f"{name} of {metrics['source']}", simulated=simulated)
    numbers = shots_by_label(metrics)
    shots = _numbers(numbers, "shot").removesuffix(PER_CLASS)
    return title_note(f"{name}, {shots}, {metrics['source']} to {metrics['target']}", simulated=simulated)


def given(metrics: Mapping[str, Any], target: ReleasedSurvey) -> str:
    """What an adapted model was given of its target, the stamps that chose the epoch among it."""
    shots = shots_by_label(metrics)
    texts = [f"{_numbers(shots, 'labelled stamp')} to learn from"]
    if len(target.validation) and target.validation_logits is None:
        labels = target.stamps.labels[target.validation]
        numbers = {name: int((labels == value).sum()) for name, value in LABELS.items()}
        texts.append(f"{_numbers(numbers, 'labelled stamp')} to choose the epoch by")
    unlabelled = len(target.train) - sum(shots.values())
    if unlabelled and learns_unlabelled(metrics):
        texts.append(f"{counted(unlabelled, 'stamp')} without labels")
    return f"{', '.join(texts[:-1])} and {texts[-1]}" if len(texts) > 1 else texts[0]


def learns_unlabelled(metrics: Mapping[str, Any]) -> bool:
    """Whether the training saw unlabelled stamps of the target."""
    if "options" not in metrics:  # of an older version, whose one such method was MME
        return bool(metrics.get("entropy_weight"))
    return METHODS[metrics.get("trained_by", metrics["method"])](metrics["options"]).uses_unlabelled


def _numbers(by_label: Mapping[str, int], noun: str) -> str:
    """``"20 shots per class"`` where there are as many of each, or ``"7 real and 3 bogus shots"``."""
    if by_label["real"] == by_label["bogus"]:
        return counted(by_label["real"], noun) + PER_CLASS
    return f"{by_label['real']} real and {counted(by_label['bogus'], f'bogus {noun}')}"


def method(metrics: Mapping[str, Any]) -> str:
    """``"MME (minimax entropy, Saito et al. 2019)"``; of a variant, its name and its method's."""
    name, trained_by = metrics["method"], metrics.get("trained_by", metrics["method"])
    variant = "" if name == trained_by else f"a variant of {method_name(trained_by)}: "
    note = variant + METHOD_NOTES.get(trained_by, "")
    return f"{method_name(name)} ({note.removesuffix(': ')})" if note else method_name(name)


def options(metrics: Mapping[str, Any]) -> str:
    """``"head random, entropy weight 0.1"``: a method's options, ``"none"`` where it has none."""
    recorded = metrics.get("options")
    if recorded is None:  # of an older version
        recorded = {name: metrics[name] for name in ("entropy_weight",) if metrics.get(name) is not None}
    texts = [
        f"{name.replace('_', ' ')} {' + '.join(value) if isinstance(value, list | tuple) else value}"
        for name, value in recorded.items()
    ]
    return ", ".join(texts) or "none"


def data_notes(attributes: Mapping[str, Any]) -> list[str]:
    """Where a survey's stamps come from, which of its classes are real, and what was dropped."""
    notes = [origin(attributes.get("origin", {}))]
    if "counts" in attributes:
        dropped = {name: count for name, count in attributes["counts"]["dropped"].items() if count}
        told = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in dropped.items()) or "none"
        notes.append(f"{attributes['counts']['read']} candidates read, dropped: {told}")
    if "labels" in attributes:
        notes.append(f"Its labels are those of {attributes['labels']['name']}, in place of the archive's")
    if "class_map" in attributes:
        names = {
            label: [name for name, of in attributes["class_map"].items() if of == label] for label in LABELS
        }
        told = "; ".join(f"{label}: {', '.join(each)}" for label, each in names.items() if each)
        notes.append(f"Classes that are {told}")
    return notes


def origin(said: Mapping[str, Any]) -> str:
    """``"simulated (10000 stamps, seed 4)"``, or the archive's address or path."""
    if "simulate" in said:
        texts = [
            f"{value} stamps" if name == "stamps" else f"{name} {value}"
            for name, value in sorted(said["simulate"].items(), key=lambda entry: entry[0] != "stamps")
        ]
        return f"simulated ({', '.join(texts)})"
    return "; ".join(f"{name} {value}" for name, value in said.items()) or "origin not recorded"


def not_helped(calibration: Lines, survey: str) -> list[str]:
    """Calibration numbers of a survey's test stamps that the temperature made no better."""
    lines = {line["temperature"]: line for line in calibration if line["survey"] == survey}
    if not lines:
        return []
    return [
        f"{name} ({lines['before'][name]} before, {lines['after'][name]} after)"
        for name in lines["before"]
        if name not in ("survey", "temperature")
        and float(lines["after"][name]) > float(lines["before"][name])
    ]
