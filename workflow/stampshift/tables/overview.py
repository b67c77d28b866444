"""The whole experiment: in one table, in one line, on one page; and its networks, layer by layer."""

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import pandas as pd

from stampshift.config.experiment import BASELINE, Pair
from stampshift.core.errors import ContractError
from stampshift.core.templates import render
from stampshift.tables.claims import claims_table, too_short
from stampshift.tables.run_table import EVALUATION, summarise
from stampshift.tables.significance import published_comparisons
from stampshift.tables.wording import SIMULATED, counted, method_name, pair_title, trained_name
from stampshift.tables.writing import DASH, Table, format_number, full_caption, most_splits

# `EVALUATION` in the order of the table's columns
KEY = ["source", "target", "method", "shots", "evaluated_on"]


def overview_table(runs: pd.DataFrame, *, pairs: Sequence[str], methods: Sequence[str]) -> Table:
    """Balanced accuracy before and after adaptation, a line per pair and one of the means over pairs.

    The numbers are of every number of shots; printed are the baseline on both surveys, every method on
    the target without labels where it has such runs, with the fewest and with the most shots, and on the
    source with the most.
    """
    numbers = _numbers(runs, pairs=pairs, methods=methods)
    means = pd.DataFrame(dict(_columns(numbers, methods=methods))).reindex(list(pairs))
    means.loc["mean"] = means.mean()
    cells = means.map(lambda value: format_number(value, ".3f"))
    cells.index = cells.index.map(pair_title).rename("source to target")
    caption = (
        f"Balanced accuracy on test parts, mean over {most_splits(numbers)}: the baseline, trained on the "
        "source, and what was adapted from it to the target with a number of labelled stamps per class "
        "(shots)."
    )
    return Table(numbers, cells.reset_index(), caption, "tab:overview")


def network_table(layers: pd.DataFrame, *, size_pixels: int) -> Table:
    """Print the layers of `networks.layers.network_layers` for stamps of `size_pixels` on a side."""
    cells = layers.assign(parameters=[f"{count:,}" if count else DASH for count in layers["parameters"]])
    caption = (
        f"Layers of the networks for stamps of {size_pixels} x {size_pixels} pixels in three channels, the "
        "shape of each layer's output for one stamp, and its trainable parameters."
    )
    return Table(layers, cells, caption, "tab:network")


def summary_line(runs: pd.DataFrame, results_folder: Path | str, *, simulated: bool) -> str:
    """Where the results of an experiment are and what they show, in one line.

    Every number is a mean of balanced accuracy, first over splits, then over pairs (or surveys), so
    that a pair counts once. The drop is a pair's baseline on its source less the same on its target; a
    method's loss on the source is the pair's baseline there less the adapted model there. Adapted
    models are those with the largest number of shots. An experiment that is too short to judge says so first.
    Raises `ContractError` if no baseline was evaluated on another survey than its own.
    """
    folder = Path(results_folder)
    means = summarise(runs, by=EVALUATION)
    baseline = means[means["method"] == BASELINE].set_index(["source", "evaluated_on"])["mean"]
    adapted = means[means["method"] != BASELINE]
    pairs = _pairs(adapted, baseline=baseline)
    own = pd.Series({source: baseline[source, source] for source, _ in pairs})
    across = pd.Series({pair: baseline[pair] for pair in pairs})
    drop = pd.Series([own[source] - across[source, target] for source, target in pairs])
    splits = runs["seed"].nunique()
    where, short = f"{counted(len(pairs), 'pair')}, {counted(splits, 'split')}", too_short(splits)
    parts = [
        *([short] if short else []),
        f"tables in {folder / 'tables'}, figures in {folder / 'figures'}, report in {folder / 'report.html'}",
        f"{f'{SIMULATED}, ' if simulated else ''}{where}: balanced accuracy {own.mean():.3f} within a "
        f"survey, {across.mean():.3f} on another (drop {drop.mean():.3f})",
    ]
    if not adapted.empty:
        most = adapted[adapted["shots"] == adapted["shots"].max()]
        texts = [_method_text(rows, method=str(name), own=own) for name, rows in most.groupby("method")]
        parts.append(f"after {most['shots'].iloc[0]} labelled target stamps per class: {', '.join(texts)}")
    return "; ".join(parts) + "."


