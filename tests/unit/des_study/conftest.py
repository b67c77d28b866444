"""Predictions of a few models, as of `read_test_part`."""

import pandas as pd
import pytest


@pytest.fixture(scope="session")
def predicted():
    def table(scores: dict[str, list[float]], *, labels: list[int], rows: dict[str, list[int]] | None = None):
        """Scores of every model; of the rows given, or of rows 0, 1, 2, ..."""
        parts = []
        for model, values in scores.items():
            chosen = (rows or {}).get(model, list(range(len(values))))
            columns = {
                "survey": "A",
                "row": chosen,
                "label": [labels[row] for row in chosen],
                "score": values,
            }
            parts.append(pd.DataFrame({"method": model, "shots": 0, "seed": 0} | columns))
        pooled = pd.concat(parts, ignore_index=True)
        for name, values in (("method", list(scores)), ("survey", ["A"])):
            pooled[name] = pd.Categorical(pooled[name], categories=values, ordered=True)
        return pooled

    return table
