"""Score one unit of work, in any process."""

from collections.abc import Iterable
from functools import lru_cache, partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from stampshift import alerts
from stampshift.core.errors import ContractError
from stampshift.release.released import OUT_OF_DISTRIBUTION, ReleasedModel
from stampshift.scoring.preparing import prepare
from stampshift.scoring.scores_file import SCHEMA
from stampshift.stamps.file import Stamps


class StampRows(NamedTuple):
    """Rows of a stamps file."""

    path: Path
    start: int
    stop: int


class Scoring(NamedTuple):
    """What all units are scored with; picklable."""

    release: Path  # folder of the released model
    survey: str | None  # name to give all candidates, None for their own
    threshold: float | None  # score from which a candidate is called real, None for no call


def score_unit(unit: alerts.Unit | StampRows, *, scoring: Scoring) -> pa.Table:
    """Lines of the scores file (`scores_file.SCHEMA`) of one unit, in order."""
    release = _release(scoring.release)
    if isinstance(unit, StampRows):
        candidates, stamps = _of_stamps_file(unit, survey=scoring.survey)
    else:
        candidates, stamps = prepare(alerts.decode(unit), contract=release.contract, survey=scoring.survey)
    return _lines(candidates, stamps, release=release, threshold=scoring.threshold)


def score_alerts(
    model: ReleasedModel,
    found: Iterable[alerts.Alert],
    *,
    survey: str | None = None,
    threshold: float | None = None,
) -> pd.DataFrame:
    """Score alerts with a released model; `stampshift score` does it for nights that exceed the memory.

    Parameters
    ----------
    model
        The released model.
    found
        Such as `read_alerts` yields; they may be of several surveys.
    survey
        Name to give all of them, such as one of the model's surveys; None for that of their packets.
    threshold
        Score from which an alert is called real; without it the column ``real`` is empty.

    Returns
    -------
    pandas.DataFrame
        A line per alert: ``id``, ``object``, ``survey``, ``score`` (P(real), missing where there can be
        none), ``real``, ``similarity``, ``distance``, ``survey_score``, ``flags``, ``reason`` and ``place``.

    Examples
    --------
    >>> from stampshift import ReleasedModel, read_alerts, score_alerts
    >>> model = ReleasedModel.open("rubin-model")
    >>> scores = score_alerts(model, read_alerts("tonight"), threshold=0.5)
    >>> scores["survey"].tolist(), scores["score"].between(0, 1).tolist()
    (['Rubin', 'Rubin'], [True, True])
    """
    candidates, stamps = prepare(found, contract=model.contract, survey=survey)
    return _lines(candidates, stamps, release=model, threshold=threshold).to_pandas()


@lru_cache(maxsize=1)
def _release(folder: Path) -> ReleasedModel:
    return ReleasedModel.open(folder)


@lru_cache(maxsize=4)
def open_stamps(path: Path) -> Stamps:
    """A stamps file, opened once per process."""
    return Stamps.open(path, unlabelled=True)


def check_stamps(path: Path, *, release: ReleasedModel) -> int:
    """Number of stamps in a file; a `ContractError` if the model scores another size or normalisation."""
    stamps, contract = open_stamps(path), release.contract
    found = {
        "size_pixels": stamps.stamps.shape[-1],
        "normalisation": stamps.attributes.get("normalisation", contract.normalisation),
    }
    for name, value in found.items():
        expected = getattr(contract, name)
        if value != expected:
            raise ContractError(
                f"{path}: {release.folder} scores stamps of {name} {expected}, found {value}. Make the file "
                f"again with `stamps.{name}: {expected}`, or score the archive's packets."
            )
    return len(stamps)


def _of_stamps_file(unit: StampRows, *, survey: str | None) -> tuple[list[alerts.Alert], NDArray[np.float32]]:
    stamps, rows = open_stamps(unit.path), range(unit.start, unit.stop)
    known = partial(alerts.Alert, images=None, problem="", detail="", survey_score=float("nan"))
    candidates = [
        known(
            place=f"{unit.path}, row {row}",
            survey=survey or stamps.survey,
            identifier=str(stamps.ids[row]),
            group=str(stamps.groups[row]),
        )
        for row in rows
    ]
    return candidates, np.ascontiguousarray(stamps.stamps[unit.start : unit.stop])


def _lines(
    candidates: list[alerts.Alert],
    stamps: NDArray[np.float32],
    *,
    release: ReleasedModel,
    threshold: float | None,
) -> pa.Table:
    """Lines of candidates, of which those without a problem have a stamp."""
    scored = np.array([not candidate.problem for candidate in candidates], bool)
    scores = release.score(stamps)
    surveys = np.array([candidate.survey for candidate in candidates], np.str_)
    outlying = np.zeros(len(candidates), bool)
    for survey in set(surveys[scored].tolist()):
        of_survey = surveys[scored] == survey
        outlying[scored & (surveys == survey)] = release.outlying(scores.distance[of_survey], survey=survey)
    call = None if threshold is None else scores.score >= np.float32(threshold)
    columns = {
        "id": [candidate.identifier for candidate in candidates],
        "object": [candidate.group for candidate in candidates],
        "survey": surveys.tolist(),
        "score": _where(scored, scores.score),
        "real": pa.nulls(len(candidates), pa.bool_()) if call is None else _where(scored, call),
        "similarity": _where(scored, scores.similarity),
        "distance": _where(scored, scores.distance),
        "survey_score": pa.array([candidate.survey_score for candidate in candidates], from_pandas=True),
        "flags": [
            OUT_OF_DISTRIBUTION if odd else candidate.problem
            for candidate, odd in zip(candidates, outlying, strict=True)
        ],
        "reason": [candidate.detail for candidate in candidates],
        "place": [candidate.place for candidate in candidates],
    }
    return pa.table(columns).cast(SCHEMA)


def _where(scored: NDArray[np.bool_], values: NDArray[np.generic]) -> pa.Array:
    """Values of the scored candidates among nulls for the others."""
    spread = np.zeros(len(scored), values.dtype)
    spread[scored] = values
    return pa.array(spread, mask=~scored)
