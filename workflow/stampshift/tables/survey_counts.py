"""What became of the triplets of every survey, beside the published counts."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from stampshift.stamps.file import CHANNELS
from stampshift.tables.wording import SIMULATED
from stampshift.tables.writing import DASH, Table

ALL = "all"
STAGES = {
    "read": "read",
    "dropped": "dropped",
    "kept": "kept",
    "filled": "stamps with filled pixels",
    "empty": "stamps with an empty channel",
    "constant": "stamps with a constant channel",
}
COLUMNS = ["survey", "stage", "what", "count", "published", "source", "simulated"]
Counts = dict[tuple[str, str], int]  # by stage, and class, reason or channel


def data_table(attributes: Mapping[str, Mapping[str, Any]], *, published: pd.DataFrame) -> Table:
    """Triplets read and kept by class and dropped by reason, and channels filled and empty, by survey.

    The attributes are those of the surveys' stamps files, in the order of the table. Published counts have
    the columns ``survey``, ``stage`` (key of `STAGES`), ``what`` (a class, a channel, or ``all``), ``count``
    and ``source``; nothing was published of a simulated survey.
    """
    lines = [
        line
        for survey, each in attributes.items()
        for line in _lines(survey, each, published[published["survey"] == survey])
    ]
    numbers = pd.DataFrame(lines, columns=COLUMNS).astype({"published": float})
    caption = (
        "Triplets of every survey: read from its archive, by class; dropped, by reason; kept, by class; and "
        "kept stamps of which a channel had invalid pixels that were filled, no valid pixel (empty), or no "
        "variation (constant). Beside them the published counts, and where ours differ."
    )
    return Table(numbers, _cells(numbers), caption, "tab:data")


def mismatches(numbers: pd.DataFrame) -> list[str]:
    """A sentence for each survey of which counts of `data_table` differ from the published ones."""
    sentences = []
    for survey, wrong in numbers[_differs(numbers)].groupby("survey", sort=False):
        found = (
            f"{STAGES[stage]}, {what} {count:,} (published {theirs:,.0f})"
            for stage, what, count, theirs in wrong[["stage", "what", "count", "published"]].to_numpy()
        )
        sources = " and ".join(dict.fromkeys(wrong["source"]))
        sentences.append(
            f"{survey} is not the published data set: {'; '.join(found)}; {sources}. Complete its archive, "
            "or do not compare its results with the published ones."
        )
    return sentences


def _differs(numbers: pd.DataFrame) -> pd.Series:
    return numbers["published"].notna() & (numbers["published"] != numbers["count"])


def _lines(survey: str, attributes: Mapping[str, Any], published: pd.DataFrame) -> Iterator[dict[str, Any]]:
    simulated = "simulate" in attributes["origin"]
    ours = _counts(attributes["counts"])
    theirs: dict[Any, Any] = {} if simulated else published.set_index(["stage", "what"]).to_dict("index")
    # a class that was published and of which no triplet came has 0
    for stage, what in sorted({**ours, **theirs}, key=lambda key: list(STAGES).index(key[0])):
        known = theirs.get((stage, what), {"count": None, "source": ""})
        yield {
            **{"survey": survey, "stage": stage, "what": what, "count": ours.get((stage, what), 0)},
            **{"published": known["count"], "source": known["source"], "simulated": simulated},
        }


def _counts(counts: Mapping[str, Any]) -> Counts:
    parts = {
        "read": {ALL: counts["read"], **counts["classes_read"]},
        "dropped": {ALL: sum(counts["dropped"].values()), **counts["dropped"]},
        "kept": {ALL: counts["kept"], **counts["classes"]},
        **{
            stage: {name: counts[key][name] for name in CHANNELS}
            for stage, key in (("filled", "filled_stamps"), ("empty", "empty"), ("constant", "constant"))
        },
    }
    return {(stage, what): count for stage, found in parts.items() for what, count in found.items()}


def _cells(numbers: pd.DataFrame) -> pd.DataFrame:
    theirs = [
        SIMULATED if simulated else DASH if pd.isna(count) else f"{count:,.0f}"
        for count, simulated in zip(numbers["published"], numbers["simulated"], strict=True)
    ]
    return pd.DataFrame(
        {
            "survey": numbers["survey"],
            "triplets": numbers["stage"].map(STAGES),
            "class, reason or channel": [what.replace("_", " ") for what in numbers["what"]],
            "here": [f"{count:,}" for count in numbers["count"]],
            "published": theirs,
            "remark": ["differs" if wrong else "" for wrong in _differs(numbers)],
        }
    )
