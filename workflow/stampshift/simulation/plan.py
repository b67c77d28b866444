"""The plan of an archive: the class and the random streams of every stamp, cut into tasks."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from stampshift.simulation.streams import (
    PURPOSE_OBJECTS,
    PURPOSE_RECORD,
    PURPOSE_SKY,
    PURPOSE_STAMP,
    blocks,
    class_order,
    random_stream,
)
from stampshift.simulation.triplets import Triplet, draw_triplet

# divides HiTS' chunks of 5,000 rows; large enough to make process messages cheap, small enough for memory
STAMPS_PER_TASK = 250


@dataclass(frozen=True)
class Task:
    """Consecutive stamps for one worker; picklable.

    Attributes
    ----------
    survey, seed
        Identity of the archive.
    indices
        Positions of the stamps in the archive.
    classes
        The survey's class of each.
    objects
        Number of the astronomical object of each.
    constants
        The survey's constants.
    """

    survey: str
    seed: int
    indices: range
    classes: list[str]
    objects: list[int]
    constants: Mapping[str, Any]

    def triplets(self) -> Iterator[Triplet]:
        """Draw the stamps, one after the other."""
        for index, name, number in zip(self.indices, self.classes, self.objects, strict=True):
            yield draw_triplet(
                name,
                constants=self.constants,
                rng=random_stream(self.seed, self.survey, PURPOSE_STAMP, index),
                sky_rng=random_stream(self.seed, self.survey, PURPOSE_SKY, number),
            )

    def record_streams(self) -> Iterator[np.random.Generator]:
        """Give each stamp a further random stream, for measurements, masks and what else a format asks."""
        for index in self.indices:
            yield random_stream(self.seed, self.survey, PURPOSE_RECORD, index)


@dataclass(frozen=True)
class Plan:
    """What an archive will hold."""

    survey: str
    seed: int
    classes: list[str]
    objects: list[int]
    constants: Mapping[str, Any]

    def tasks(self) -> Iterator[Task]:
        """Cut the plan into tasks, in order."""
        for part in blocks(len(self.classes), STAMPS_PER_TASK):
            span = slice(part.start, part.stop)
            yield Task(self.survey, self.seed, part, self.classes[span], self.objects[span], self.constants)


def make_plan(survey: str, *, stamps: int, seed: int, constants: Mapping[str, Any]) -> Plan:
    """Plan an archive: classes in exact proportion and random order, alerts grouped into objects."""
    classes = class_order(stamps, survey=survey, seed=seed, constants=constants)
    objects = _objects(classes, survey=survey, seed=seed, constants=constants)
    return Plan(survey, seed, classes, objects, constants)


def _objects(classes: list[str], *, survey: str, seed: int, constants: Mapping[str, Any]) -> list[int]:
    """Assign an object to every stamp; alerts per object are geometric, of the class's mean (else 1)."""
    means = constants["alerts_per_object"]
    rng = random_stream(seed, survey, PURPOSE_OBJECTS, 0)
    current: dict[str, int] = {}
    numbers, used = [], 0
    for name in classes:
        # with probability 1 / mean an object has had its last alert, and the next one is a new object's
        if name not in current or rng.random() < 1 / means.get(name, 1):
            current[name], used = used, used + 1
        numbers.append(current[name])
    return numbers
