"""A run becomes a released model: a folder that appears whole or not at all."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from stampshift.core.digests import write_digests
from stampshift.core.errors import ContractError
from stampshift.core.files import read_text, write_parquet
from stampshift.core.folders import new_folder
from stampshift.core.provenance import file_digest
from stampshift.networks.classifier import Classifier
from stampshift.release.card import model_card
from stampshift.release.card_tables import tested_stamps
from stampshift.release.contract import CARD, DIGESTED, MODEL, ONNX, RAW, REFERENCE, Contract
from stampshift.release.hub import write_hub_files
from stampshift.release.onnx_file import ReleasedNetwork, described, exposed_layers, onnx_bytes, parity
from stampshift.release.onnx_metadata import metadata_of
from stampshift.release.onnx_network import OnnxNetwork
from stampshift.release.outliers import Layers, Outliers
from stampshift.release.raw_network import raw_onnx_bytes
from stampshift.release.reference import (
    SAMPLE,
    ReleasedSurvey,
    calibrate,
    reference_table,
    spread,
    thresholds,
)
from stampshift.release.released import ReleasedModel
from stampshift.release.trained_run import TrainedRun, open_run
from stampshift.stamps.contents import check_attributes

QUANTILE = 0.01  # share of stamps like the reference that may be flagged as out of distribution


def export(
    run: Path | str,
    output: Path | str,
    *,
    stamps: Sequence[Path] = (),
    splits: Sequence[Path] = (),
    labels: Path | None = None,
    hub: bool = False,
    notes: Path | None = None,
) -> ReleasedModel:
    """Make a released model from a run's folder, as `stampshift export` does.

    Parameters are those of `trained_run.open_run`, the output folder, which must not exist yet, whether it is
    to be a repository of the Hugging Face Hub, and a Markdown file whose text the card takes over.

    Examples
    --------
    >>> from stampshift import export
    >>> model = export("results/baseline/HiTS/seed-0", "hits-model")
    >>> model.contract.home
    'HiTS'
    """
    text = "" if notes is None else read_text(notes, remedy="Name a Markdown file.")
    trained = open_run(Path(run), stamps=stamps, splits=splits, labels=labels)
    make_release(Path(output), trained, hub=hub, notes=text)
    return ReleasedModel.open(output)


def make_release(output: Path, run: TrainedRun, *, hub: bool = False, notes: str = "") -> None:
    """Write a released model: network, contract, reference and model card with some notes.

    For the Hugging Face Hub the card is a `README.md` with metadata.

    Raises
    ------
    ContractError
        If the folder exists, the surveys' stamps do not fit the model or each other, a survey has no
        reference stamp, the model calls all stamps the same, ONNX Runtime and torch disagree, or the run's
        predictions are not those of its model.
    WriteError
        If the disk is full, or the folder may not be written to.
    """
    model, surveys = run.model, run.surveys
    normalisation = _checked_normalisation(run)
    option = "--hub" if hub else "--output"
    with new_folder(output, advice=f"give another {option}, or delete it first") as folder:
        model.save(folder / MODEL)
        classifier = model.classifier(torch.device("cpu"))
        layers = exposed_layers(classifier, np.concatenate([each.sample(each.train) for each in surveys]))
        network = ReleasedNetwork(classifier, Outliers.fit(layers))
        content = onnx_bytes(network, size_pixels=model.size_pixels)
        runtime = OnnxNetwork(content, threads=1)
        unseen = _unseen(surveys, classifier, layers)
        reference = reference_table(surveys, network=runtime, unseen=unseen)
        write_parquet(folder / REFERENCE, reference)
        held_out = np.concatenate([each.sample(each.held_out) for each in surveys])
        contract = Contract(
            network=model.network,
            head=model.head,
            size_pixels=model.size_pixels,
            normalisation=normalisation,
            surveys={
                each.name: {"role": each.role, "invalid": each.stamps.attributes["invalid"]}
                for each in surveys
            },
            calibration=calibrate(reference, surveys=[each.name for each in run.homes]),
            out_of_distribution={
                "quantile": QUANTILE,
                "thresholds": thresholds(reference, quantile=QUANTILE),
            },
            parity=parity(runtime, network, held_out),
            simulated=any("simulate" in each.stamps.attributes.get("origin", {}) for each in surveys),
            digests={},
            started_from=asdict(run.start) if run.start else None,
        )
        metadata = metadata_of(contract)
        (folder / ONNX).write_bytes(described(content, metadata))
        (folder / RAW).write_bytes(described(raw_onnx_bytes(network, contract), metadata))
        digests = {name: file_digest(folder / name) for name in DIGESTED}
        replace(contract, digests=digests).write(folder)
        write_digests(folder)
        release = ReleasedModel.open(folder)
        tested = {each.name: tested_stamps(release, each, run.predictions) for each in surveys}
        card = model_card(release, run, tested=tested, notes=notes)
        if hub:  # its files are not among the digests: people edit them there
            write_hub_files(folder, release, card=card, tested=tested)
        else:
            (folder / CARD).write_text(card, encoding="utf-8")
            write_digests(folder)


def _unseen(
    surveys: Sequence[ReleasedSurvey], classifier: Classifier, layers: Layers
) -> dict[str, NDArray[np.float32]]:
    """By survey with folds, (2, n) similarities and distances of its n validation stamps.

    Each is by the training stamps, whose layers are given, without those of its fold: to a fit that has seen
    it, a stamp is much nearer than the next one of the night, which would then be flagged. Among some hundred
    stamps all would be.
    """
    sampled, found = [spread(each.train, SAMPLE) for each in surveys], {}
    for survey in (each for each in surveys if each.folds):
        likeness = np.zeros((2, len(survey.stamps)), np.float32)
        for fold in survey.folds:
            known = np.concatenate([fold.shots, fold.pile])
            parts = zip(surveys, sampled, strict=True)
            kept = [np.isin(rows, known) | (each is not survey) for each, rows in parts]
            others = torch.from_numpy(np.concatenate(kept))
            outliers = Outliers.fit(Layers(*(values[others] for values in layers)))
            judged = exposed_layers(classifier, survey.stamps.stamps[fold.held_out])
            likeness[:, fold.held_out] = torch.stack(outliers(judged.features, judged.activations)).numpy()
        found[survey.name] = likeness[:, survey.validation]
    return found


def _checked_normalisation(run: TrainedRun) -> str:
    """The normalisation of all surveys' stamps, once these fit the model and each other."""
    for each in run.surveys:
        check_attributes(each.stamps.attributes, each.name)
        size, expected = each.stamps.stamps.shape[-1], run.model.size_pixels
        if size != expected:
            raise ContractError(
                f"{each.name}: expected stamps of {expected} pixels, those of the model, found {size}; give "
                "the stamps file that the model was trained on."
            )
        missing = {"normalisation", "invalid"} - set(each.stamps.attributes)
        if missing:
            raise ContractError(
                f"{each.name}: the stamps file does not state its {' or its '.join(sorted(missing))}, which "
                "a score needs; delete it, and the workflow makes it again."
            )
    normalisations = {str(each.stamps.attributes["normalisation"]) for each in run.surveys}
    if len(normalisations) > 1:
        raise ContractError(
            f"{' and '.join(each.name for each in run.surveys)}: expected one normalisation of stamps, found "
            f"{' and '.join(sorted(normalisations))}; give the stamps files that the model was trained on."
        )
    return normalisations.pop()
