"""Performance of every model on a test part: area under the curve, accuracy, operating point, confusion."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from sklearn.metrics import roc_auc_score

from stampshift.des_study.models import common_stamps
from stampshift.metrics.intervals import Bootstrap, fpr_at_mdr, interval
from stampshift.metrics.metrics import accuracy, evaluate
from stampshift.tables.score_tables import mean_curves
from stampshift.tables.wording import model_name
from stampshift.tables.writing import Table

OWN, COMMON = "own", "common"
PARTS = {"first": "first part (labels of the archive)", "second": "second part (corrected labels)"}
CONFUSION = {"tp": "real as real", "fn": "real as bogus", "fp": "bogus as real", "tn": "bogus as bogus"}


def performance(predictions: pd.DataFrame, *, mdr: float, bootstrap: Bootstrap) -> pd.DataFrame:
    """Metrics of every model, on the test stamps that it judges (``own``) and that all judge (``common``).

    ``fpr_at_mdr`` is the false-positive rate at the missed-detection rate `mdr`, ``low`` and ``high`` its
    interval; ``accuracy`` and the counts ``tp``, ``fn``, ``fp`` and ``tn`` are at a score of one half.
    """
    lines = []
    for stamps, chosen in ((OWN, predictions), (COMMON, common_stamps(predictions))):
        for model, rows in chosen.groupby("method", observed=True):
            found = evaluate(rows["label"], rows["score"])
            lines.append(
                {
                    "model": str(model),
                    "stamps": stamps,
                    "n_real": found["n_real"],
                    "n_bogus": found["n_bogus"],
                    "auc": float(roc_auc_score(rows["label"], rows["score"])),
                    "accuracy": accuracy(found["confusion"]),
                    "balanced_accuracy": found["balanced_accuracy"],
                }
                | operating_point(rows, mdr=mdr, bootstrap=bootstrap)
                | found["confusion"]
            )
    return pd.DataFrame(lines)


def operating_point(rows: pd.DataFrame, *, mdr: float, bootstrap: Bootstrap) -> dict[str, float]:
    """``fpr_at_mdr`` of a model's predictions, and ``low`` and ``high``, its interval."""
    rate = interval(rows["label"], rows["score"], statistic=fpr_at_mdr(mdr), bootstrap=bootstrap)
    return {"fpr_at_mdr": rate.value, "low": rate.low, "high": rate.high}


def performance_table(numbers: pd.DataFrame, *, mdr: float, bootstrap: Bootstrap, part: str) -> Table:
    """Print the numbers of `performance`, a line per model."""
    own = numbers[numbers["stamps"] == OWN].set_index("model")
    common = numbers[numbers["stamps"] == COMMON].set_index("model")
    rate = f"FPR at MDR {mdr:g}"
    cells = pd.DataFrame(
        {
            "model": [model_name(model) for model in own.index],
            "stamps": [f"{count:,}" for count in own["n_real"] + own["n_bogus"]],
            "AUC": [f"{value:.4f}" for value in own["auc"]],
            "accuracy": [f"{value:.2%}" for value in own["accuracy"]],
            rate: own.apply(rate_text, axis=1).tolist(),
        }
    )
    caption = (
        f"Models on test stamps of the {PARTS[part]}: area under the ROC curve (AUC), share of right calls "
        "at a score of one half (accuracy), and lowest share of bogus stamps called real (FPR) of any "
        f"threshold that misses no more than {100 * mdr:g}% of the reals (MDR). In brackets, "
        f"{bootstrap.confidence:.0%} interval of {bootstrap.samples:,} bootstrap resamples of the stamps, "
        "within each label."
    )
    if own[["n_real", "n_bogus"]].nunique().gt(1).any():
        counts = common.iloc[0]
        count = counts["n_real"] + counts["n_bogus"]
        cells[f"{rate}, common stamps"] = common.apply(rate_text, axis=1).tolist()
        caption += (
            " The forest on the archive's features judges only stamps for which the archive gives all of "
            f"them; the last column is of the {count:,} stamps that every model judges."
        )
    return Table(numbers, cells, caption, f"tab:des-performance:{part}")


def confusion_table(numbers: pd.DataFrame, *, part: str) -> Table:
    """Print the confusion counts of `performance`, with their shares of each label in percent."""
    shares = confusion_shares(numbers, stamps=OWN)
    cells: dict[str, dict[str, str]] = {}
    for line in shares.to_dict("records"):
        row = cells.setdefault(line["model"], {"model": model_name(line["model"])})
        row[CONFUSION[line["call"]]] = f"{line['percent']:.1f}% ({line['stamps']:,})"
    caption = (
        f"Calls of every model at a score of one half, on test stamps of the {PARTS[part]}: share of the "
        "stamps of a label, and their number."
    )
    return Table(shares, pd.DataFrame(cells.values()), caption, f"tab:des-confusion:{part}")


def confusion_shares(numbers: pd.DataFrame, *, stamps: str) -> pd.DataFrame:
    """``model``, ``call``, ``stamps`` and ``percent`` of the same label, of the lines `OWN` or `COMMON`."""
    lines = []
    for row in numbers[numbers["stamps"] == stamps].to_dict("records"):
        for call in CONFUSION:
            percent = 100 * row[call] / row["n_real" if call in ("tp", "fn") else "n_bogus"]
            lines.append({"model": row["model"], "call": call, "stamps": row[call], "percent": percent})
    return pd.DataFrame(lines)


def curves(predictions: pd.DataFrame) -> pd.DataFrame:
    """Missed-detection rate of every model at fixed false-positive rates: ``model``, ``fpr`` and ``mdr``.

    Of the stamps that every model judges, so that the curves can be compared.
    """
    lines = mean_curves(common_stamps(predictions)).rename(columns={"method": "model", "mean": "mdr"})
    return lines[["model", "fpr", "mdr"]].astype({"model": str})


def rate_text(line: Mapping[str, Any] | pd.Series) -> str:
    """``"0.0160 [0.0121, 0.0205]"``: the operating point of a line of `performance`."""
    return f"{line['fpr_at_mdr']:.4f} [{line['low']:.4f}, {line['high']:.4f}]"
