"""The model card: what a released model is, how well it does and where it ends, in Markdown."""

from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from stampshift.core.templates import render
from stampshift.core.version import __version__
from stampshift.methods import METHODS
from stampshift.metrics.change import Change
from stampshift.release import card_tables
from stampshift.release.card_tables import shots_by_label
from stampshift.release.reference import UNLABELLED, ReleasedSurvey, fair_part, spread
from stampshift.release.released import ReleasedModel
from stampshift.release.run_files import SOURCES
from stampshift.release.trained_run import TrainedRun
from stampshift.stamps.file import LABELS
from stampshift.tables.wording import STUDY_NAMES, counted, listed, method_name, title_note

TEMPLATE = Path(__file__).with_name("card.md.jinja")
PACKAGES = ("torch", "onnx", "onnxruntime", "numpy")
FAULTY_STAMPS = 500  # at most so many are made wrong on purpose
PER_CLASS = " per class"
METHOD_NOTES = {
    "baseline": "trained on the source's labelled stamps",
    "finetune": "a trained model, trained further on the target's labelled stamps",
    "mme": "minimax entropy, Saito et al. 2019",
    "further": "a trained network, trained further on the survey's labelled stamps",
    "scratch": "random weights, trained on the target's labelled stamps",
    "adabn": "adaptive batch normalisation, Li et al. 2016: a trained model with the target's statistics",
    "coral": "Sun & Saenko 2016: both surveys' features have the same covariance",
    "mmd": "maximum mean discrepancy of both surveys' features, Long et al. 2015",
    "dann": "domain-adversarial training, Ganin et al. 2016",
    "entropy": "Grandvalet & Bengio 2004",
}


def model_card(
    release: ReleasedModel, run: TrainedRun, *, tested: Mapping[str, pd.DataFrame], notes: str = ""
) -> str:
    """Fill the card of a release from its run, by survey its `card_tables.tested_stamps`, and some notes."""
    contract, metrics, homes = release.contract, run.metrics, run.homes
    judged = pd.concat([tested[each.name] for each in homes])
    home = homes[-1]
    # of the stamps file itself: its test part, or else its reference
    here = len(tested[home.name]) and home.tested is None
    faulty = spread(tested[home.name]["row"].to_numpy() if here else home.held_out, FAULTY_STAMPS)
    tables = {
        "classes": card_tables.class_lines(tested),
        "operating": card_tables.operating_lines(release, judged),
        "faults": card_tables.fault_lines(release, home, faulty),
        "changes": [Change.from_dict(content).line() for content in metrics.get("changes", [])],
        "digests": card_tables.digest_lines(release, run),
    }
    surveys = card_tables.survey_table(release, run, tested).to_markdown(disable_numparse=True)
    in_turn = " (the shots themselves, each scored by a training that did not see it)"
    in_turn = in_turn if home.validation_logits is not None else ""
    fitted = contract.calibration
    return render(
        TEMPLATE.read_text(encoding="utf-8"),
        html=False,
        title=title(metrics, simulated=contract.simulated),
        contract=contract,
        metrics=metrics,
        source=source(run),
        source_known=any(each.role == "source" for each in run.surveys),
        start=run.start,
        start_surveys=listed(run.start.surveys) if run.start else "",
        from_simulated=bool(run.start and run.start.simulated),
        flagged_by=_flagged_by(release, home),
        home_in_source=metrics["target"] is not None and home.name in metrics.get(SOURCES, ()),
        home=listed([each.name for each in homes]),
        faulty_of=home.name,
        home_tested=len(judged),
        adapted=metrics["target"] is not None,
        corrected=bool(home.stamps.attributes.get("labels", {}).get("changed")),
        repeated=contract.network not in STUDY_NAMES,
        without_labels=metrics["target"] is not None and not any(shots_by_label(metrics).values()),
        shots=_numbers(shots_by_label(metrics), "labelled stamp"),
        learns_unlabelled=learns_unlabelled(metrics),
        in_turn=in_turn,
        method=method(metrics),
        notes=notes.strip(),
        origins={each.name: data_notes(each.stamps.attributes) for each in run.surveys},
        tables={name: _markdown(lines) for name, lines in tables.items()} | {"surveys": surveys},
        fitted=fitted,
        validation=f"{fitted['stamps']} labelled validation stamps of {listed(contract.homes)} "
        f"({fitted['n_real']} real, {fitted['n_bogus']} bogus){in_turn}",
        faulty=f"{len(faulty)} {'test' if here else 'reference'} stamps",
        versions=_versions({"stampshift": __version__} | {name: version(name) for name in PACKAGES}),
        trained_versions=_versions(metrics["versions"]),
    )


def _flagged_by(release: ReleasedModel, target: ReleasedSurvey) -> str:
    """What the reference stamps of a target are that its flag's limit was read off, after "the target's"."""
    if (fair_part(release.reference(), target.name)["part"] == UNLABELLED).all():
        return "have no label"
    if target.validation_logits is None:
        return "are its validation shots"
    return "are its labelled stamps, each judged by what the others look like"


def _markdown(lines: card_tables.Lines) -> str:
    return pd.DataFrame(lines).astype(str).to_markdown(index=False, disable_numparse=True)


def _versions(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {number}" for name, number in versions.items())


def title(metrics: Mapping[str, Any], *, simulated: bool) -> str:
    """``"MME, 20 shots, HiTS to ZTF"``, with a note where surveys are simulated."""
    name = method_name(metrics["method"])
    if metrics["target"] is None:
        name = STUDY_NAMES.get(metrics.get("network", ""), name)
        return title_note(f"{name} of {metrics['source']}", simulated=simulated)
    shots = _numbers(shots_by_label(metrics), "shot").removesuffix(PER_CLASS)
    return title_note(f"{name}, {shots}, {metrics['source']} to {metrics['target']}", simulated=simulated)


def source(run: TrainedRun) -> str:
    """``"HiTS"``, or ``"HiTS, DES and ATLAS"``: the surveys of a run's source; without stamps its record."""
    known = [each.name for each in run.surveys if each.role == "source"]
    return listed(run.metrics.get(SOURCES) or known or [str(run.metrics["source"])])


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
    origin = attributes.get("origin", {})
    said = [f"{name} {value}" for name, value in origin.get("simulate", origin).items()]
    notes = ["simulated, " * ("simulate" in origin) + (", ".join(said) or "origin not recorded")]
    if "counts" in attributes:
        counts = attributes["counts"]
        lost = [f"{count} {name.replace('_', ' ')}" for name, count in counts["dropped"].items() if count]
        notes.append(f"{counts['read']} candidates read, dropped: {', '.join(lost) or 'none'}")
    if "labels" in attributes:
        given = attributes["labels"]
        told = (
            f": {given['changed']:,} of {given['replaced']:,} differ"
            if given["replaced"]
            else ", which has none"
        )
        notes.append(f"Its labels are those of {given['name']}, in place of the archive's{told}")
    if "class_map" in attributes:
        classes: dict[str, list[str]] = {label: [] for label in LABELS}
        for name, label in attributes["class_map"].items():
            classes[label].append(name)
        listed = [f"{label}: {', '.join(names)}" for label, names in classes.items() if names]
        notes.append(f"Classes that are {'; '.join(listed)}")
    return notes
