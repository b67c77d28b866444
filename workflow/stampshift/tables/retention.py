"""What adaptation costs and what it gains: source accuracy lost against target accuracy won."""

from collections.abc import Sequence

import pandas as pd

from stampshift.config.experiment import BASELINE, Pair
from stampshift.tables.summaries import select_pair, spread

ADAPTED = ["source", "target", "method", "shots"]


def retention(runs: pd.DataFrame, *, pairs: Sequence[str], methods: Sequence[str]) -> pd.DataFrame:
    """Change of balanced accuracy by adaptation on either survey, paired by split.

    Parameters
    ----------
    runs
        The long table of runs.
    pairs
        ``"<source>-to-<target>"``.
    methods
        Methods of adaptation.

    Returns
    -------
    pandas.DataFrame
        Columns ``source``, ``target``, ``method``, ``shots``; ``lost`` and ``won``, the mean over splits of
        the baseline less the adapted model on the source, and of the adapted model less the baseline on
        the target; ``lost_std`` and ``won_std`` (sample); ``splits``.
    """
    parts = []
    for pair in map(Pair.parse, pairs):
        chosen = select_pair(runs, source=pair.source, target=pair.target, methods=methods)
        key = ["evaluated_on", "seed"]
        before = chosen[chosen["method"] == BASELINE].set_index(key)["balanced_accuracy"].rename("before")
        change = chosen[chosen["method"] != BASELINE].join(before, on=key)
        parts.append(change.assign(change=change["balanced_accuracy"] - change["before"]))
    changes = pd.concat(parts, ignore_index=True)
    lost, won = (
        spread(changes[changes["evaluated_on"] == changes[role]].groupby(ADAPTED, sort=False)["change"])
        for role in ("source", "target")
    )
    table = pd.DataFrame(
        {
            "lost": -lost["mean"],
            "won": won["mean"],
            "lost_std": lost["std"],
            "won_std": won["std"],
            "splits": won["splits"],
        }
    )
    return table.reset_index()
