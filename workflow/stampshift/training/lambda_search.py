"""Choice of the entropy weight (lambda) of a source-target pair (Bolivar 2022, section 6)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from stampshift.core.errors import ContractError

RULE = (
    "the highest validation balanced accuracy of the kept epochs, averaged over the numbers of shots, on one "
    "split; of equals the lowest validation cross-entropy of these epochs, averaged likewise"
)
SEARCH = ["entropy_weight", "shots", "validation_balanced_accuracy", "validation_loss"]
SHOWN = "training_balanced_accuracy"  # beside the validation; it chooses nothing


def tied_entropy_weights(search: pd.DataFrame) -> list[float]:
    """Entropy weights of the highest mean validation balanced accuracy over the numbers of shots.

    `search` has the columns `SEARCH`, a row per run. The weights come in the order of their mean validation
    cross-entropy: the first one is the choice. A few validation stamps saturate, and then many weights tie;
    of two that tie in both the smaller comes first.
    """
    means = search.groupby("entropy_weight")[SEARCH[2:]].mean().round(12)
    accuracies = means["validation_balanced_accuracy"]
    tied = means[accuracies == accuracies.max()].sort_values("validation_loss", kind="stable")
    return [float(weight) for weight in tied.index]


def search_record(metrics: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Content of a pair's lambda file from the metrics of all runs of its search."""
    search = pd.DataFrame(list(metrics))[[*SEARCH, SHOWN]].sort_values(SEARCH[:2])
    pair = {name: metrics[0][name] for name in ("source", "target", "seed")}
    tied = tied_entropy_weights(search[SEARCH])
    chosen = {"rule": RULE, "chosen": tied[0], "tied": tied, "search": _records(search)}
    return pair | chosen | {"test": [_on_test(run) for run in metrics]}


def _on_test(run: Mapping[str, Any]) -> dict[str, float]:
    """What a run reached on the test parts, to be read after the choice: nothing chooses by it."""
    on = {role: run["evaluation"][run[role]]["balanced_accuracy"] for role in ("source", "target")}
    return {name: run[name] for name in SEARCH[:2]} | on


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
    weight = float(rows["lambda"].iloc[0])
    chosen = {"rule": "published (Bolivar 2022)", "chosen": weight, "tied": [weight], "search": []}
    return {"source": source, "target": target, "seed": None} | chosen | {"test": []}
