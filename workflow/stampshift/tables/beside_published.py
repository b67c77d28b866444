"""The published numbers: beside ours, and under our rule of decision."""

import numpy as np
import pandas as pd

from stampshift.core.errors import ContractError
from stampshift.tables.decisions import of_pair, shots_needed, winner_text
from stampshift.tables.run_table import EVALUATION, summarise
from stampshift.tables.significance import ALPHA, PUBLISHED_SPLITS, published_comparisons
from stampshift.tables.wording import THESIS, method_name, pair_title
from stampshift.tables.writing import DASH, Table, format_means, format_number


def beside_published_table(runs: pd.DataFrame, *, published: pd.DataFrame) -> Table:
    """Every published mean that the experiment has too, ours beside it.

    ``deviation`` is our mean less the published one in units of their combined standard error,
    ``sqrt(std^2 / splits + published_std^2 / 10)``; it is NaN where ours is of a single split. The published
    numbers have the columns `EVALUATION`, ``mean``, ``std`` and ``thesis_table``. Raises `ContractError` if
    the experiment has none of them.
    """
    ours = summarise(runs, by=EVALUATION)
    theirs = published.rename(columns={"mean": "published_mean", "std": "published_std"})
    numbers = theirs.merge(ours, on=EVALUATION, how="inner", validate="one_to_one")
    if numbers.empty:
        raise ContractError(
            "published: expected runs of a published method between surveys of the study, found "
            f"{', '.join(sorted(set(runs['method'])))} on {', '.join(sorted(set(runs['evaluated_on'])))}."
        )
    numbers["difference"] = numbers["mean"] - numbers["published_mean"]
    error = np.hypot(
        numbers["std"] / np.sqrt(numbers["splits"]), numbers["published_std"] / np.sqrt(PUBLISHED_SPLITS)
    )
    numbers["deviation"] = numbers["difference"] / error
    cells = pd.DataFrame(
        {
            "method": [method_name(name) for name in numbers["method"]],
            "source": numbers["source"],
            "target": numbers["target"],
            "shots": numbers["shots"].astype(str),
            "evaluated on": numbers["evaluated_on"],
            "published": format_means(numbers["published_mean"], numbers["published_std"]),
            "ours": format_means(numbers["mean"], numbers["std"]),
            "difference": [f"{value:+.3f}" for value in numbers["difference"]],
            "deviation": [format_number(value, "+.1f") for value in numbers["deviation"]],
        }
    )
    caption = (
        f"Balanced accuracy of {THESIS}, Tables 1 to 25, and ours: mean ± sample standard deviation over "
        "splits, their difference, and the same in units of the combined standard error of the two means."
    )
    return Table(numbers, cells, caption, "tab:beside-published")


def published_decisions_table(
    published: pd.DataFrame, *, shots_to_beat: pd.DataFrame, winner: pd.DataFrame
) -> Table:
    """Tables 26 and 27 as printed in the thesis, and as the published means give them under our rule.

    The published means are as for `beside_published_table`; `shots_to_beat` is Table 26 (``source``,
    ``target`` and a column per method), `winner` Table 27 (``source``, ``target``, ``on_source`` and
    ``on_target``).
    """
    methods = [name for name in shots_to_beat.columns if name not in ("source", "target")]
    printed = shots_to_beat.merge(winner, on=["source", "target"]).astype(str)
    pairs = (printed["source"] + "-to-" + printed["target"]).tolist()
    compared = published_comparisons(published, pairs=pairs, methods=methods)
    cells = pd.DataFrame(index=pd.Index(list(map(pair_title, pairs)), name="source to target"))
    for method in methods:
        gains = compared[(compared["question"] == "gain") & (compared["method"] == method)]
        needed = [shots_needed(of_pair(gains, pair)) for pair in pairs]
        cells[f"{method_name(method)}, thesis"] = printed[method].tolist()
        cells[f"{method_name(method)}, our rule"] = [DASH if k is None else str(k) for k in needed]
    between = compared[compared["question"] == "methods"]
    for where in ("source", "target"):
        here = between[between["evaluated_on"] == between[where]]
        theirs = printed[f"on_{where}"]
        for method in methods:
            theirs = theirs.str.replace(method, method_name(method), regex=False)
        cells[f"better on {where}, thesis"] = theirs.tolist()
        cells[f"better on {where}, our rule"] = [winner_text(of_pair(here, pair)) for pair in pairs]
    halves = list(zip(cells.columns[::2], cells.columns[1::2], strict=True))
    differing = sum(int((cells[thesis] != cells[ours]).sum()) for thesis, ours in halves)
    caption = (
        "Labelled target stamps per class from which on a method beats the baseline on the target, and the "
        f"better method on source and on target: as printed in Tables 26 and 27 of {THESIS}, whose rule is "
        "not stated, and as its published means give it under ours: Welch's t-test of two means over "
        f"{PUBLISHED_SPLITS} splits (the single splits are not published), p-values of all pairs corrected "
        f"for the rate of false discoveries, p < {ALPHA:g}. The two differ in {differing} of "
        f"{len(halves) * len(cells)} cells."
    )
    return Table(compared, cells.reset_index(), caption, "tab:published-decisions")
