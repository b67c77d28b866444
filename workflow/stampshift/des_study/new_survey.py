"""A new survey labelled by votes: the network before and after it is trained further on these labels."""

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from stampshift.core.errors import ContractError
from stampshift.metrics.metrics import THRESHOLD, confusion, false_positive_rate, missed_detection_rate
from stampshift.stamps.file import LABELS
from stampshift.tables.wording import model_name
from stampshift.tables.writing import Table, format_number

PUBLISHED_CUTOFF = 0.3  # of P(real), at which the paper gives the rates of its new survey
CUTOFFS = (PUBLISHED_CUTOFF, THRESHOLD)
CUTOFF_GRID = np.arange(101) / 100
TRAININGS = ("before", "after")
RATES = {"mdr": "MDR", "fpr": "FPR", "cleanliness": "cleanliness"}


def with_consensus(predictions: pd.DataFrame, *, consensus: pd.DataFrame) -> pd.DataFrame:
    """Predictions, and whether a stamp's votes were ``unanimous``, by row of the file of voted labels."""
    missing = {"row", "unanimous"} - set(consensus.columns)
    if missing or not predictions["row"].isin(consensus["row"]).all():
        raise ContractError(
            "votes: expected the columns row and unanimous, and a line for every stamp of the test part, "
            f"found the columns {', '.join(map(str, consensus.columns))} and {len(consensus)} lines. Delete "
            "the labels of the new survey; the workflow makes them again."
        )
    unanimous = consensus.set_index("row")["unanimous"]
    return predictions.assign(unanimous=predictions["row"].map(unanimous).astype(bool))


def cutoff_curves(predictions: pd.DataFrame) -> pd.DataFrame:
    """Rates of both models when stamps pass whose score is greater than a cutoff (0, 0.01, ... 1).

    ``cleanliness`` is the share of the stamps passed that are real; NaN where none passes.
    """
    return pd.DataFrame(
        {"model": str(model), "cutoff": cutoff} | _rates(rows, cutoff=cutoff)
        for model, rows in predictions.groupby("method", observed=True)
        for cutoff in CUTOFF_GRID
    )


def new_survey_numbers(predictions: pd.DataFrame) -> pd.DataFrame:
    """AUC and rates at `CUTOFFS`, on ``all`` test stamps and on those with ``unanimous`` votes."""
    lines = []
    for model, rows in predictions.groupby("method", observed=True):
        for stamps, chosen in (("all", rows), ("unanimous", rows[rows["unanimous"]])):
            real, bogus = (int((chosen["label"] == code).sum()) for code in LABELS.values())
            auc = float(roc_auc_score(chosen["label"], chosen["score"])) if real and bogus else np.nan
            same = {"model": str(model), "stamps": stamps, "n_real": real, "n_bogus": bogus, "auc": auc}
            lines += [same | {"cutoff": cutoff} | _rates(chosen, cutoff=cutoff) for cutoff in CUTOFFS]
    return pd.DataFrame(lines)


def new_survey_table(numbers: pd.DataFrame, *, survey: str) -> Table:
    """Print the numbers of `new_survey_numbers`."""
    rows = []
    for (model, stamps), lines in numbers.groupby(["model", "stamps"], sort=False):
        first = lines.iloc[0]
        rates = {
            f"{heading} at {line['cutoff']:g}": format_number(line[name], ".3f")
            for line in lines.to_dict("records")
            for name, heading in RATES.items()
        }
        rows.append(
            {
                "network": model_name(str(model)),
                "stamps": f"{stamps} ({first['n_real']:,} real, {first['n_bogus']:,} bogus)",
                "AUC": format_number(first["auc"], ".3f"),
            }
            | rates
        )
    caption = (
        f"The network on test stamps of {survey}, before and after it was trained further on labels by "
        "majority vote: area under the ROC curve, and, when stamps pass whose score is greater than a "
        "cutoff, share of the reals missed (MDR), share of the bogus passed (FPR) and share of the passed "
        "that are real (cleanliness). Stamps on which all votes agreed are also told apart."
    )
    return Table(numbers, pd.DataFrame(rows), caption, "tab:des-new-survey")


def consensus_means(predictions: pd.DataFrame) -> pd.DataFrame:
    """Mean scores ``before`` and ``after`` by label and by whether votes agreed; NaN without a stamp."""
    lines = []
    for name, code in LABELS.items():
        for votes, agreed in (("unanimous", True), ("disputed", False)):
            rows = predictions[(predictions["label"] == code) & (predictions["unanimous"] == agreed)]
            means = {model: rows.loc[rows["method"] == model, "score"].mean() for model in TRAININGS}
            lines.append({"label": name, "votes": votes, "stamps": rows["row"].nunique()} | means)
    return pd.DataFrame(lines)


def consensus_table(numbers: pd.DataFrame, *, survey: str) -> Table:
    """Print the numbers of `consensus_means`."""
    cells = numbers[["label", "votes"]].assign(stamps=numbers["stamps"].map("{:,}".format))
    for model in TRAININGS:
        cells[f"mean score {model}"] = [format_number(value, ".3f") for value in numbers[model]]
    caption = (
        f"Mean score of test stamps of {survey}, before and after the network was trained further, by label "
        "and by whether all votes agreed or people disagreed and the candidate was kept all the same."
    )
    return Table(numbers, cells, caption, "tab:des-consensus")


def unanimity(consensus: pd.DataFrame, *, judged: int) -> pd.DataFrame:
    """Candidates kept and those with ``unanimous`` votes, by ``label``, of the file of voted labels.

    ``percent`` is the share of the unanimous; NaN without a candidate of the label. ``judged`` is the number
    of candidates that anybody voted on, kept or not, the same in every line.
    """
    by_label = {name: consensus.loc[consensus["label"] == code, "unanimous"] for name, code in LABELS.items()}
    return pd.DataFrame(
        {"label": name, "kept": len(votes), "unanimous": int(votes.sum()), "percent": 100 * votes.mean()}
        | {"judged": judged}
        for name, votes in by_label.items()
    )


def unanimity_table(numbers: pd.DataFrame, *, survey: str) -> Table:
    """Print the numbers of `unanimity`."""
    cells = numbers[["label"]].assign(
        kept=numbers["kept"].map("{:,}".format),
        unanimous=numbers["unanimous"].map("{:,}".format),
        share=[format_number(value, ".1f") + "%" for value in numbers["percent"]],
    )
    caption = (
        f"Candidates of {survey} that a majority labelled, of {numbers['judged'].iloc[0]:,} that people "
        "judged, and those on which all votes agreed, by label."
    )
    return Table(numbers, cells, caption, "tab:des-unanimity")


def _rates(rows: pd.DataFrame, *, cutoff: float) -> dict[str, float]:
    """Rates at a cutoff; those that a lack of stamps of a label leaves without value are NaN."""
    if rows["label"].nunique() < 2:
        return dict.fromkeys(RATES, np.nan)
    counts = confusion(rows["label"], rows["score"], threshold=cutoff)
    passed = counts["tp"] + counts["fp"]
    return {
        "mdr": missed_detection_rate(counts),
        "fpr": false_positive_rate(counts),
        "cleanliness": counts["tp"] / passed if passed else np.nan,
    }
