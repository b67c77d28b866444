"""What networks cost, and what they reach for it."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from stampshift.tables.wording import counted
from stampshift.tables.writing import Table, format_mean

NEEDED = ("network", "trainable_parameters", "epochs", "seconds", "device", "precision")
COSTS = ["parameters", "flop_per_stamp"]
MEGA = 1e6


def training_costs(metrics: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Cost of some trainings from their ``metrics.json``, a line each.

    Columns are ``network``, trainable ``parameters``, ``epochs``, ``seconds_per_epoch``, ``device``,
    ``precision``.
    """
    rows = [
        {
            "network": run["network"],
            "parameters": run["trainable_parameters"],
            "epochs": run["epochs"],
            "seconds_per_epoch": run["seconds"] / run["epochs"],
            "device": run["device"],
            "precision": run["precision"],
        }
        for run in metrics
    ]
    return pd.DataFrame(rows)


def capacity_numbers(
    metrics: Sequence[Mapping[str, Any]], *, flop_per_stamp: Mapping[str, float]
) -> pd.DataFrame:
    """Accuracy of baselines within their own survey beside the cost of their network.

    `metrics` are those of the baselines of several networks, and floating-point operations are by network.
    A line per network, in their order there, and survey: ``network``, ``survey``, ``parameters``,
    ``flop_per_stamp``, ``seconds_per_epoch`` (mean), ``mean`` and ``std`` (sample) of the balanced accuracy
    over ``splits``.
    """
    runs = training_costs(metrics).assign(
        survey=[run["source"] for run in metrics],
        balanced_accuracy=[run["evaluation"][run["source"]]["balanced_accuracy"] for run in metrics],
    )
    runs["flop_per_stamp"] = runs["network"].map(dict(flop_per_stamp))
    groups = runs.groupby(["network", "survey", *COSTS], sort=False)
    numbers = groups.agg(
        seconds_per_epoch=("seconds_per_epoch", "mean"),
        mean=("balanced_accuracy", "mean"),
        std=("balanced_accuracy", "std"),
        splits=("balanced_accuracy", "count"),
    ).reset_index()
    order = {network: number for number, network in enumerate(flop_per_stamp)}
    return numbers.sort_values(
        "network", key=lambda names: names.map(order), kind="stable", ignore_index=True
    )


def capacity_table(
    metrics: Sequence[Mapping[str, Any]], *, flop_per_stamp: Mapping[str, float], size_pixels: int
) -> Table:
    """Print the numbers of `capacity_numbers`, a line per network."""
    numbers = capacity_numbers(metrics, flop_per_stamp=flop_per_stamp)
    rows = []
    for network, own in numbers.groupby("network", sort=False):
        cost = own.iloc[0]
        accuracies = zip(own["survey"], own["mean"], own["std"], strict=True)
        rows.append(
            {
                "network": network,
                "trainable parameters": f"{cost['parameters']:,}",
                "MFLOP per stamp": f"{cost['flop_per_stamp'] / MEGA:.1f}",
                "seconds per epoch": f"{own['seconds_per_epoch'].mean():.3g}",
                **{str(survey): format_mean(mean, std) for survey, mean, std in accuracies},
                "mean": f"{own['mean'].mean():.3f}",
            }
        )
    devices = " and ".join(dict.fromkeys(run["device"] for run in metrics))
    splits = counted(int(numbers["splits"].max()), "split")
    caption = (
        "Balanced accuracy of baselines on the test part of their own survey, mean ± sample standard "
        f"deviation over {splits}, beside what their networks cost: trainable parameters, floating-point "
        f"operations of a score of one stamp of {size_pixels} x {size_pixels} pixels, and seconds of an "
        f"epoch with its validation ({devices}; on a CPU one thread)."
    )
    return Table(numbers, pd.DataFrame(rows), caption, "tab:network-costs")
