"""Score one unit of work, in any process. Alerts with a problem are reported; nothing is filled in."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import compress
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from stampshift import alerts
from stampshift.alerts import dividing
from stampshift.alerts.dialects import DIALECTS, unread
from stampshift.alerts.dividing import unreadable
from stampshift.core.errors import ContractError
from stampshift.core.printing import printable
from stampshift.release.contract import Contract
from stampshift.release.released import OUT_OF_DISTRIBUTION, ReleasedModel
from stampshift.scoring.scores_file import NO_VALID_PIXEL, SCHEMA, SEPARATOR, UNFIT
from stampshift.stamps.cropping import central_crop, unfit
from stampshift.stamps.file import CHANNELS, Stamps, verify_stamps
from stampshift.stamps.preprocessing import NO_INFORMATION, Counts, normalise_and_fill, without_information
from stampshift.stamps.raw_triplets import InvalidPixels

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
        A line per alert: ``id``, ``object``, ``survey``, ``score`` (P(real), missing where there can be
        none), ``real``, ``similarity``, ``distance``, ``survey_score``, ``flags``, ``reason`` and ``place``.

    Raises
    ------
    ContractError
        If the model does not know `survey`.

    Examples
    --------
    >>> from stampshift import ReleasedModel, read_alerts, score_alerts
    >>> model = ReleasedModel.open("rubin-model")
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
    stamps, lost = open_stamps(unit.path), dict(unit.lost)
    candidates = []
    for row in range(unit.start, unit.stop):
        place = f"{unit.path}, row {row}"
        alert = unreadable(place, lost[row]) if row in lost else unread(place, "", problem="")
        identifier, group = str(stamps.ids[row]), str(stamps.groups[row])
        candidates.append(replace(alert, survey=survey or stamps.survey, identifier=identifier, group=group))
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


def prepare(
    found: Iterable[alerts.Alert], *, contract: Contract, survey: str | None
) -> tuple[list[alerts.Alert], Images]:
    """Preprocess alerts as the stamps were on which the model was trained.

    The survey is a name to give all of them, such as one of the model's; None leaves them that of their
    packets.

    Returns
    -------
    candidates
        The alerts in order, without their images, under that name and with the problem that forbids a score.
    stamps
        float32 (n, 3, size, size) of those without a problem, in order.
    """
    candidates, pixels = [], []
    for alert in found:
        name, crops = survey or alert.survey, None
        if alert.images is not None:
            crops, problem, detail = _cropped(alert, name, contract)
            if crops is None:
                alert = replace(alert, problem=problem, detail=detail)
            else:
                pixels.append(crops)
        candidates.append(replace(alert, survey=name, images=None))
    size = contract.size_pixels
    stacked = np.array(pixels, np.float32).reshape(-1, len(CHANNELS), size, size)
    blank = without_information(stacked, invalid=InvalidPixels())
    fit = [row for row, candidate in enumerate(candidates) if not candidate.problem]
    for row in compress(fit, blank):
        reason = f"{candidates[row].place}: expected images of something, found each of the three constant."
        candidates[row] = replace(candidates[row], problem=NO_INFORMATION, detail=reason)
    stacked = stacked[~blank]
    # marks are NaN by now, which is invalid everywhere
    return candidates, normalise_and_fill(
        stacked, normalisation=contract.normalisation, invalid=InvalidPixels(), counts=Counts()
    )


def _cropped(alert: alerts.Alert, survey: str, contract: Contract) -> tuple[Images | None, str, str]:
    """Crops (3, size, size) of an alert with NaN for marks; or None, the problem, and the reason."""
    images, size = alert.images or (), contract.size_pixels
    problem = unfit(images, size_pixels=size)
    if problem:
        sizes = ", ".join(" x ".join(map(str, image.shape)) for image in images)
        reason = f"{alert.place}: expected three square images of at least {size} pixels, found {sizes}."
        return None, UNFIT[problem], reason
    crops = np.stack([central_crop(image, size_pixels=size) for image in images])
    marks = [DIALECTS[alert.survey].invalid if alert.survey in DIALECTS else InvalidPixels()]
    marks += [contract.invalid(survey)] if survey in contract.surveys else []
    for each in marks:
        crops[each.mask(crops)] = np.nan
    empty = [name for name, crop in zip(CHANNELS, crops, strict=True) if not np.isfinite(crop).any()]
    if empty:
        reason = (
            f"{alert.place}: expected valid pixels in every image's central {size} x {size}, found none in "
            f"{' and '.join(empty)}."
        )
        return None, NO_VALID_PIXEL, reason
    return crops, "", ""


def _lines(
    candidates: list[alerts.Alert], stamps: Images, *, release: ReleasedModel, threshold: float | None
) -> pa.Table:
    """Lines of candidates, of which those without a problem have a stamp."""
    scored = np.array([not candidate.problem for candidate in candidates], bool)
    scores = release.score(stamps)
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
        "score": _where(scored, scores.score),
        "real": called,
        "similarity": _where(scored, scores.similarity),
        "distance": _where(scored, scores.distance),
        "survey_score": pa.array([candidate.survey_score for candidate in candidates], from_pandas=True),
        "flags": [
            SEPARATOR.join(filter(None, (each.problem, each.caution, out * OUT_OF_DISTRIBUTION)))
            for each, out in zip(candidates, odd.tolist(), strict=True)
        ],
        "reason": [printable(candidate.detail) for candidate in candidates],
        "place": [printable(candidate.place) for candidate in candidates],
    }
    return pa.table(columns).cast(SCHEMA)


def _where(scored: NDArray[np.bool_], values: NDArray[np.generic]) -> pa.Array:
    """Values of the scored candidates among nulls for the others."""
    spread = np.zeros(len(scored), values.dtype)
    spread[scored] = values
    return pa.array(spread, mask=~scored)
