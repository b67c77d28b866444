"""A run becomes a released model: a folder that appears whole or not at all."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from stampshift.core.digests import write_digests
from stampshift.core.errors import ContractError
from stampshift.core.files import write_parquet
from stampshift.core.folders import new_folder
from stampshift.core.provenance import file_digest
from stampshift.release.card import model_card
from stampshift.release.contract import CARD, DIGESTED, MODEL, ONNX, REFERENCE, Contract
from stampshift.release.onnx_file import ReleasedNetwork, exposed_layers, onnx_bytes, parity
from stampshift.release.outliers import Outliers
from stampshift.release.reference import calibrate, reference_table, thresholds
from stampshift.release.released import OnnxNetwork, ReleasedModel
from stampshift.release.trained_run import TrainedRun, open_run
from stampshift.stamps.contents import check_attributes
from stampshift.stamps.file import CHANNELS

QUANTILE = 0.01  # share of stamps like the reference that may be flagged as out of distribution


def export(
    run: Path | str,
    output: Path | str,
    *,
    stamps: Sequence[Path] = (),
    splits: Sequence[Path] = (),
    labels: Path | None = None,
) -> ReleasedModel:
    """Make a released model from a run's folder, as `stampshift export` does.

    Parameters are those of `trained_run.open_run`, and the output folder, which must not exist yet.

    Examples
    --------
    >>> from stampshift import export
    >>> model = export("results/baseline/HiTS/seed-0", "hits-model")
    >>> model.contract.home
    'HiTS'
    """
    make_release(Path(output), open_run(Path(run), stamps=stamps, splits=splits, labels=labels))
    return ReleasedModel.open(output)


def make_release(output: Path, run: TrainedRun) -> None:
    """Write a released model: network, contract, reference and model card.

    Raises
    ------
    ContractError
        If the folder exists, the surveys' stamps do not fit the model or each other, a survey has no
        reference stamp, the model calls all stamps the same, or ONNX Runtime and torch disagree.
    WriteError
        If the disk is full, or the folder may not be written to.
    """
    model, surveys = run.model, run.surveys
    normalisation = _checked_normalisation(run)
    with new_folder(output, advice="give another --output, or delete it first") as folder:
        model.save(folder / MODEL)
        classifier = model.classifier(torch.device("cpu"))
        trained = np.concatenate([each.sample(each.train) for each in surveys])
        network = ReleasedNetwork(classifier, Outliers.fit(exposed_layers(classifier, trained)))
        description = {"channels": ",".join(CHANNELS), "normalisation": normalisation}
        content = onnx_bytes(network, size_pixels=model.size_pixels, description=description)
        (folder / ONNX).write_bytes(content)
        runtime = OnnxNetwork(content, threads=1)
        reference = reference_table(surveys, network=runtime)
        write_parquet(folder / REFERENCE, reference)
        held_out = np.concatenate([each.sample(each.held_out) for each in surveys])
        Contract(
            network=model.network,
            head=model.head,
            size_pixels=model.size_pixels,
            normalisation=normalisation,
            surveys={
                each.name: {"role": each.role, "invalid": each.stamps.attributes["invalid"]}
                for each in surveys
            },
            calibration=calibrate(reference, survey=run.home.name),
            out_of_distribution={
                "quantile": QUANTILE,
                "thresholds": thresholds(reference, quantile=QUANTILE),
            },
            parity=parity(runtime, network, held_out),
            simulated=any("simulate" in each.stamps.attributes.get("origin", {}) for each in surveys),
            digests={name: file_digest(folder / name) for name in DIGESTED},
        ).write(folder)
        write_digests(folder)
        (folder / CARD).write_text(model_card(ReleasedModel.open(folder), run), encoding="utf-8")
        write_digests(folder)


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
