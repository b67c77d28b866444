"""Annotations of Lasair, by `lasair.lasair_client` (https://lasair.readthedocs.io, annotators)."""

from typing import Any

import pandas as pd


def annotate(client: Any, topic: str, scores: pd.DataFrame, *, threshold: float, version: str) -> int:
    """Annotate the objects of a table of scores, such as `score_alerts` gives; the number of annotations.

    An object is annotated by its best score. Alerts without a score or an object, such as moving ones, are
    passed over.

    Parameters
    ----------
    client
        A `lasair_client` with the token of the topic's owner.
    topic
        Name of the annotator, which Lasair gives.
    threshold
        Score from which the classification is "real".
    version
        Of the model, as the annotation is to name it.
    """
    known = scores[scores["score"].notna() & (scores["object"] != "")]
    best = known.loc[known.groupby("object", sort=False)["score"].idxmax()]
    for row in best.to_dict("records"):
        score = float(row["score"])
        client.annotate(
            topic,
            row["object"],
            "real" if score >= threshold else "bogus",
            version=version,
            explanation=f"P(real) {score:.3f} of alert {row['id']}" + f"; {row['flag']}" * bool(row["flag"]),
            classdict={"real": score, "bogus": 1 - score},
            url="",
        )
    return len(best)
