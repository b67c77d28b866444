"""Candidates ranked by the agreement of networks, against one network alone, on planted flips."""

import numpy as np
import pandas as pd

from stampshift.des_study.models import OLD, TRUE
from stampshift.des_study.search_success import review_queue
from stampshift.tables.writing import Table, format_number

AGREEMENT, ALONE = "agreement", "network"
RANKINGS = {AGREEMENT: "by agreement of the networks", ALONE: "by one network alone"}
SHARES = (0.1, 0.25, 0.5, 1.0)  # of the queue, after which precision is read


def ranked_queues(candidates: pd.DataFrame, *, labels: pd.DataFrame) -> pd.DataFrame:
    """`review_queue` of both rankings of the same candidates, with ``ranking`` (key of `RANKINGS`) in front.

    `candidates` are of `find_candidates`, in the order of the agreement. Alone, a network ranks by the
    distance of its own score from the label.
    """
    distance = (candidates["label"] - candidates["score"]).abs()
    alone = candidates.assign(distance=distance).sort_values(["distance", "row"], ascending=[False, True])
    queues = [
        review_queue(ranked, labels=labels).assign(ranking=name)
        for name, ranked in ((AGREEMENT, candidates), (ALONE, alone))
    ]
    table = pd.concat(queues, ignore_index=True)
    return table[["ranking", *table.columns.drop("ranking")]]


def ranking_numbers(queues: pd.DataFrame) -> pd.DataFrame:
    """Precision of both rankings after each of `SHARES` of the queue, and on the average.

    ``average_precision`` is the mean of the precision at every flip found (NaN without one); the two
    rankings end with the same candidates and the same precision.
    """
    lines = []
    for ranking, queue in queues.groupby("ranking", sort=False):
        precision = queue["precision"].to_numpy()
        hits = np.diff(queue["found"], prepend=0) == 1
        average = precision[hits].mean() if hits.any() else np.nan
        lines += [
            {"ranking": ranking, "share": share, "reviewed": count, "found": queue["found"].iloc[count - 1]}
            | {"precision": precision[count - 1], "average_precision": average}
            for share in SHARES
            for count in [max(1, round(share * len(queue)))]
        ]
    return pd.DataFrame(lines)


def ranking_table(numbers: pd.DataFrame) -> Table:
    """Print the numbers of `ranking_numbers`, a line per ranking."""
    rows = [
        {"candidates": RANKINGS[str(ranking)]}
        | {
            f"precision of the first {line['share']:.0%} ({line['reviewed']:,})": f"{line['precision']:.1%}"
            for line in lines.to_dict("records")
        }
        | {"average precision": format_number(lines["average_precision"].iloc[0], ".3f")}
        for ranking, lines in numbers.groupby("ranking", sort=False)
    ]
    caption = (
        "The same candidates in two orders, against the flips that the simulator planted: share of flipped "
        "labels among the first of the queue, and mean of this share at every flip. By agreement, more "
        "networks that contradict a label with confidence come first, and of equals the higher mean distance "
        "of their scores from the label."
    )
    return Table(numbers, pd.DataFrame(rows), caption, "tab:des-rankings")


def agreeing_numbers(candidates: pd.DataFrame, *, labels: pd.DataFrame) -> pd.DataFrame:
    """Candidates and flipped ones among them (``found``), by the number of ``agreeing`` networks, falling."""
    wrong = labels.loc[labels[OLD] != labels[TRUE], "row"]
    table = candidates.assign(flipped=candidates["row"].isin(wrong))
    numbers = table.groupby("agreeing")["flipped"].agg(candidates="size", found="sum", precision="mean")
    return numbers.sort_index(ascending=False).reset_index()


def agreeing_table(numbers: pd.DataFrame, *, networks: int) -> Table:
    """Print the numbers of `agreeing_numbers`, of a search with so many networks."""
    cells = pd.DataFrame(
        {
            "networks that contradict the label": [f"{count} of {networks}" for count in numbers["agreeing"]],
            "candidates": numbers["candidates"].map("{:,}".format),
            "flips among them": numbers["found"].map("{:,}".format),
            "precision": [f"{value:.1%}" for value in numbers["precision"]],
        }
    )
    caption = (
        "Candidates by how many networks contradict their label with confidence, against the flips that the "
        "simulator planted. Where networks agree against a label, it is likely to be wrong."
    )
    return Table(numbers, cells, caption, "tab:des-agreeing")
