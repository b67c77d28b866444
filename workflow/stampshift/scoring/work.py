"""Score one unit of work in whatever process it comes to."""

from functools import lru_cache, partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from stampshift import alerts
from stampshift.core.errors import ContractError
from stampshift.release.released import OUT_OF_DISTRIBUTION, Release
from stampshift.scoring.preparing import Candidate, prepare
from stampshift.scoring.scores_file import SCHEMA
from stampshift.stamps.file import Stamps

NAN = float("nan")


class StampRows(NamedTuple):
    """Rows of a stamps file."""

    path: Path
    start: int
    stop: int


class How(NamedTuple):
    """What all units are scored with; picklable.

    Attributes
    ----------
    release
        Folder of the released model.
    survey
        Name to give all candidates, None for their own.
    threshold
        Score from which a candidate is called real, None for no call.
    """

    release: Path
    survey: str | None
    threshold: float | None


def score_unit(unit: alerts.Unit | StampRows, *, how: How) -> pa.Table:
    """Lines of the scores file (`scores_file.SCHEMA`) of one unit, in order."""
    release = _release(how.release)
    if isinstance(unit, StampRows):
        candidates, stamps = _of_stamps_file(unit, survey=how.survey)
    else:
        candidates, stamps = prepare(alerts.decode(unit), contract=release.contract, survey=how.survey)
    return _lines(candidates, stamps, release=release, threshold=how.threshold)


@lru_cache(maxsize=1)
def _release(folder: Path) -> Release:
    return Release.open(folder)


@lru_cache(maxsize=4)
def open_stamps(path: Path) -> Stamps:
    """A stamps file, opened once per process."""
    return Stamps.open(path, unlabelled=True)


def check_stamps(path: Path, *, release: Release) -> int:
    """Number of stamps in a file that is such as the model scores.

    Raises
    ------
    ContractError
        If its stamps have another size, or were normalised in another way.
    """
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


def _of_stamps_file(rows: StampRows, *, survey: str | None) -> tuple[list[Candidate], NDArray[np.float32]]:
    stamps = open_stamps(rows.path)
    known = partial(Candidate, survey=survey or stamps.survey, survey_score=NAN, flag="", reason="")
    candidates = [
        known(place=f"{rows.path}, row {row}", identifier=identifier, group=group)
        for row, identifier, group in zip(
            range(rows.start, rows.stop),
            stamps.ids[rows.start : rows.stop].tolist(),
            stamps.groups[rows.start : rows.stop].tolist(),
            strict=True,
        )
    ]
    return candidates, np.ascontiguousarray(stamps.stamps[rows.start : rows.stop])


def _lines(
    candidates: list[Candidate], stamps: NDArray[np.float32], *, release: Release, threshold: float | None
) -> pa.Table:
    scored = np.array([not candidate.flag for candidate in candidates], bool)
    scores = release.score(stamps)
    surveys = np.array([candidate.survey for candidate in candidates], np.str_)
    outlying = np.zeros(len(candidates), bool)
    for survey in set(surveys[scored].tolist()):
        outlying[scored & (surveys == survey)] = release.outlying(
            scores.distance[surveys[scored] == survey], survey=survey
        )
    flags = [
        OUT_OF_DISTRIBUTION if odd else candidate.flag
        for candidate, odd in zip(candidates, outlying, strict=True)
    ]
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
        "flags": flags,
        "reason": [candidate.reason for candidate in candidates],
        "place": [candidate.place for candidate in candidates],
    }
    return pa.table(columns).cast(SCHEMA)


def _where(scored: NDArray[np.bool_], values: NDArray[np.generic]) -> pa.Array:
    """Values of the scored candidates among nulls for the others."""
    spread = np.zeros(len(scored), values.dtype)
    spread[scored] = values
    return pa.array(spread, mask=~scored)
