"""The model card: what a released model is, how well it does and where it ends, in Markdown."""

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from jinja2 import Environment, StrictUndefined

from stampshift import __version__
from stampshift.errors import ContractError
from stampshift.evaluation.labels import counted, method_label
from stampshift.release.card_tables import (
    calibration_lines,
    class_lines,
    data_lines,
    fault_lines,
    operating_lines,
    outlying_lines,
    performance_lines,
    shots_by_label,
)
from stampshift.release.reference import ReleasedSurvey
from stampshift.release.released import Release
from stampshift.stamps import CHANNELS

TEMPLATE = Path(__file__).with_name("card.md.jinja")
COIN = 0.6  # balanced accuracy of validation, below which the card says what the model is
AGREEMENT = 0.01  # of a score on disk with the model's: another device or another torch moves the last digits


def model_card(
    release: Release,
    *,
    metrics: Mapping[str, Any],
    predictions: pd.DataFrame,
    surveys: Sequence[ReleasedSurvey],
) -> str:
    """Fill the card of a release from its run.

    Parameters
    ----------
    release
        The released model.
    metrics
        Content of the run's `metrics.json`.
    predictions
        Columns ``survey``, ``row``, ``label`` and ``score``, a line per test stamp.
    surveys
        As given to the release.

    Raises
    ------
    ContractError
        If the predictions are not those of this model.
    """
    tested = pd.concat(
        [_tested(release, each, predictions) for each in surveys if each.name in set(predictions["survey"])],
        ignore_index=True,
    )
    home = {each.name: each for each in surveys}[release.contract.home]
    tables = {
        "data": data_lines(surveys, predictions, metrics),
        "performance": performance_lines(tested),
        "classes": class_lines(tested),
        "calibration": calibration_lines(tested),
        "operating": operating_lines(release, tested),
        "outlying": outlying_lines(release, tested),
        "faults": fault_lines(release, home, _test_rows(home, predictions)),
    }
    environment = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        title=_title(metrics),
        contract=release.contract,
        metrics=metrics,
        adapted=metrics["target"] is not None,
        coin=metrics.get("validation_balanced_accuracy", 1) < COIN,
        given=_shots(metrics, "labelled stamp", per_class=" per class"),
        in_turn=any(each.validation_logits is not None for each in surveys),
        options=dict(metrics.get("options") or {}),
        surveys=surveys,
        origins={each.name: _origin(each.stamps.attributes.get("origin", {})) for each in surveys},
        raw=[(each.name, each.stamps.attributes) for each in surveys],
        channels=CHANNELS,
        tables={name: _markdown(lines) for name, lines in tables.items()},
        versions={
            "stampshift": __version__,
            "torch": torch.__version__,
            "onnx": version("onnx"),
            "onnxruntime": version("onnxruntime"),
            "numpy": np.__version__,
        },
    )


def _title(metrics: Mapping[str, Any]) -> str:
    if metrics["target"] is None:
        return f"{method_label(metrics['method'])} of {metrics['source']}"
    shots = _shots(metrics, "shot", per_class="")
    return f"{method_label(metrics['method'])}, {shots}, {metrics['source']} to {metrics['target']}"


def _shots(metrics: Mapping[str, Any], noun: str, *, per_class: str) -> str:
    """``"20 shots"`` where there are as many of each class, or ``"7 real and 3 bogus shots"``."""
    numbers = shots_by_label(metrics)
    if len(set(numbers.values())) == 1:
        return counted(numbers["real"], noun) + per_class
    return f"{numbers['real']} real and {counted(numbers['bogus'], f'bogus {noun}')}"


def _origin(origin: Mapping[str, Any]) -> str:
    """``"simulated (stamps 10000, seed 4)"``, or the archive's address or path."""
    if "simulate" in origin:
        return f"simulated ({', '.join(f'{name} {value}' for name, value in origin['simulate'].items())})"
    return "; ".join(f"{name} {value}" for name, value in origin.items()) or "origin not recorded"


def _test_rows(survey: ReleasedSurvey, predictions: pd.DataFrame) -> Any:
    """Rows of the test stamps in the survey's own file."""
    here = (predictions["survey"] == survey.name) & (survey.tested is None)
    return predictions.loc[here, "row"].to_numpy()


def _tested(release: Release, survey: ReleasedSurvey, predictions: pd.DataFrame) -> pd.DataFrame:
    """Test stamps of a survey: the run's labels and scores, and what the released model says of them."""
    lines = predictions[predictions["survey"] == survey.name]
    rows = lines["row"].to_numpy()
    stamps = survey.tested or survey.stamps
    scores = release.score(stamps.stamps[rows])
    found = 1 / (1 + np.exp(-scores.logit.astype(np.float64)))
    apart = float(np.abs(found - lines["score"]).max())
    if apart > AGREEMENT:
        raise ContractError(
            f"{survey.name}: predictions.parquet holds other scores of the test stamps than model.pt gives, "
            f"{apart:.3g} apart; the two are not of one run, or the stamps file has changed."
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


def _markdown(lines: Sequence[Mapping[str, str]]) -> str:
    return pd.DataFrame(list(lines)).to_markdown(index=False, disable_numparse=True)
