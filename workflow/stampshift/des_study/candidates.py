"""The search for mislabelled stamps: candidates of cross-fitted networks, ranked by how many agree."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from stampshift.core.errors import ContractError
from stampshift.des_study.categories import CONTRADICTED, six_categories
from stampshift.stamps.file import Stamps


def find_candidates(
    stamps: Stamps, predictions: Mapping[str, pd.DataFrame], *, network: str, bounds: Sequence[float]
) -> pd.DataFrame:
    """Stamps of categories 1 and 6 of a network, most suspicious first (Ayyar et al. 2022, section 4.2).

    `predictions` of each network, `network` among them, are those of all folds, each stamp scored by a
    training on other folds. Columns ``row`` (int64), ``id`` (str), ``label`` (uint8, 1 real and 0 bogus),
    ``score`` (float64, the network's P(real)), ``category`` (1 or 6), ``agreeing`` (int64, how many networks
    contradict the label with confidence) and ``suspicion`` (float64, mean distance of the networks' scores
    from the label, 0 to 1), by falling ``agreeing``, then falling ``suspicion``, then by row. Raises a
    `ContractError` if predictions are of other stamps, or a stamp was scored twice or not at all.
    """
    scores = {name: _scores(stamps, of_network) for name, of_network in predictions.items()}
    categories = {name: six_categories(stamps.labels, score, bounds=bounds) for name, score in scores.items()}
    table = pd.DataFrame(
        {
            "row": np.arange(len(stamps), dtype=np.int64),
            "id": stamps.ids.astype(object),
            "label": stamps.labels,
            "score": scores[network],
            "category": categories[network],
            "agreeing": np.sum([np.isin(each, CONTRADICTED) for each in categories.values()], axis=0),
            "suspicion": np.mean([np.abs(stamps.labels - score) for score in scores.values()], axis=0),
        }
    )
    chosen = table[table["category"].isin(CONTRADICTED)]
    return chosen.sort_values(
        ["agreeing", "suspicion", "row"], ascending=[False, False, True], ignore_index=True
    )


def _scores(stamps: Stamps, predictions: pd.DataFrame) -> np.ndarray:
    """Score of every stamp, in the order of the stamps file."""
    _check_every_stamp_once(stamps, predictions)
    return predictions.set_index("row")["score"].sort_index().to_numpy(np.float64)


def _check_every_stamp_once(stamps: Stamps, predictions: pd.DataFrame) -> None:
    remedy = "Delete the folder of the search; the workflow makes it again."
    rows, count = predictions["row"].to_numpy(), len(stamps)
    strange = predictions[
        ~predictions["row"].between(0, count - 1) | (predictions["survey"] != stamps.survey)
    ]
    if len(strange):
        raise ContractError(
            f"search: expected scores of {stamps.survey}'s {count} stamps, found row "
            f"{strange['row'].iloc[0]} of {strange['survey'].iloc[0]}. {remedy}"
        )
    times = np.bincount(rows, minlength=count)
    if (times != 1).any():
        worst = int(np.flatnonzero(times != 1)[0])
        raise ContractError(
            f"search: expected one score for every stamp of {stamps.survey}, found {times[worst]} of "
            f"candidate {stamps.ids[worst]}; {int((times == 0).sum())} have none, {int((times > 1).sum())} "
            f"several. {remedy}"
        )
    if (stamps.labels[rows] != predictions["label"].to_numpy()).any():
        raise ContractError(
            f"search: the labels stored with the scores are not those of {stamps.survey}'s stamps. {remedy}"
        )
