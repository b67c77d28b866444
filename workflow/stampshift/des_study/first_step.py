"""The first step of relabelling: models of the first part, judged by corrected labels.

Figure 7 of Ayyar et al. (2022). Their trainings have seen old labels alone, so that only the judge differs.
"""

import pandas as pd

from stampshift.core.errors import ContractError
from stampshift.des_study.models import CORRECTED, OLD, REVIEWED
from stampshift.des_study.performance import COMMON, rate_text
from stampshift.metrics.intervals import Bootstrap
from stampshift.stamps.file import LABELS
from stampshift.tables.wording import model_name
from stampshift.tables.writing import Table

ALL = "all"
JUDGES = {OLD: "old labels", CORRECTED: "corrected labels"}


def relabelled_test_part(predictions: pd.DataFrame, *, labels: pd.DataFrame) -> pd.DataFrame:
    """Test stamps ``reviewed`` and ``flipped``, by old label (``labelled``): a line for ``all`` and for each.

    `labels` is a labels file's table.
    """
    test = labels[labels["row"].isin(predictions["row"])]
    if len(test) != predictions["row"].nunique():
        raise ContractError(
            f"labels: expected a label for each of the {predictions['row'].nunique()} test stamps, found "
            f"{len(test)}. Delete the labels file; the workflow makes it again."
        )
    groups = {ALL: test} | {name: test[test[OLD] == code] for name, code in LABELS.items()}
    return pd.DataFrame(
        {
            "labelled": name,
            "stamps": len(rows),
            "reviewed": int(rows[REVIEWED].sum()),
            "flipped": int((rows[OLD] != rows[CORRECTED]).sum()),
        }
        for name, rows in groups.items()
    )


def first_step_table(numbers: pd.DataFrame) -> Table:
    """Print the numbers of `relabelled_test_part`."""
    cells = numbers.rename(columns={"labelled": "labelled before", "flipped": "label changed"})
    counts = cells.columns.drop("labelled before")
    cells[counts] = cells[counts].map("{:,}".format)
    caption = (
        "The first step of relabelling: test stamps of the first part that were reviewed, and those whose "
        "label changed."
    )
    return Table(numbers, cells, caption, "tab:des-first-step")


def retested(old: pd.DataFrame, corrected: pd.DataFrame) -> pd.DataFrame:
    """One table of two of a kind, judged by old and by corrected labels, with ``tested_on`` in front."""
    parts = {OLD: old, CORRECTED: corrected}
    for column, rows in parts.items():
        rows.insert(0, "tested_on", column)
    return pd.concat(parts.values(), ignore_index=True)


def retested_table(numbers: pd.DataFrame, *, mdr: float, bootstrap: Bootstrap) -> Table:
    """Print `retested` numbers of `performance`, on the stamps that every model judges."""
    common = numbers[numbers["stamps"] == COMMON]
    rows = [
        {
            "model": model_name(line["model"]),
            "tested on": JUDGES[line["tested_on"]],
            "real": f"{line['n_real']:,}",
            "bogus": f"{line['n_bogus']:,}",
            "AUC": f"{line['auc']:.4f}",
            "accuracy": f"{line['accuracy']:.2%}",
            f"FPR at MDR {mdr:g}": rate_text(line),
        }
        for _, lines in common.groupby("model", sort=False)
        for _, line in lines.iterrows()
    ]
    caption = (
        "Models of the first part, trained on old labels, on the same test stamps by old and by corrected "
        "labels: area under the ROC curve (AUC), accuracy at a score of one half, and false-positive rate "
        f"(FPR) at a missed-detection rate (MDR) of {mdr:g} with its {bootstrap.confidence:.0%} bootstrap "
        "interval over stamps. Only stamps that every model judges."
    )
    return Table(numbers, pd.DataFrame(rows), caption, "tab:des-retested")
