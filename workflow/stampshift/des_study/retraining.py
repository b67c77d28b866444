"""What corrected labels change: categories under old and new labels (Table 5), and the gain of retraining."""

from collections.abc import Mapping, Sequence

import pandas as pd

from stampshift.des_study.categories import category_shares, percent_cells
from stampshift.des_study.models import CORRECTED, OLD, TRUE, judged_by
from stampshift.des_study.performance import operating_point, rate_text
from stampshift.metrics.intervals import (
    Bootstrap,
    Statistic,
    balanced_accuracy,
    fpr_at_mdr,
    interval,
    measured,
)
from stampshift.tables.wording import model_name
from stampshift.tables.writing import Table

# labels of the training, column of the labels file that judges
STAGES = (("old", OLD), ("old", CORRECTED), ("new", CORRECTED))
TESTED_ON = {OLD: "old labels", CORRECTED: "corrected labels", TRUE: "true labels"}
TRAINED_ON = {"old": "old labels", "new": "corrected labels"}


def relabelled_categories(
    predictions: Mapping[str, pd.DataFrame],
    *,
    labels: pd.DataFrame,
    bounds: Sequence[float],
    mdr: float,
    bootstrap: Bootstrap,
) -> pd.DataFrame:
    """`category_shares` before and after relabelling, at every one of `STAGES`, with `operating_point`.

    `predictions` are those of the models trained on ``"old"`` and on ``"new"`` labels, on one test part.
    """
    parts = []
    for trained, column in STAGES:
        judged = judged_by(predictions[trained], labels=labels, column=column)
        shares = category_shares(judged, bounds=bounds)
        rates = [
            {"trained_on": trained, "tested_on": column, "model": str(model)}
            | operating_point(rows, mdr=mdr, bootstrap=bootstrap)
            for model, rows in judged.groupby("method", observed=True)
        ]
        parts.append(shares.merge(pd.DataFrame(rates), on="model"))
    columns = ["trained_on", "tested_on", "model", "category", "stamps", "percent"]
    return pd.concat(parts, ignore_index=True)[[*columns, "fpr_at_mdr", "low", "high"]]


def relabelled_table(
    numbers: pd.DataFrame, *, bounds: Sequence[float], mdr: float, bootstrap: Bootstrap
) -> Table:
    """Print the numbers of `relabelled_categories`, a line per model and stage (Table 5 of the paper)."""
    rows = []
    for model, of_model in numbers.groupby("model", sort=False):
        for _, lines in of_model.groupby(["trained_on", "tested_on"], sort=False):
            first = lines.iloc[0]
            rows.append(
                {
                    "model": model_name(str(model)),
                    "trained on": TRAINED_ON[first["trained_on"]],
                    "tested on": TESTED_ON[first["tested_on"]],
                    "stamps": f"{lines['stamps'].sum():,}",
                }
                | percent_cells(lines, bounds=bounds)
                | {f"FPR at MDR {mdr:g}": rate_text(first)}
            )
    caption = (
        "Before and after relabelling, on one test part: test stamps by label and p = P(bogus), in percent "
        "of all that a model judges, and the false-positive rate (FPR) at a missed-detection rate (MDR) of "
        f"{mdr:g}, with its {bootstrap.confidence:.0%} bootstrap interval over stamps. Labels differ between "
        "the first line of a model and its second, models between the second and the third."
    )
    return Table(numbers, pd.DataFrame(rows), caption, "tab:des-relabelled")


def retraining_gain(
    predictions: Mapping[str, pd.DataFrame], *, labels: pd.DataFrame, mdr: float, bootstrap: Bootstrap
) -> pd.DataFrame:
    """Two quantities of models trained on old labels and on corrected ones (``new``), and the difference.

    Both judge the same stamps, by the corrected labels and, where flips were planted, by the true ones.
    Corrected labels are no independent judge: a model chose which labels people looked at. ``low`` and
    ``high`` are the interval of the difference.
    """
    statistics: dict[str, Statistic] = {"balanced_accuracy": balanced_accuracy, "fpr_at_mdr": fpr_at_mdr(mdr)}
    first, second = (predictions[name][["method", "row", "score"]] for name in ("old", "new"))
    both = first.merge(second, on=["method", "row"], validate="one_to_one", suffixes=("_old", "_new"))
    lines = []
    for column in [name for name in (CORRECTED, TRUE) if name in labels.columns]:
        judged = judged_by(both, labels=labels, column=column)
        for model, rows in judged.groupby("method", observed=True):
            for quantity, statistic in statistics.items():
                label, before, after = rows["label"], rows["score_old"], rows["score_new"]
                old, new = (measured(label, scores, statistic=statistic) for scores in (before, after))
                gain = interval(label, after, against=before, statistic=statistic, bootstrap=bootstrap)
                lines.append(
                    {"model": str(model), "tested_on": column, "quantity": quantity, "old": old, "new": new}
                    | {"difference": gain.value, "low": gain.low, "high": gain.high, "stamps": len(rows)}
                )
    return pd.DataFrame(lines)


def gain_table(numbers: pd.DataFrame, *, mdr: float, bootstrap: Bootstrap) -> Table:
    """Print the numbers of `retraining_gain`."""
    quantities = {"balanced_accuracy": "balanced accuracy", "fpr_at_mdr": f"FPR at MDR {mdr:g}"}
    rows = [
        {
            "model": model_name(line["model"]),
            "tested on": TESTED_ON[line["tested_on"]],
            "stamps": f"{line['stamps']:,}",
            "quantity": quantities[line["quantity"]],
            "trained on old labels": f"{line['old']:.4f}",
            "on corrected labels": f"{line['new']:.4f}",
            "difference": f"{line['difference']:+.4f} [{line['low']:+.4f}, {line['high']:+.4f}]",
        }
        for line in numbers.to_dict("records")
    ]
    caption = (
        "Gain of retraining on corrected labels: models of either training on the same test stamps, by the "
        f"same labels, and their difference with its {bootstrap.confidence:.0%} bootstrap interval over "
        "stamps. Corrected labels are no independent judge, for a network chose which of them people "
        "looked at"
    )
    caption += "; true labels, known of planted flips, are." if TRUE in set(numbers["tested_on"]) else "."
    return Table(numbers, pd.DataFrame(rows), caption, "tab:des-gain")
