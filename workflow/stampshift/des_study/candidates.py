"""Stamps whose label a network contradicts with confidence (Ayyar et al. 2022, section 4.2).

With p = P(artifact) = 1 - score, these are the categories 1, labelled artifact though p is low, and 6,
labelled real though p is high. The network has not seen the labels that it judges: each stamp is scored by
one that was trained on other folds.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from stampshift.core.errors import ContractError
from stampshift.stamps.file import BOGUS, REAL, Stamps

# a score of 0.9 in single precision leaves 0.10000002
DECIMALS = 6


def find_candidates(stamps: Stamps, predictions: pd.DataFrame, *, bounds: Sequence[float]) -> pd.DataFrame:
    """Stamps of categories 1 and 6, most suspicious first.

    Parameters
    ----------
    stamps
        The survey.
    predictions
        Columns ``survey``, ``row``, ``label`` and ``score`` of all folds: every stamp once.
    bounds
        Bounds of p = P(artifact), ascending; the lowest and the highest count, compared at six decimals.

    Returns
    -------
    pandas.DataFrame
        Columns ``row`` (int64), ``id`` (str), ``label`` (uint8, 1 real and 0 bogus), ``score`` (float64,
        P(real)), ``category`` (1 or 6) and ``suspicion`` (float64, the distance of score and label, from 0
        to 1), by falling suspicion and then by row.

    Raises
    ------
    ContractError
        If a stamp was scored twice or not at all, or the predictions are of other stamps.
    """
    _check_every_stamp_once(stamps, predictions)
    score = predictions.set_index("row")["score"].sort_index().to_numpy(np.float64)
    p = np.round(1 - score, DECIMALS)
    category = np.select(
        [(stamps.labels == BOGUS) & (p <= min(bounds)), (stamps.labels == REAL) & (p >= max(bounds))],
        [1, 6],
        0,
    )
    table = pd.DataFrame(
        {
            "row": np.arange(len(stamps), dtype=np.int64),
            "id": stamps.ids.astype(object),
            "label": stamps.labels,
            "score": score,
            "category": category.astype(np.int64),
            "suspicion": np.abs(stamps.labels - score),
        }
    )
    chosen = table[table["category"] > 0]
    return chosen.sort_values(["suspicion", "row"], ascending=[False, True], ignore_index=True)


def _check_every_stamp_once(stamps: Stamps, predictions: pd.DataFrame) -> None:
    remedy = "Delete the folder of the search; the workflow makes it again."
    rows, count = predictions["row"].to_numpy(), len(stamps)
    strangers = rows[(rows < 0) | (rows >= count)]
    if len(strangers) or set(predictions["survey"]) - {stamps.survey}:
        raise ContractError(
            f"search: expected scores of {stamps.survey}'s {count} stamps, found row "
            f"{strangers[0] if len(strangers) else rows[0]} of "
            f"{', '.join(sorted(map(str, set(predictions['survey']))))}. {remedy}"
        )
    times = np.bincount(rows, minlength=count)
    if (times != 1).any():
        worst = int(np.flatnonzero(times != 1)[0])
        raise ContractError(
            f"search: expected one score of every stamp of {stamps.survey}, found {times[worst]} of "
            f"candidate {stamps.ids[worst]}; {int((times == 0).sum())} have none, {int((times > 1).sum())} "
            f"several. {remedy}"
        )
    if (stamps.labels[rows] != predictions["label"].to_numpy()).any():
        raise ContractError(
            f"search: the labels beside the scores are not those of {stamps.survey}'s stamps. {remedy}"
        )
