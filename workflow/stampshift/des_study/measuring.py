"""From a raw archive to the table of features that are measured on its stamps.

Measured are the raw stamps, as a survey's own pipeline would, not those of the stamps file, which are
normalised and may be cropped.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from stampshift.core.errors import ArchiveError
from stampshift.core.parallel import ordered_map
from stampshift.stamps.autoscan import SMALLEST_STAMP, STAMP_FEATURES, stamp_features
from stampshift.stamps.raw_triplets import InvalidPixels, RawTriplet
from stampshift.surveys import READERS


def measure_archive(
    paths: Sequence[Path],
    *,
    survey: str,
    reader: str,
    options: Mapping[str, Any],
    invalid: InvalidPixels,
    processes: int,
    progress: bool,
) -> pd.DataFrame:
    """Measure the features of every candidate of a raw archive whose three images are squares of one size.

    Returns ``id`` (str) and `STAMP_FEATURES` (float64, finite), in the archive's order, whatever the number
    of processes. Memory holds the table (130 MB for 900,000 candidates) and two units per process. Raises
    an `ArchiveError` if a file is missing, damaged or of another format, or no candidate can be measured.
    """
    work = partial(_block, reader=reader, options=dict(options), invalid=invalid)
    tables = []
    try:
        with tqdm(desc=survey, unit=" stamps", disable=None if progress else True) as bar:
            for table in ordered_map(
                work, READERS[reader](options, invalid).units(paths), processes=processes
            ):
                tables.append(table)
                bar.update(len(table))
    except ArchiveError as error:
        raise ArchiveError(f"{survey}: {error}") from error
    if not any(map(len, tables)):
        raise ArchiveError(
            f"{survey}: no candidate has three square images of one size, {SMALLEST_STAMP} pixels or more, "
            "on which features could be measured. Leave `forest_of_stamps` out of des_study.forests."
        )
    return pd.concat(tables, ignore_index=True)


def measure(triplets: Sequence[RawTriplet], *, invalid: InvalidPixels) -> pd.DataFrame:
    """Features of triplets whose images are squares of one size, `measure_archive`'s columns."""
    template, difference = (np.stack([triplet.images[channel] for triplet in triplets]) for channel in (0, 2))
    features = stamp_features(
        template.astype(np.float64),
        difference.astype(np.float64),
        masked=invalid.mask(template) | invalid.mask(difference),
    )
    columns = {name: features[name] for name in STAMP_FEATURES}
    return pd.DataFrame({"id": [triplet.identifier for triplet in triplets], **columns})


def _block(unit: Any, *, reader: str, options: Mapping[str, Any], invalid: InvalidPixels) -> pd.DataFrame:
    """Features of one unit's candidates, in order."""
    by_size: dict[int, list[int]] = {}
    decoded = READERS[reader](options, invalid).decode(unit)
    triplets = [triplet for triplet in decoded if isinstance(triplet, RawTriplet)]
    for position, triplet in enumerate(triplets):
        shapes = {image.shape for image in triplet.images}
        side = triplet.images[0].shape[0]
        if shapes == {(side, side)} and side >= SMALLEST_STAMP:
            by_size.setdefault(side, []).append(position)
    tables = [
        measure([triplets[position] for position in positions], invalid=invalid).set_index(
            pd.Index(positions)
        )
        for positions in by_size.values()
    ]
    empty = pd.DataFrame({"id": pd.Series(dtype=str)})
    return pd.concat(tables).sort_index() if tables else empty
