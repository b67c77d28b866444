"""The search for the entropy weight (lambda) of every pair, beside the published choice."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from stampshift.tables.change_tables import ROLES
from stampshift.tables.wording import THESIS, counted
from stampshift.tables.writing import DASH, Table, format_number

MEANS = ["validation_balanced_accuracy", "validation_loss"]
Search = Mapping[str, Any]  # content of a ``lambda/<pair>.json`` file


def mean_validation(search: Search) -> pd.Series:
    """Mean over shots of the validation balanced accuracy, by entropy weight, ascending.

    It is empty where no weight was searched.
    """
    return search_means(search)[MEANS[0]]


def search_means(search: Search) -> pd.DataFrame:
    """Means over shots by entropy weight, ascending; no line where no weight was searched.

    Columns are ``validation_balanced_accuracy`` and ``validation_loss`` (cross-entropy, nats) of the target's
    validation stamps, and ``target`` and ``source``, the balanced accuracy on their test parts.
    """
    trials = pd.DataFrame(list(search["search"]), columns=["entropy_weight", *MEANS])
    tests = pd.DataFrame(list(search["test"]), columns=["entropy_weight", *ROLES])
    validated, tested = (each.groupby("entropy_weight").mean() for each in (trials, tests))
    return validated.join(tested)


def lambda_table(searches: Sequence[Search], *, published: pd.DataFrame) -> Table:
    """The entropy weight chosen for every pair, beside the published one, and what each weight reached.

    The thesis' choices have the columns ``source``, ``target`` and ``lambda``. On test parts the two are
    compared where the published weight is one of those searched: both were trained on the same split.
    """
    choices = published.set_index(["source", "target"])["lambda"].to_dict()
    numbers, rows, both = [], [], []
    for search in searches:
        pair = {name: search[name] for name in ("source", "target")}
        weights = {"chosen": search["chosen"], "published": choices.get(tuple(pair.values()), np.nan)}
        means = search_means(search)
        compared = {
            f"on {role}, {name}": float(means[role].get(weight, np.nan))
            for role in ROLES
            for name, weight in weights.items()
        }
        both.append(compared)
        numbers.append(_numbers(search, means, pair | weights))
        printed = pair | {name: format_number(weight, "g") for name, weight in weights.items()}
        printed |= {"equal": str(len(search["tied"])) if len(means) else DASH}
        printed |= {name: format_number(value, ".3f") for name, value in compared.items()}
        rows.append(printed | {f"λ = {weight:g}": f"{mean:.3f}" for weight, mean in means[MEANS[0]].items()})
    caption = (
        f"Entropy weight λ chosen for each pair, the choice of {THESIS}, and the number of weights that tie "
        "for the highest validation accuracy; of these that of the lowest validation loss is chosen. "
        "Then the balanced accuracy on the test parts with the chosen and with the published λ, as far as it "
        "was searched, and on the target's validation stamps with each λ; means over numbers of shots on the "
        f"split of the search. {_both_in_words(pd.DataFrame(both))}"
    )
    return Table(pd.concat(numbers), pd.DataFrame(rows).fillna(DASH), caption, "tab:lambda")


def _numbers(search: Search, means: pd.DataFrame, described: Mapping[str, Any]) -> pd.DataFrame:
    """A line per weight searched, or one of the chosen weight where none was."""
    table = means if len(means) else means.reindex([search["chosen"]])
    on_test = {role: f"{role}_balanced_accuracy" for role in ROLES}
    lines = table.rename(columns=on_test).rename_axis("entropy_weight").reset_index()
    tied = lines["entropy_weight"].isin(search["tied"]) & (len(means) > 0)
    head = pd.DataFrame({name: [value] * len(lines) for name, value in described.items()})
    return pd.concat([head, lines.assign(tied=tied)], axis=1)


def _both_in_words(compared: pd.DataFrame) -> str:
    """The two choices over the pairs in which both were trained."""
    rows = compared.dropna()
    if rows.empty:
        return "No published λ is among those searched."
    means = rows.mean()
    texts = [
        f"{means[f'on {role}, chosen']:.3f} on the {role} with the chosen λ and "
        f"{means[f'on {role}, published']:.3f} with the published one"
        for role in ROLES
    ]
    return f"Over {counted(len(rows), 'pair')} with both: {'; '.join(texts)}."
