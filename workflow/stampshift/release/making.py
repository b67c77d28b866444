"""A run becomes a released model: a folder that appears whole or not at all."""

import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from stampshift.core.errors import ContractError
from stampshift.core.files import explained, write_parquet
from stampshift.core.provenance import file_digest
from stampshift.release.card import model_card
from stampshift.release.contract import CARD, DIGESTED, MODEL, ONNX, REFERENCE, Contract
from stampshift.release.network import OnnxNetwork
from stampshift.release.onnx_file import TOLERANCE, ReleasedNetwork, exposed_layers, onnx_bytes, parity
from stampshift.release.outliers import Outliers
from stampshift.release.reference import ReleasedSurvey, calibrate, reference_table, thresholds
from stampshift.release.released import Release
from stampshift.stamps.file import CHANNELS
from stampshift.training.model import Model

QUANTILE = 0.01  # of stamps like the reference that may be flagged as out of distribution
ROLES = ("source", "target")


def make_release(
    output: Path,
    *,
    model: Model,
    metrics: Mapping[str, Any],
    predictions: pd.DataFrame,
    surveys: Sequence[ReleasedSurvey],
    quantile: float = QUANTILE,
) -> None:
    """Write a released model: network, contract, reference and model card.

    Parameters
    ----------
    output
        The folder, which must not be there yet.
    model
        The trained model.
    metrics, predictions
        Content of the run's `metrics.json` and `predictions.parquet`, for the model card alone.
    surveys
        The source and, of an adapted model, the target.
    quantile
        Share of a survey's own stamps that may be flagged as out of distribution.

    Raises
    ------
    ContractError
        If the folder is there, the surveys' stamps do not fit the model or each other, a survey has no
        reference stamp, the model calls all stamps the same, or ONNX Runtime and torch disagree.
    WriteError
        If the disk is full, or the folder may not be written to.
    """
    home = _checked(surveys, model)
    with _whole_folder(output) as folder:
        model.save(folder / MODEL)
        classifier = model.classifier(torch.device("cpu"))
        description = {"channels": ",".join(CHANNELS), "normalisation": _normalisation(home)}
        trained = np.concatenate([each.training_sample() for each in surveys])
        network = ReleasedNetwork(classifier, Outliers.fit(exposed_layers(classifier, trained)))
        content = onnx_bytes(network, size_pixels=model.size_pixels, description=description)
        (folder / ONNX).write_bytes(content)
        runtime = OnnxNetwork(content, threads=1)
        reference = reference_table(surveys, network=runtime)
        write_parquet(folder / REFERENCE, reference)
        held_out = np.concatenate([each.held_out_sample() for each in surveys])
        Contract(
            network=model.network,
            head=model.head,
            size_pixels=model.size_pixels,
            normalisation=_normalisation(home),
            surveys={
                each.name: {"role": each.role, "invalid": each.stamps.attributes["invalid"]}
                for each in surveys
            },
            calibration=calibrate(reference, survey=home.name),
            out_of_distribution={
                "quantile": quantile,
                "thresholds": thresholds(reference, quantile=quantile),
            },
            parity=parity(runtime, network, held_out, tolerance=TOLERANCE),
            simulated=any("simulate" in each.stamps.attributes.get("origin", {}) for each in surveys),
            digests={name: file_digest(folder / name) for name in DIGESTED},
        ).write(folder)
        card = model_card(Release.open(folder), metrics=metrics, predictions=predictions, surveys=surveys)
        (folder / CARD).write_text(card, encoding="utf-8")


@contextmanager
def _whole_folder(output: Path) -> Iterator[Path]:
    """Folder to fill, which gets its name at the end, or is gone."""
    if output.exists():
        raise ContractError(f"{output}: is there already; give another --output, or delete it first.")
    temporary = output.with_name(f".{output.name}.{uuid.uuid4().hex[:8]}.part")
    with explained(output):
        try:
            temporary.mkdir(parents=True)
            yield temporary
            temporary.replace(output)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def _checked(surveys: Sequence[ReleasedSurvey], model: Model) -> ReleasedSurvey:
    """The survey for which the model was made, all of them being such that it can be released."""
    by_role = {each.role: each for each in surveys}
    if "source" not in by_role or len(by_role) != len(surveys) or set(by_role) - set(ROLES):
        raise ValueError(f"a released model has a source and at most one target, found {sorted(by_role)}")
    for each in surveys:
        size = each.stamps.stamps.shape[-1]
        if size != model.size_pixels:
            raise ContractError(
                f"{each.name}: expected stamps of {model.size_pixels} pixels, those of the model, found "
                f"{size}; give the stamps file that the model was trained on."
            )
    normalisations = {_normalisation(each) for each in surveys}
    if len(normalisations) > 1:
        raise ContractError(
            f"{' and '.join(each.name for each in surveys)}: expected one normalisation of stamps, found "
            f"{' and '.join(sorted(normalisations))}; give the stamps files that the model was trained on."
        )
    return by_role.get("target", by_role["source"])


def _normalisation(survey: ReleasedSurvey) -> str:
    attributes = survey.stamps.attributes
    missing = {"normalisation", "invalid"} - set(attributes)
    if missing:
        raise ContractError(
            f"{survey.name}: the stamps file does not say its {' nor its '.join(sorted(missing))}, which a "
            "score needs; it is of an older version: delete it, and the workflow makes it again."
        )
    return str(attributes["normalisation"])
