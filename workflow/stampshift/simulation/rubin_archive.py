"""Writes alert packets in the manner of Rubin's, of any survey, and the labels of all of them beside.

The packets have those fields of lsst.alert.packet that a real/bogus classifier reads, under their names,
in Avro containers: identifiers, and three cutouts as FITS in nJy of an even number of pixels. The survey's
own score, `reliability`, is null.
"""

import csv
import io
from pathlib import Path
from typing import Any

import fastavro

from stampshift.core.files import atomic_path
from stampshift.simulation.archive_plan import Plan
from stampshift.simulation.encoding import fits_bytes
from stampshift.simulation.streams import TRUTH

CUTOUTS = {"cutoutTemplate": "template", "cutoutScience": "science", "cutoutDifference": "difference"}
CARDS = ("BUNIT   = 'nJy     '",)
FIRST_SOURCE, FIRST_OBJECT = 170_094_456_000_000_001, 170_000_000_000_000_001
PER_NIGHT = 1_000_000  # identifiers of an archive, which is a night: another seed, another night
SYNC_MARKER = b"stampshift-rubin"  # Avro asks for 16 bytes, at random; these are the same in every archive
DIA_SOURCE_FIELDS = [
    {"name": "diaSourceId", "type": "long"},
    {"name": "diaObjectId", "type": ["null", "long"]},
    {"name": "snr", "type": "float"},
    {"name": "isNegative", "type": "boolean"},
    {"name": "reliability", "type": ["null", "float"]},
]
FIELDS = [
    {"name": "diaSourceId", "type": "long"},
    {"name": "diaSource", "type": {"type": "record", "name": "diaSource", "fields": DIA_SOURCE_FIELDS}},
    *({"name": name, "type": ["null", "bytes"]} for name in CUTOUTS),
]
SCHEMA = {"type": "record", "name": "alert", "namespace": "stampshift.simulated.lsst", "fields": FIELDS}


def write_archive(plan: Plan, folder: Path, *, processes: int) -> None:
    """Write a container of packets per task, and the table of labels."""
    with atomic_path(folder / TRUTH) as temporary, temporary.open("w", newline="") as stream:
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(["id", "label"])
        for number, (labels, content) in enumerate(plan.blocks(draw_block, processes=processes)):
            with atomic_path(folder / f"alerts-{number:03}.avro") as container:
                container.write_bytes(content)
            table.writerows(labels)


def draw_block(task: Plan) -> tuple[list[tuple[int, str]], bytes]:
    """Identifiers and classes of one task, and the container of its packets."""
    packets: list[dict[str, Any]] = []
    first_source, first_object = (first + PER_NIGHT * task.seed for first in (FIRST_SOURCE, FIRST_OBJECT))
    for stamp in task.stamps():
        triplet = stamp.triplet
        packet = {
            "diaSourceId": first_source + stamp.position,
            "diaSource": {
                "diaSourceId": first_source + stamp.position,
                "diaObjectId": first_object + stamp.object_number,
                "snr": float(abs(triplet.candidate.flux) / triplet.conditions.flux_error),
                "isNegative": bool(triplet.candidate.flux < 0),
                "reliability": None,
            },
        }
        cutouts = {name: fits_bytes(getattr(triplet, kind), cards=CARDS) for name, kind in CUTOUTS.items()}
        packets.append(packet | cutouts)
    stream = io.BytesIO()
    fastavro.writer(stream, SCHEMA, packets, codec="null", sync_marker=SYNC_MARKER)
    identifiers = [packet["diaSourceId"] for packet in packets]
    return list(zip(identifiers, task.classes, strict=True)), stream.getvalue()
