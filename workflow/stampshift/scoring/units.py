"""Score one unit of work, in any process. Alerts with a problem are reported; nothing is filled in."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from stampshift import alerts
from stampshift.alerts import dividing
from stampshift.alerts.dialects import unread
from stampshift.alerts.dividing import unreadable
from stampshift.core.errors import ContractError
from stampshift.core.printing import printable
from stampshift.release.preparing import prepare
from stampshift.release.released import OUT_OF_DISTRIBUTION, ReleasedModel
from stampshift.scoring.scores_file import SCHEMA, SEPARATOR
from stampshift.stamps.file import Stamps, verify_stamps
from stampshift.stamps.metadata import NO_METADATA, of_row
from stampshift.stamps.shown import open_shown

Images = NDArray[np.float32]


class StampRows(NamedTuple):
    """Rows of a stamps file."""

    path: Path
    start: int
    stop: int
    lost: tuple[tuple[int, str], ...] = ()  # rows that ended the process that read them, and how


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
    """Score alerts, such as `read_alerts` yields; `stampshift score` does it for nights beyond the memory.

    All alerts are taken to be of `survey`, one of the model's; None leaves them that of their packets. From
    `threshold` on an alert is called real; without it the column ``real`` is empty.

    Returns
    -------
    pandas.DataFrame
        A line per alert: ``id``, ``object``, ``survey``; ``ra``, ``dec`` (degrees), ``mjd`` (UTC), ``band``,
        ``magnitude`` and ``sign`` of the difference, missing where the packet has none; ``score`` (P(real),
        missing where there can be none), ``real``, ``similarity``, ``distance``, ``survey_score``, ``flag``,
        ``reason`` and ``place``.

    Raises
    ------
    ContractError
        If the model does not know `survey`.

    Examples
    --------
    >>> from stampshift import load, read_alerts, score_alerts
    >>> model = load("rubin-model")
    >>> scores = score_alerts(model, read_alerts("tonight"), threshold=0.5)
    >>> scores["survey"].tolist(), scores["score"].between(0, 1).tolist()
    (['Rubin', 'Rubin'], [True, True])
    """
    check_survey(survey, release=model)
    candidates, stamps = prepare(found, contract=model.contract, survey=survey)
    return _lines(candidates, stamps, release=model, threshold=threshold).to_pandas()


def check_survey(survey: str | None, *, release: ReleasedModel) -> None:
    """Raise a `ContractError` if all alerts are to be of a survey that the model does not know."""
    if survey is not None:
        release.check_known(survey, why="leave it out where the alerts are of another survey.")


@lru_cache(maxsize=1)
def _release(folder: Path) -> ReleasedModel:
    return ReleasedModel.open(folder)


@lru_cache(maxsize=4)
def open_stamps(path: Path) -> Stamps:
    """A stamps file, opened once per process."""
    return Stamps.open(path, unlabelled=True)


@lru_cache(maxsize=4)
def _metadata(path: Path) -> NDArray[np.void] | None:
    """What a stamps file says of its stamps, of `metadata.DTYPE`; None if nothing."""
    stamps = open_stamps(path)
    return open_shown(path, stamps.attributes, count=len(stamps)).metadata


def check_stamps(path: Path, *, release: ReleasedModel) -> int:
    """Number of stamps in a file.

    A `ContractError` if it has changed, or the model scores another size or normalisation.
    """
    verify_stamps(path, fingerprints=False)
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


def _of_stamps_file(unit: StampRows, *, survey: str | None) -> tuple[list[alerts.Alert], Images]:
    stamps, lost, shown = open_stamps(unit.path), dict(unit.lost), _metadata(unit.path)
    candidates = []
    for row in range(unit.start, unit.stop):
        place = f"{unit.path}, row {row}"
        alert = unreadable(place, lost[row]) if row in lost else unread(place, "", problem="")
        identifier, group = str(stamps.ids[row]), str(stamps.groups[row])
        known = NO_METADATA if shown is None else of_row(shown[row])
        alert = replace(alert, identifier=identifier, group=group, metadata=known)
        candidates.append(replace(alert, survey=survey or stamps.survey))
    if not lost:
        return candidates, np.ascontiguousarray(stamps.stamps[unit.start : unit.stop])
    pixels = [stamps.stamps[row] for row in range(unit.start, unit.stop) if row not in lost]
    return candidates, np.array(pixels, np.float32).reshape(-1, *stamps.stamps.shape[1:])


def divide(unit: alerts.Unit | StampRows) -> Sequence[alerts.Unit | StampRows]:
    """Two halves of a unit, or itself alone, to find the candidate that ends whatever reads it."""
    if isinstance(unit, alerts.Unit):
        return dividing.divide(unit)
    middle = (unit.start + unit.stop) // 2
    if middle == unit.start:
        return [unit]
    return [StampRows(unit.path, unit.start, middle), StampRows(unit.path, middle, unit.stop)]


def lost(unit: alerts.Unit | StampRows, reason: str, named: bool) -> alerts.Unit | StampRows:
    """A unit in place of one that cannot be divided, whose candidates are flagged for a reason.

    Identifiers of packets are read only if they are to be `named`.
    """
    if isinstance(unit, alerts.Unit):
        return dividing.lost(unit, reason, named)
    return unit._replace(lost=tuple((row, reason) for row in range(unit.start, unit.stop)))


def join(units: Sequence[alerts.Unit | StampRows]) -> alerts.Unit | StampRows:
    """What was divided, together again."""
    rows = [unit for unit in units if isinstance(unit, StampRows)]
    if not rows:
        return dividing.join([unit for unit in units if isinstance(unit, alerts.Unit)])
    return StampRows(rows[0].path, rows[0].start, rows[-1].stop, sum((unit.lost for unit in rows), ()))


def _lines(
    candidates: list[alerts.Alert], stamps: Images, *, release: ReleasedModel, threshold: float | None
) -> pa.Table:
    """Lines of candidates, of which those without a problem have a stamp."""
    scored = np.array([not candidate.problem for candidate in candidates], bool)
    scores = release.score_stamps(stamps)
    limits = [release.limit(candidate.survey) for candidate in candidates if not candidate.problem]
    outlying = scores.distance > np.array(limits, np.float32)
    odd = np.zeros(len(candidates), bool)
    odd[scored] = outlying
    called = pa.nulls(len(candidates), pa.bool_())
    if threshold is not None:
        called = _where(scored, scores.score >= np.float32(threshold))
    columns = {
        "id": [printable(candidate.identifier) for candidate in candidates],
        "object": [printable(candidate.group) for candidate in candidates],
        "survey": [printable(candidate.survey) for candidate in candidates],
        **_sky(candidates),
        "score": _where(scored, scores.score),
        "real": called,
        "similarity": _where(scored, scores.similarity),
        "distance": _where(scored, scores.distance),
        "survey_score": pa.array([candidate.survey_score for candidate in candidates], from_pandas=True),
        "flag": [
            SEPARATOR.join(filter(None, (each.problem, each.caution, out * OUT_OF_DISTRIBUTION)))
            for each, out in zip(candidates, odd.tolist(), strict=True)
        ],
        "reason": [printable(candidate.detail) for candidate in candidates],
        "place": [printable(candidate.place) for candidate in candidates],
    }
    return pa.table(columns).cast(SCHEMA)


def _sky(candidates: Sequence[alerts.Alert]) -> dict[str, pa.Array]:
    """What packets say of where, when and how bright."""
    known = [candidate.metadata for candidate in candidates]
    columns = {
        name: pa.array([getattr(each, name) for each in known], pa.float64(), from_pandas=True)
        for name in ("ra", "dec", "mjd", "magnitude")
    }
    columns["band"] = pa.array([printable(each.band) for each in known])
    columns["sign"] = pa.array([each.sign or None for each in known], pa.int8())
    return {name: columns[name] for name in ("ra", "dec", "mjd", "band", "magnitude", "sign")}


def _where(scored: NDArray[np.bool_], values: NDArray[np.generic]) -> pa.Array:
    """Values of the scored candidates among nulls for the others."""
    spread = np.zeros(len(scored), values.dtype)
    spread[scored] = values
    return pa.array(spread, mask=~scored)
