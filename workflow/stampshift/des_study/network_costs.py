"""What the networks cost: their trainable parameters, and the seconds that an epoch took (Table 1)."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from stampshift.tables.capacity import training_costs
from stampshift.tables.wording import model_name
from stampshift.tables.writing import DASH, Table

SPLITS = {"first": "first", "second": "after relabelling"}
QUANTITIES = ("parameters", "seconds_per_epoch")


def network_costs(
    metrics: Mapping[str, Sequence[Mapping[str, Any]]], *, published: pd.DataFrame, simulated: bool
) -> pd.DataFrame:
    """Parameters and seconds per epoch of each network, a line per network and split.

    `metrics` are those of the runs' folders, by split, and `published` the paper's numbers. Parameters are
    facts of a network, beside which the published ones always stand; published times are NaN beside those
    on simulated surveys, whose epochs are of another length.
    """
    runs = pd.concat([training_costs(own).assign(split=split) for split, own in metrics.items()])
    runs = runs[["network", "split", *runs.columns.drop(["network", "split"])]]
    theirs = published[published["part"] == "networks"].pivot_table(
        index="model", columns="quantity", values="value"
    )
    theirs = theirs.reindex(columns=QUANTITIES).add_prefix("published_")
    numbers = runs.merge(theirs, left_on="network", right_index=True, how="left")
    if simulated:
        numbers["published_seconds_per_epoch"] = float("nan")
    return numbers.sort_values(["network", "split"], kind="stable", ignore_index=True)


def network_costs_table(numbers: pd.DataFrame) -> Table:
    """Print the numbers of `network_costs`."""
    cells = pd.DataFrame(
        {
            "network": [model_name(name) for name in numbers["network"]],
            "split": [SPLITS[name] for name in numbers["split"]],
            "trainable parameters": _texts(numbers["parameters"], ",.0f"),
            "published": _texts(numbers["published_parameters"], ",.0f"),
            "epochs": _texts(numbers["epochs"], "d"),
            "seconds per epoch": _texts(numbers["seconds_per_epoch"], ".3g"),
            "published seconds": _texts(numbers["published_seconds_per_epoch"], ".3g"),
            "device": numbers["device"],
            "precision": numbers["precision"],
        }
    )
    caption = (
        "Trainable parameters of the networks, and mean seconds of an epoch, validation included, on the "
        "device named, beside Table 1 of Ayyar et al. (2022), whose seconds are of another GPU. On a CPU a "
        "training has one thread."
    )
    return Table(numbers, cells, caption, "tab:des-networks")


def _texts(values: pd.Series, spec: str) -> list[str]:
    return [DASH if pd.isna(value) else format(value, spec) for value in values]
