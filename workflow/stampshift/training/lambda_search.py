"""Choice of the entropy weight (lambda) of a source-target pair (Bolivar 2022, section 6)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from stampshift.core.errors import ContractError

RULE = (
    "the highest validation balanced accuracy, averaged over the numbers of shots, on one split; "
    "the smaller weight of equals"
)
SEARCH = ["entropy_weight", "shots", "validation_balanced_accuracy"]
SHOWN = "training_balanced_accuracy"  # beside the validation; it chooses nothing


def choose_entropy_weight(search: pd.DataFrame) -> float:
    """Entropy weight with the highest mean validation balanced accuracy over the numbers of shots.

    `search` has the columns `SEARCH`, a row per run. The smaller weight of equals is chosen.
    """
    means = search.groupby("entropy_weight")["validation_balanced_accuracy"].mean().round(12)
    return float(means[means == means.max()].index.min())


def search_record(metrics: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Content of a pair's lambda file from the metrics of all runs of its search."""
    search = pd.DataFrame(list(metrics))[[*SEARCH, SHOWN]].sort_values(SEARCH[:2])
    pair = {name: metrics[0][name] for name in ("source", "target", "seed")}
    chosen = {"rule": RULE, "chosen": choose_entropy_weight(search), "search": _records(search)}
    return pair | chosen


def _records(search: pd.DataFrame) -> list[dict[Any, Any]]:
    """Rows for JSON, which knows no NaN: a run without labelled target stamps has no accuracy on them."""
    return search.astype(object).where(search.notna(), None).to_dict("records")


def published_record(source: str, target: str, *, table: Path | str) -> dict[str, Any]:
    """Content of a pair's lambda file from the published table; a `ContractError` if that lacks the pair."""
    published = pd.read_csv(table)
    rows = published[(published["source"] == source) & (published["target"] == target)]
    if len(rows) != 1:
        raise ContractError(
            f"{table}: expected one published entropy weight of {source} to {target}, found {len(rows)}; "
            "set methods.mme.entropy_weight.choice to 'search'."
        )
    chosen = {"rule": "published (Bolivar 2022)", "chosen": float(rows["lambda"].iloc[0]), "search": []}
    return {"source": source, "target": target, "seed": None} | chosen
