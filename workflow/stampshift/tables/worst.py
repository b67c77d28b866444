"""The worst errors of a model: bogus stamps surely called real, and real ones surely called bogus."""

import pandas as pd

from stampshift.metrics.metrics import THRESHOLD
from stampshift.stamps.file import REAL, Stamps

FALSE_POSITIVE, MISSED_REAL = "false positive", "missed real"


def worst_errors(predictions: pd.DataFrame, *, stamps: Stamps, per_kind: int) -> pd.DataFrame:
    """List the most confident false positives and missed reals among the test stamps of one survey.

    A stamp that is tested in several splits counts once, with the mean of its scores.

    Parameters
    ----------
    predictions
        Of `pool_predictions`, of one method and number of shots; lines of other surveys are left out.
    stamps
        The survey.
    per_kind
        Errors of each kind, at most.

    Returns
    -------
    pandas.DataFrame
        Columns ``kind`` (``"false positive"``, ``"missed real"``), ``row`` (of the stamps file), ``class``,
        ``id``, ``score`` and ``splits`` (in which the stamp is tested), the worst of each kind first.
    """
    on_survey = predictions[predictions["survey"] == stamps.survey]
    scores = on_survey.groupby(["row", "label"])["score"].agg(score="mean", splits="count").reset_index()
    is_real, called_real = scores["label"] == REAL, scores["score"] > THRESHOLD
    parts = [
        scores[~is_real & called_real].nlargest(per_kind, "score").assign(kind=FALSE_POSITIVE),
        scores[is_real & ~called_real].nsmallest(per_kind, "score").assign(kind=MISSED_REAL),
    ]
    errors = pd.concat(parts, ignore_index=True)
    errors["class"], errors["id"] = stamps.classes[errors["row"]], stamps.ids[errors["row"]]
    return errors[["kind", "row", "class", "id", "score", "splits"]]