def summary_page(
    runs: pd.DataFrame,
    compared: pd.DataFrame,
    *,
    warnings: Sequence[str],
    published: pd.DataFrame,
    panel: bytes,
    template: str,
    pairs: Sequence[str],
    methods: Sequence[str],
    several: Sequence[Table],
    answers: Sequence[tuple[tuple[str, Table], bytes]],
    simulated: bool,
    versions: Mapping[str, str],
) -> str:
    """One HTML page that a scientist sends to a colleague: headline table, panel and verdicts, images inside.

    Comparisons are as of `significance.paired_comparisons`, `panel` is the figure of all pairs as PNG,
    `template` a Jinja template; `versions` are of Python and the packages that decide results. `several` has
    the claims on sources of several surveys, and `answers` a titled table and a figure for each question on
    them; both are empty where there is no such source. Where the
    experiment is too short to judge, or the surveys are simulated, the page says so first; `warnings`
    follow.
    """
    theirs = published_comparisons(published, pairs=pairs, methods=methods)
    overview = overview_table(runs, pairs=pairs, methods=methods)
    claims = claims_table(compared, published=None if simulated else theirs, pairs=pairs)
    # a baseline is one training, on however many surveys it was evaluated
    target = runs["target"].where(runs["method"] != BASELINE, runs["source"])
    trained = runs.assign(target=target).drop_duplicates(["method", "source", "target", "shots", "seed"])
    facts: dict[str, Any] = {
        "surveys": list(dict.fromkeys(chain.from_iterable(pair.split("-to-") for pair in pairs))),
        "pairs": len(pairs),
        "splits": runs["seed"].nunique(),
        "trainings": len(trained),
        "shots": sorted(set(runs.loc[runs["method"] != BASELINE, "shots"])),
    }
    return render(
        template,
        html=True,
        simulated=simulated,
        too_short=too_short(facts["splits"]),
        warnings=warnings,
        facts=facts,
        overview=overview,
        overview_caption=full_caption(overview, simulated=simulated),
        claims=claims.cells.to_dict("records"),
        claims_caption=full_caption(claims, simulated=simulated),
        panel=b64encode(panel).decode(),
        several=[claim for table in several for claim in table.cells.to_dict("records")],
        answers=[
            {
                "title": title,
                "cells": table.cells,
                "caption": full_caption(table, simulated=simulated),
                "figure": b64encode(figure).decode(),
            }
            for (title, table), figure in answers
        ],
        versions=versions,
    )


def _numbers(runs: pd.DataFrame, *, pairs: Sequence[str], methods: Sequence[str]) -> pd.DataFrame:
    """Means over splits of each pair's adapted runs, and of its baseline on both of its surveys."""
    means = summarise(runs, by=KEY)
    parts = []
    for pair in map(Pair.parse, pairs):
        own = means[(means["source"] == pair.source) & means["evaluated_on"].isin([pair.source, pair.target])]
        parts.append(own[own["method"] == BASELINE].assign(target=pair.target))
        parts.append(own[own["method"].isin(list(methods)) & (own["target"] == pair.target)])
    return pd.concat(parts, ignore_index=True)


def _columns(numbers: pd.DataFrame, *, methods: Sequence[str]) -> Iterator[tuple[str, pd.Series]]:
    """Printed columns: a heading, and a mean for each pair."""
    by_pair = numbers.set_index(numbers["source"] + "-to-" + numbers["target"])
    adapted = numbers[numbers["method"] != BASELINE]
    shots = sorted(set(adapted.loc[adapted["shots"] > 0, "shots"]))
    without_labels = [name for name in methods if name in set(adapted.loc[adapted["shots"] == 0, "method"])]
    shown = [(BASELINE, 0, "source"), (BASELINE, 0, "target")]
    shown += [(name, 0, "target") for name in without_labels]
    shown += [(name, count, "target") for count in sorted({*shots[:1], *shots[-1:]}) for name in methods]
    shown += [(name, count, "source") for count in shots[-1:] for name in methods]
    for method, count, where in shown:
        chosen = (by_pair["method"] == method) & (by_pair["shots"] == count)
        chosen &= by_pair["evaluated_on"] == by_pair[where]
        yield f"{trained_name(method, count)}, {where}", by_pair.loc[chosen, "mean"]


def _pairs(adapted: pd.DataFrame, *, baseline: pd.Series) -> list[tuple[str, str]]:
    """Pairs that were adapted or, where nothing was, every transfer of a baseline."""
    pairs = list(dict.fromkeys(zip(adapted["source"], adapted["target"], strict=True)))
    pairs = pairs or [(source, target) for source, target in baseline.index if source != target]
    wanted = {*pairs, *((source, source) for source, _ in pairs)}
    if not pairs or not wanted <= set(baseline.index):
        raise ContractError(
            "runs table: expected baselines evaluated on another survey than their own, found "
            f"{sorted(set(baseline.index))}. Make it again: snakemake --force gather"
        )
    return pairs


def _method_text(rows: pd.DataFrame, *, method: str, own: pd.Series) -> str:
    on_target = rows.loc[rows["evaluated_on"] == rows["target"], "mean"].mean()
    on_source = rows[rows["evaluated_on"] == rows["source"]]
    lost = (on_source["source"].map(own) - on_source["mean"]).mean()
    change = f"{abs(lost):.3f} {'lost' if lost >= 0 else 'gained'} on the source"
    return f"{method_name(method)} {on_target:.3f} on the target ({change})"
