"""From a raw archive to the features that are measured on its stamps, as a survey's own pipeline would.

The stamps of the stamps file would not do: they are normalised and may be cropped.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from stampshift.core.bars import job_bar
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
) -> pd.DataFrame:
    """Measure the features of every candidate of a raw archive whose three images are squares of one size.

    Returns ``id`` (str) and `STAMP_FEATURES` (float64, finite), in the archive's order, whatever the number
    of processes. Memory holds the table (130 MB for 900,000 candidates) and two units per process. Raises
    an `ArchiveError` if a file is missing, damaged or of another format, or no candidate can be measured.
    """
    work = partial(_block, reader=reader, options=dict(options), invalid=invalid)
    tables = []
    try:
        units = READERS[reader](options, invalid).units(paths)
        with job_bar(desc=survey, unit=" stamps") as bar:
            for table in ordered_map(work, units, processes=processes):
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
    ids = {"id": [triplet.identifier for triplet in triplets]}
    return pd.DataFrame(ids | features, columns=["id", *STAMP_FEATURES])


def _block(unit: Any, *, reader: str, options: Mapping[str, Any], invalid: InvalidPixels) -> pd.DataFrame:
    """Features of one unit's candidates, in order; none where no candidate can be measured."""
    by_side: defaultdict[int, dict[int, RawTriplet]] = defaultdict(dict)
    for position, triplet in enumerate(READERS[reader](options, invalid).decode(unit)):
        if isinstance(triplet, RawTriplet):
            side = triplet.images[0].shape[0]
            if {image.shape for image in triplet.images} == {(side, side)} and side >= SMALLEST_STAMP:
                by_side[side][position] = triplet
    tables = [
        measure(list(triplets.values()), invalid=invalid).set_index(pd.Index(triplets))
        for triplets in by_side.values()
    ]
    return pd.concat(tables).sort_index() if tables else pd.DataFrame()
