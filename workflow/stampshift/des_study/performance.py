"""Performance of every model on a test part: area under the curve, accuracy, operating point, confusion."""

import pandas as pd
from sklearn.metrics import roc_auc_score

from stampshift.des_study.models import common_stamps
from stampshift.metrics.intervals import Bootstrap, fpr_at_mdr, interval
from stampshift.metrics.metrics import accuracy, evaluate
from stampshift.tables.score_tables import mean_curves
from stampshift.tables.wording import model_name
from stampshift.tables.writing import DASH, Table

OWN, COMMON = "own", "common"
PARTS = {"first": "first part (labels of the archive)", "second": "second part (corrected labels)"}
CONFUSION = {"tp": "real as real", "fn": "real as bogus", "fp": "bogus as real", "tn": "bogus as bogus"}


def performance(predictions: pd.DataFrame, *, mdr: float, bootstrap: Bootstrap) -> pd.DataFrame:
    """Metrics of every model, on all test stamps that it judges and on those that every model judges.

    Columns ``model``, ``stamps`` (``own`` or ``common``), ``n_real``, ``n_bogus``, ``auc``, ``accuracy``,
    ``balanced_accuracy``, ``fpr_at_mdr`` (false-positive rate at the missed-detection rate `mdr`), ``low``
    and ``high`` (its interval), and the counts ``tp``, ``fn``, ``fp`` and ``tn`` at a score of one half.
    """
    lines = []
    for stamps, chosen in ((OWN, predictions), (COMMON, common_stamps(predictions))):
        for model, rows in chosen.groupby("method", observed=True):
            found = evaluate(rows["label"], rows["score"])
            rate = interval(rows["label"], rows["score"], statistic=fpr_at_mdr(mdr), bootstrap=bootstrap)
            lines.append(
                {
                    "model": str(model),
                    "stamps": stamps,
                    "n_real": found["n_real"],
                    "n_bogus": found["n_bogus"],
                    "auc": float(roc_auc_score(rows["label"], rows["score"])),
                    "accuracy": accuracy(found["confusion"]),
                    "balanced_accuracy": found["balanced_accuracy"],
                    "fpr_at_mdr": rate.value,
                    "low": rate.low,
                    "high": rate.high,
                }
                | found["confusion"]
            )
    return pd.DataFrame(lines)


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
            rate: [rate_text(*values) for values in _rates(own)],
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
        cells[f"{rate}, common stamps"] = [rate_text(*values) for values in _rates(common)]
        caption += (
            " The forest on the archive's features judges only stamps for which the archive gives all of "
            f"them; the last column is of the {count:,} stamps that every model judges."
        )
    return Table(numbers, cells, caption, f"tab:des-performance:{part}")


def confusion_table(numbers: pd.DataFrame, *, part: str) -> Table:
    """Print the confusion counts of `performance`, with their shares of each label in percent."""
    shares = confusion_shares(numbers)
    cells = pd.DataFrame({"model": [model_name(model) for model in dict.fromkeys(shares["model"])]})
    for key, heading in CONFUSION.items():
        of_call = shares[shares["call"] == key]
        pairs = zip(of_call["percent"], of_call["stamps"], strict=True)
        cells[heading] = [f"{percent:.1f}% ({count:,})" for percent, count in pairs]
    caption = (
        f"Calls of every model at a score of one half, on test stamps of the {PARTS[part]}: share of the "
        "stamps of a label, and their number."
    )
    return Table(shares, cells, caption, f"tab:des-confusion:{part}")


def confusion_shares(numbers: pd.DataFrame) -> pd.DataFrame:
    """``model``, ``call``, ``stamps`` and ``percent`` of the same label, of all that a model judges."""
    own = numbers[numbers["stamps"] == OWN]
    lines = [
        {
            "model": row["model"],
            "call": call,
            "stamps": row[call],
            "percent": 100 * row[call] / row["n_real" if call in ("tp", "fn") else "n_bogus"],
        }
        for row in own.to_dict("records")
        for call in CONFUSION
    ]
    return pd.DataFrame(lines)


def curves(predictions: pd.DataFrame) -> pd.DataFrame:
    """Missed-detection rate of every model at fixed false-positive rates: ``model``, ``fpr`` and ``mdr``."""
    lines = mean_curves(predictions).rename(columns={"method": "model", "mean": "mdr"})
    return lines[["model", "fpr", "mdr"]].astype({"model": str})


def rate_text(value: float, low: float, high: float) -> str:
    """``"0.0160 [0.0121, 0.0205]"``; a dash for what does not exist."""
    return DASH if pd.isna(value) else f"{value:.4f} [{low:.4f}, {high:.4f}]"


def _rates(lines: pd.DataFrame) -> list[tuple[float, float, float]]:
    return list(lines[["fpr_at_mdr", "low", "high"]].itertuples(index=False, name=None))
