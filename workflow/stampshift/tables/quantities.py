"""Quantities read off the scores of models, in print."""

import pandas as pd

from stampshift.tables.predictions import models, of_model
from stampshift.tables.wording import trained_name
from stampshift.tables.writing import format_mean


def quantity_cells(numbers: pd.DataFrame) -> pd.DataFrame:
    """Cells of a table with a line per survey and model, a column per quantity.

    Parameters
    ----------
    numbers
        A line per survey, model and quantity: columns ``survey``, ``method``, ``shots``, ``quantity``,
        ``mean`` and ``std``.
    """
    rows = []
    for survey in dict.fromkeys(numbers["survey"]):
        for method, shots in models(numbers):
            lines = of_model(numbers, survey=survey, method=method, shots=shots)
            texts = [format_mean(mean, std) for mean, std in zip(lines["mean"], lines["std"], strict=True)]
            row = {"tested on": survey, "model": trained_name(method, shots)}
            rows.append(row | dict(zip(lines["quantity"], texts, strict=True)))
    return pd.DataFrame(rows)
