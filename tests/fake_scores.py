"""Scores of nights whose distributions are known."""

import numpy as np
import pandas as pd
from scipy.special import expit


def drawn(generator, count, *, share_real=0.5, shift=0.0):
    """Stamps of one distribution: logits of two classes, similarity and distance that depend on the class."""
    real = generator.random(count) < share_real
    logit = generator.normal(np.where(real, 3.0, -3.0), 1.0)
    return pd.DataFrame(
        {
            "logit": logit.astype(np.float32),
            "similarity": generator.normal(np.where(real, 0.9, 0.7) - shift, 0.02).astype(np.float32),
            "distance": generator.normal(np.where(real, 8.0, 10.0) + 20 * shift, 1.0).astype(np.float32),
        }
    )


def night(generator, count, *, survey="A", flag="", **options):
    table = drawn(generator, count, **options)
    table["score"] = expit(table.pop("logit")).astype(np.float32)
    return table.assign(id=[f"c{row}" for row in range(count)], survey=survey, flag=flag)
