"""Triplets of the study's stamps: examples of either label, and stamps whose label people changed."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from stampshift.des_study.models import CORRECTED, OLD
from stampshift.figures.stamp_figures import example_rows, triplet_columns
from stampshift.figures.style import styled
from stampshift.stamps.file import LABEL_NAMES, LABELS, Stamps

CHANGES = ("real to bogus", "bogus to real")


@styled
def label_examples(stamps: Stamps, *, per_label: int) -> Figure:
    """Real stamps at the left and bogus ones at the right (Fig. 2 of the paper), spread over the file."""
    names = np.array([LABEL_NAMES[label] for label in stamps.labels])
    title = f"Stamps of {stamps.survey}, {stamps.stamps.shape[-1]} pixels a side"
    return _examples(stamps, names, among=LABELS, count=per_label, title=title)


@styled
def relabelled_examples(stamps: Stamps, *, labels: pd.DataFrame, per_change: int) -> Figure:
    """Stamps whose label changed (Fig. 6 of the paper), real to bogus at the left, the others at the right.

    `labels` is a labels file's table; the examples are spread over the file.
    """
    old, new = (labels[column].map(LABEL_NAMES.__getitem__) for column in (OLD, CORRECTED))
    title = f"Stamps of {stamps.survey} whose label changed"
    changes = (old + " to " + new).to_numpy(str)
    return _examples(stamps, changes, among=CHANGES, count=per_change, title=title)


def _examples(
    stamps: Stamps, names: NDArray[np.str_], *, among: Iterable[str], count: int, title: str
) -> Figure:
    """A column of up to `count` triplets for each of some names of stamps, with its number of stamps."""
    columns = {
        f"{name}: {(names == name).sum():,}": {
            int(row): str(stamps.ids[row]) for row in example_rows(names, name=name, count=count)
        }
        for name in among
    }
    return triplet_columns(stamps, columns, per_column=count, title=title)
