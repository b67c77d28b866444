"""Any survey by its alert packets, labels in a separate file.

The options are those of `surveys.<name>.packets` in the config. The dialect's marks of invalid pixels become
NaN here, on top of what the config declares. A survey is one telescope: packets of two dialects in one
archive are refused here, while `stampshift score` takes them.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from stampshift.alerts import containers, dividing
from stampshift.alerts.containers import Unit
from stampshift.alerts.decoding import decode, dialect_of
from stampshift.alerts.dialects import DIALECTS
from stampshift.core.errors import ArchiveError
from stampshift.core.parallel import Recovery
from stampshift.stamps.raw_triplets import InvalidPixels, RawTriplet, Unusable
from stampshift.surveys.label_table import class_of, without
from stampshift.surveys.reader import Reader


def build(options: Mapping[str, Any], invalid: InvalidPixels) -> Reader:  # noqa: ARG001
    """Reader of alert packets; preprocessing applies `invalid`."""
    label_file = Path(options["labels"]) if options.get("labels") else None
    schemas = Path(options["schemas"]) if options.get("schemas") else None
    return Reader(
        partial(_files, label_file=label_file),
        partial(_units, label_file=label_file, schemas=schemas),
        partial(_decode, label_file=label_file),
        label_file=label_file,
        repeats=True,
        recovery=partial(Recovery, divide=dividing.divide, lost=dividing.lost, join=dividing.join),
        place=_place,
    )


def _place(unit: Unit) -> str:
    return unit.pieces[0].place


def _files(paths: Sequence[Path], *, label_file: Path | None) -> list[Path]:
    return without(label_file, containers.files(paths, links_to_nowhere=False))


def _units(paths: Sequence[Path], *, label_file: Path | None, schemas: Path | None) -> Iterator[Unit]:
    """Units of packets, up to one in which there are packets of another dialect than before."""
    first: dict[str, str] = {}  # by dialect, the place of its first packet
    for unit in containers.units(_files(paths, label_file=label_file), schemas=schemas):
        for piece in unit.pieces:
            dialect = dialect_of(piece, schemas=unit.schemas)
            if dialect is not None:
                first.setdefault(dialect, piece.place)
        if len(first) > 1:
            found = " and ".join(f"of {dialect} ({place})" for dialect, place in first.items())
            raise ArchiveError(
                f"expected alert packets of one telescope, found packets {found}. A survey has one "
                "telescope: put each telescope's packets into a separate folder, with a separate section "
                "under `surveys`."
            )
        yield unit


def _decode(unit: Unit, *, label_file: Path | None) -> Iterator[RawTriplet | Unusable]:
    for alert in decode(unit):
        if alert.images is None:
            yield Unusable(alert.problem, alert.identifier, alert.detail)
            continue
        marks = DIALECTS[alert.survey].invalid
        template, science, difference = (
            np.where(marks.mask(image), np.float32(np.nan), image) for image in alert.images
        )
        name = class_of(alert.identifier, label_file)
        yield RawTriplet((template, science, difference), name, alert.identifier, alert.group, alert.metadata)
