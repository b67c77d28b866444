"""Which stamps belong together: those of one object, and those with identical pixels.

A training that has seen one stamp of a group is never judged on another: parts, folds and test files are made
of whole groups.
"""

import numpy as np
from numpy.typing import NDArray

from stampshift.stamps.file import Stamps

LARGE_SHARE = 0.1  # of all stamps: the largest group that is not suspicious
FEWEST_LARGE = 3


def groups_of(stamps: Stamps, rows: NDArray[np.int64] | None = None) -> NDArray[np.str_] | None:
    """Name of the group of each of `rows` (all stamps by default), or None where every stamp is its own.

    Stamps that share an object or all pixels are of one group, and so are those that are connected through
    others. A group has the name of its first object, ``row <n>`` where none of its stamps names one.
    """
    rows = np.arange(len(stamps)) if rows is None else rows
    objects, pixels = stamps.groups[rows], stamps.fingerprints[rows]
    named = objects != ""
    distinct, looks = np.unique(pixels, return_inverse=True)
    if not named.any() and len(distinct) == len(rows):
        return None
    # importing scipy's graphs takes longer than a training job needs to open its splits
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    names, codes = np.unique(np.where(named, objects, [f"row {row}" for row in rows]), return_inverse=True)
    nodes = len(names) + len(distinct)
    edges = coo_array((np.ones(len(rows)), (codes, len(names) + looks)), shape=(nodes, nodes))
    component = connected_components(edges, directed=False)[1][: len(names)]
    first = np.unique(component, return_index=True)[1]  # names are sorted
    found: NDArray[np.str_] = names[first[component[codes]]]
    return found


def identical(stamps: Stamps) -> tuple[int, int]:
    """Number of stamps whose pixels another stamp has too, and of different stamps among them."""
    times = np.unique(stamps.fingerprints, return_counts=True)[1]
    return int(times[times > 1].sum()), int((times > 1).sum())


def remarks_on(stamps: Stamps) -> list[str]:
    """Sentences on identical stamps, and on every group that holds more than a tenth of all stamps."""
    sentences = []
    copies, looks = identical(stamps)
    if copies:
        sentences.append(
            f"{copies} stamps have the pixels of another ({looks} different ones among them); every split "
            "keeps identical stamps in one part."
        )
    groups = groups_of(stamps)
    if groups is not None:
        names, sizes = np.unique(groups, return_counts=True)
        for name, size in zip(names, sizes, strict=True):
            if size >= FEWEST_LARGE and size > LARGE_SHARE * len(stamps):
                sentences.append(
                    f"{size} of {len(stamps)} stamps are of one group, '{name}', and will be in one part of "
                    "every split. If this is no object but a word for none, leave those cells empty."
                )
    return sentences
