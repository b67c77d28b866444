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
from stampshift.core.errors import ContractError
from stampshift.release import card_text
from stampshift.release.card_tables import (
    calibration_lines,
    change_lines,
    class_lines,
    data_lines,
    fault_lines,
    operating_lines,
    outlying_lines,
    performance_lines,
)
from stampshift.release.reference import ReleasedSurvey, spread
from stampshift.release.released import Release
from stampshift.stamps.file import CHANNELS
from stampshift.stamps.splits import Rows

TEMPLATE = Path(__file__).with_name("card.md.jinja")
COIN = 0.6  # balanced accuracy of validation, below which the card says what the model is
FAULTY_STAMPS = 500  # at most so many are made wrong on purpose
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
    faulty_rows, faulty_part = _faulty_rows(home, predictions)
    tables = {
        "data": data_lines(surveys, predictions, metrics),
        "performance": performance_lines(tested),
        "classes": class_lines(tested),
        "calibration": calibration_lines(tested),
        "operating": operating_lines(release, tested),
        "outlying": outlying_lines(release, tested),
        "faults": fault_lines(release, home, faulty_rows),
        "changes": change_lines(metrics),
    }
    environment = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        title=card_text.title(metrics, simulated=release.contract.simulated),
        contract=release.contract,
        metrics=metrics,
        adapted=metrics["target"] is not None,
        coin=metrics.get("validation_balanced_accuracy", 1) < COIN,
        given=card_text.given(metrics, home),
        learns_unlabelled=card_text.learns_unlabelled(metrics),
        in_turn=any(each.validation_logits is not None for each in surveys),
        method=card_text.method(metrics),
        options=card_text.options(metrics),
        notes={each.name: card_text.data_notes(each.stamps.attributes) for each in surveys},
        attributes={each.name: each.stamps.attributes for each in surveys},
        channels=CHANNELS,
        tables={name: _markdown(lines) for name, lines in tables.items()},
        home_tested=home.name in set(tested["survey"]),
        faulty=f"{len(faulty_rows)} {faulty_part} stamps",
        not_helped=card_text.not_helped(tables["calibration"], home.name),
        versions={
            "stampshift": __version__,
            "torch": torch.__version__,
            "onnx": version("onnx"),
            "onnxruntime": version("onnxruntime"),
            "numpy": np.__version__,
        },
    )


def _faulty_rows(survey: ReleasedSurvey, predictions: pd.DataFrame) -> tuple[Rows, str]:
    """Rows of the survey's own file on which to try faults, and which part they are of."""
    here = (predictions["survey"] == survey.name) & (survey.tested is None)
    test = predictions.loc[here, "row"].to_numpy()
    rows, part = (test, "test") if len(test) else (survey.held_out, "reference")
    return spread(rows, FAULTY_STAMPS), part


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
