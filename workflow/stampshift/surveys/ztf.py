"""ZTF: the training set of ALeRCE's stamp classifier (Carrasco-Davis et al. 2021).

Either `training_set_Nov-26-2019.pkl`, a pickled pandas frame with `class`, `oid` and `cutoutScience`,
`cutoutTemplate`, `cutoutDifference` (gzipped FITS bytes); or its converted form, a pickled dictionary of
`labels` (integers, classes in alphabetical order), `images` (height x width x 3: science, template,
difference) and perhaps `object_ids`.

A pickle cannot be read in parts: it is held in memory once, as it is stored (about 1.2 GB compressed
stamps for the 36,262 triplets, 1.7 GB for the converted form), and cut into units of 256 candidates.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from stampshift.core.errors import ArchiveError
from stampshift.formats.archives import find, in_units, listing
from stampshift.formats.cells import as_text
from stampshift.formats.unpickling import PICKLE, unpickle_file
from stampshift.stamps.raw_triplets import InvalidPixels, Unusable
from stampshift.surveys.reader import (
    MISSING_LABEL,
    WRONG_SHAPE,
    StoredCandidate,
    as_array,
    decode_stored,
    wrong_label,
)

SURVEY = "ZTF"
CUTOUTS = ("cutoutTemplate", "cutoutScience", "cutoutDifference")  # in the order of stamps.CHANNELS
CONVERTED_CHANNELS = (1, 0, 2)  # stored as science, template, difference
CONVERTED_CLASSES = {0: "AGN", 1: "SN", 2: "VS", 3: "asteroid", 4: "bogus"}
UNIT_CANDIDATES = 256
REMEDY = "Put training_set_Nov-26-2019.pkl (or converted_data.pkl) there, or give its path in the config."


def files(paths: Sequence[Path]) -> list[Path]:
    """The one pickle."""
    found = find(paths, PICKLE, archive=SURVEY, remedy=REMEDY)
    if len(found) != 1:
        raise ArchiveError(
            f"{SURVEY} archive: expected one pickle (*.pkl) in {listing(paths)}, found {len(found)}. {REMEDY}"
        )
    return found


def units(paths: Sequence[Path]) -> Iterator[list[StoredCandidate | Unusable]]:
    """At most 256 candidates at a time, their images as stored."""
    (path,) = files(paths)
    place = f"{SURVEY} archive {path}"
    content = unpickle_file(path, place=place)
    if isinstance(content, pd.DataFrame):
        candidates = _of_frame(content, place)
    elif isinstance(content, dict):
        candidates = _of_converted(content, place)
    else:
        raise ArchiveError(
            f"{place}: expected a pandas frame or a dictionary, found {type(content).__name__}. {REMEDY}"
        )
    yield from in_units(candidates, size=UNIT_CANDIDATES)


# triplets of one unit, most of them 63 x 63 pixels; the group is the object's `oid`; no template is computed
decode = partial(decode_stored, invalid=InvalidPixels())


def _of_frame(frame: pd.DataFrame, place: str) -> Iterator[StoredCandidate | Unusable]:
    """Candidates of the original form; the identifier is `candid`, or ``<oid>:<row>`` without one."""
    _require(("class", "oid", *CUTOUTS), list(frame.columns), place)
    objects = [str(name) for name in frame["oid"]]
    rows = [f"{name}:{row}" for row, name in enumerate(objects)]
    identifiers = list(map(str, frame["candid"])) if "candid" in frame.columns else rows
    columns = (identifiers, objects, frame["class"], *(frame[name] for name in CUTOUTS))
    for identifier, group, survey_class, *cells in zip(*columns, strict=True):
        where, images = f"{place}, candidate {identifier}", dict(zip(CUTOUTS, cells, strict=True))
        name = as_text(survey_class)
        if name:
            yield StoredCandidate(where, identifier, group, name, images)
        else:
            yield Unusable(MISSING_LABEL, identifier, f"{where}: expected a class, found none.")


def _of_converted(content: dict[Any, Any], place: str) -> Iterator[StoredCandidate | Unusable]:
    """Candidates of the converted form; the identifier is the row, after the object's where it is known."""
    _require(("labels", "images"), list(content), place)
    labels, images = np.asarray(content["labels"]).ravel().tolist(), content["images"]
    objects = [str(name) for name in content.get("object_ids", [""] * len(labels))]
    if not len(labels) == len(images) == len(objects):
        raise ArchiveError(
            f"{place}: expected as many images and object_ids as labels, found {len(images)} and "
            f"{len(objects)} for {len(labels)}. {REMEDY}"
        )
    for row, (label, image, group) in enumerate(zip(labels, images, objects, strict=True)):
        identifier = f"{group}:{row}" if group else str(row)
        where = f"{place}, candidate {identifier}"
        stored = as_array(image)
        reason = wrong_label(label, CONVERTED_CLASSES)
        if reason:
            detail = f"{where}: expected a label of {CONVERTED_CLASSES}, found {label!r}."
            yield Unusable(reason, identifier, detail)
        elif stored.ndim != 3 or stored.shape[2] != len(CONVERTED_CHANNELS):
            detail = f"{where}: expected an image of shape (height, width, 3), found {stored.shape}."
            yield Unusable(WRONG_SHAPE, identifier, detail)
        else:
            planes = zip(CUTOUTS, CONVERTED_CHANNELS, strict=True)
            cells = {name: stored[:, :, plane] for name, plane in planes}
            yield StoredCandidate(where, identifier, group, CONVERTED_CLASSES[label], cells)


def _require(names: Sequence[str], found: Sequence[Any], place: str) -> None:
    missing = [name for name in names if name not in found]
    if missing:
        raise ArchiveError(
            f"{place}: expected {', '.join(names)}, found no {missing[0]!r} among "
            f"{', '.join(map(str, found))}. {REMEDY}"
        )
