"""One page that a scientist sends to a colleague: headline table, panel and verdicts in one HTML file."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from jinja2 import Environment, StrictUndefined

from stampshift.config.experiment import BASELINE
from stampshift.tables.claims import claims_table
from stampshift.tables.overview import overview_table
from stampshift.tables.significance import published_comparisons
from stampshift.tables.writing import full_caption


def summary_page(
    runs: pd.DataFrame,
    compared: pd.DataFrame,
    *,
    published: pd.DataFrame,
    panel: bytes,
    template: str,
    pairs: Sequence[str],
    methods: Sequence[str],
    simulated: bool,
    versions: Mapping[str, str],
) -> str:
    """Fill the page: everything that it shows is inside it, images too.

    Parameters
    ----------
    runs
        The long table of runs.
    compared
        Comparisons as of `significance.paired_comparisons`.
    published
        The published means and standard deviations.
    panel
        The figure of all pairs as PNG.
    template
        Jinja template of the page.
    pairs, methods
        Of the experiment, in order.
    simulated
        Whether the surveys are simulated, which the page then says first.
    versions
        Of Python and the packages that decide results.
    """
    theirs = published_comparisons(published, pairs=pairs, methods=methods)
    overview = overview_table(runs, pairs=pairs, methods=methods)
    claims = claims_table(compared, published=None if simulated else theirs, pairs=pairs)
    facts: dict[str, Any] = {
        "surveys": list(dict.fromkeys(runs["evaluated_on"])),
        "pairs": len(pairs),
        "splits": runs["seed"].nunique(),
        "trainings": _trainings(runs),
        "shots": sorted(set(runs.loc[runs["shots"] > 0, "shots"])),
    }
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    return environment.from_string(template).render(
        simulated=simulated,
        facts=facts,
        overview=overview,
        overview_caption=full_caption(overview, simulated=simulated),
        claims=claims.cells.to_dict("records"),
        claims_caption=full_caption(claims, simulated=simulated),
        panel=b64encode(panel).decode(),
        versions=dict(versions),
    )


def _trainings(runs: pd.DataFrame) -> int:
    """Models that were trained: a baseline is one, on however many surveys it was evaluated."""
    target = runs["target"].where(runs["method"] != BASELINE, runs["source"])
    return len(runs.assign(target=target).drop_duplicates(["method", "source", "target", "shots", "seed"]))
