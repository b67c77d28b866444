"""Scores of every candidate of a new survey, and the cutoff at which its stream is operated.

The cutoff is chosen on the validation part of the voted labels, so that the test part can judge it.
"""

import numpy as np
import pandas as pd
import torch

from stampshift.core.errors import ContractError
from stampshift.des_study.new_survey import CUTOFF_GRID
from stampshift.metrics.intervals import binomial_interval
from stampshift.stamps.file import LABELS, REAL, Stamps
from stampshift.stamps.identifiers import check_rows
from stampshift.stamps.splits import PARTS, Splits
from stampshift.tables.writing import Table, format_number
from stampshift.training.model import Model, predict

NO_PART = ""  # undecided candidates, and what is in reserve
ROUNDING = 1e-9  # 0.07 of 100 is a little more than 7
COUNTED = {
    "candidates": "candidates",
    "n_real": "real",
    "n_bogus": "bogus",
    "undecided": "undecided",
    "passed": "passed",
}
RATES = {"mdr": "MDR", "fpr": "FPR", "cleanliness": "cleanliness"}


def score_candidates(
    stamps: Stamps, model: Model, *, labels: pd.DataFrame, splits: Splits, device: torch.device
) -> pd.DataFrame:
    """Score every candidate, in the order of the stamps file, whether people have decided it or not.

    `labels` are the voted ones. Columns ``row``, ``id`` and ``group`` (of the object, ``""`` without one);
    ``score``, P(real); ``label`` (Int8, missing where undecided) and ``part``, one of `PARTS` or `NO_PART`.
    """
    check_rows(labels, stamps, source="voted labels", remedy="Delete them; the workflow makes them again.")
    rows = np.arange(len(stamps))
    part = np.full(len(stamps), NO_PART, dtype=object)
    for name in PARTS:
        part[getattr(splits, name)] = name
    return pd.DataFrame(
        {
            "row": rows,
            "id": stamps.ids.astype(object),
            "group": stamps.groups.astype(object),
            "score": predict(model.classifier(device), stamps.stamps, rows, device=device),
            "label": pd.Series(rows).map(labels.set_index("row")["label"]).astype("Int8"),
            "part": part,
        }
    )


def operating_cutoff(scores: pd.DataFrame, *, mdr: float) -> float:
    """Highest of the cutoffs 0, 0.01, ... 1 above which a share of at most `mdr` of the reals is missed.

    Only the validation part counts. 0 if no cutoff keeps so many reals; a `ContractError` if the part has no
    real candidate.
    """
    known = scores[scores["part"] == "validation"]
    real = np.sort(known.loc[known["label"] == REAL, "score"].to_numpy(np.float64))
    if not len(real):
        raise ContractError(
            "new survey: expected real candidates in the validation part of the voted labels, found none. "
            "Let people label more, or raise des_study.new_survey.fractions.validation."
        )
    missed = np.searchsorted(real, CUTOFF_GRID, side="right")  # a score has to be greater
    return float(CUTOFF_GRID[missed <= mdr * len(real) + ROUNDING].max(initial=0.0))


def operating_numbers(scores: pd.DataFrame, *, cutoff: float, confidence: float) -> pd.DataFrame:
    """Rates at a cutoff on the validation part, where it was chosen, and on the test part.

    A line per part: ``n_real``, ``n_bogus``, ``passed``, and `RATES` with their exact binomial limits
    (``_low`` and ``_high``), NaN without a stamp; and a line of ``all`` candidates, ``undecided`` ones among
    them, of which only the numbers are known.
    """
    lines = []
    for name in ("validation", "test"):
        part = scores[scores["part"] == name]
        real, passes = part["label"] == REAL, part["score"] > cutoff
        shares = {
            "mdr": (real & ~passes, real),
            "fpr": (~real & passes, ~real),
            "cleanliness": (real & passes, passes),
        }
        line: dict[str, object] = {"part": name, **_counts(part, cutoff=cutoff)}
        for rate, (those, among) in shares.items():
            line |= _share(rate, int(those.sum()), int(among.sum()), confidence=confidence)
        lines.append(line)
    lines.append({"part": "all", **_counts(scores, cutoff=cutoff)})
    return pd.DataFrame(lines).assign(cutoff=cutoff)


def operating_table(numbers: pd.DataFrame, *, survey: str, mdr: float, confidence: float) -> Table:
    """Print the numbers of `operating_numbers`."""
    rows = []
    for line in numbers.to_dict("records"):
        counts = {heading: f"{line[name]:,}" for name, heading in COUNTED.items()}
        rates = {
            heading: f"{format_number(line[rate], '.3f')} ({format_number(line[f'{rate}_low'], '.3f')} to "
            f"{format_number(line[f'{rate}_high'], '.3f')})"
            if np.isfinite(line[rate])
            else ""
            for rate, heading in RATES.items()
        }
        rows.append({"part": line["part"]} | counts | rates)
    caption = (
        f"The stream of {survey} at the operating cutoff {numbers['cutoff'].iloc[0]:.2f}, the highest at "
        f"which no more than {mdr:.0%} of the reals of the validation part are missed, after the network was "
        "trained further: share of the reals missed (MDR), share of the bogus passed (FPR), and share of the "
        f"passed that are real (cleanliness), with exact intervals of {confidence:.0%}. The test part had no "
        "say in the cutoff. Undecided candidates have no label."
    )
    return Table(numbers, pd.DataFrame(rows), caption, "tab:des-operating-point")


def _counts(scores: pd.DataFrame, *, cutoff: float) -> dict[str, int]:
    by_label = {f"n_{name}": int((scores["label"] == code).sum()) for name, code in LABELS.items()}
    return {
        "candidates": len(scores),
        **by_label,
        "undecided": int(scores["label"].isna().sum()),
        "passed": int((scores["score"] > cutoff).sum()),
    }


def _share(name: str, those: int, among: int, *, confidence: float) -> dict[str, float]:
    if not among:
        return dict.fromkeys((name, f"{name}_low", f"{name}_high"), np.nan)
    low, high = binomial_interval(those, among, confidence=confidence, method="exact")
    return {name: those / among, f"{name}_low": low, f"{name}_high": high}
