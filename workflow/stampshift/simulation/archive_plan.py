"""The plan of an archive: the class and the random streams of every stamp, cut into tasks."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.random import Generator

from stampshift.core.bars import job_bar
from stampshift.core.parallel import ordered_map
from stampshift.simulation.exposure import Triplet, draw_triplet
from stampshift.simulation.streams import Purpose, class_counts, random_stream

Block = TypeVar("Block")

# divides HiTS' chunks of 5,000 rows; large enough to make process messages cheap, small enough for memory
STAMPS_PER_TASK = 250


class Stamp(NamedTuple):
    """A drawn stamp of an archive."""

    position: int  # in the archive
    survey_class: str
    object_number: int
    triplet: Triplet
    rng: Generator  # a further random stream, for measurements, masks and what else a format asks


@dataclass(frozen=True)
class Plan:
    """The stamps of an archive, or consecutive ones of it for one worker; picklable."""

    survey: str
    seed: int
    indices: range  # positions of the stamps in the archive
    classes: list[str]  # the survey's class of each
    objects: list[int]  # number of the astronomical object of each
    constants: Mapping[str, Any]

    def tasks(self) -> Iterator["Plan"]:
        """Cut the plan into tasks, in order."""
        for start in range(0, len(self.indices), STAMPS_PER_TASK):
            part = slice(start, start + STAMPS_PER_TASK)
            classes, objects = self.classes[part], self.objects[part]
            yield replace(self, indices=self.indices[part], classes=classes, objects=objects)

    def blocks(self, draw: Callable[["Plan"], Block], *, processes: int) -> Iterator[Block]:
        """What `draw` makes of each task, in order."""
        made = ordered_map(draw, self.tasks(), processes=processes)
        name, total = f"simulate {self.survey}", len(self.indices)
        with job_bar(desc=name, total=total, unit=" stamps", on_terminal=False) as progress:
            for task, block in zip(self.tasks(), made, strict=True):
                yield block
                progress.update(len(task.indices))

    def stamps(self) -> Iterator[Stamp]:
        """Draw the stamps, one after the other."""
        stream = partial(random_stream, self.seed, self.survey)
        for index, name, number in zip(self.indices, self.classes, self.objects, strict=True):
            rng, sky_rng = stream(Purpose.STAMP, index), stream(Purpose.SKY, number)
            triplet = draw_triplet(name, constants=self.constants, rng=rng, sky_rng=sky_rng)
            yield Stamp(index, name, number, triplet, stream(Purpose.RECORD, index))


def make_plan(survey: str, *, stamps: int, seed: int, constants: Mapping[str, Any]) -> Plan:
    """Plan an archive: classes in exact proportion and random order, alerts grouped into objects.

    Alerts per object are geometric, of the class's mean (else 1).
    """
    counts = class_counts(stamps, constants=constants)
    ordered = np.repeat(list(counts), list(counts.values()))
    classes = ordered[random_stream(seed, survey, Purpose.ORDER, 0).permutation(stamps)].tolist()
    means = constants["alerts_per_object"]
    rng = random_stream(seed, survey, Purpose.OBJECTS, 0)
    current: dict[str, int] = {}
    objects, used = [], 0
    for name in classes:
        # with probability 1 / mean an object has had its last alert, and the next one is a new object's
        if name not in current or rng.random() < 1 / means.get(name, 1):
            current[name], used = used, used + 1
        objects.append(current[name])
    return Plan(survey, seed, range(stamps), classes, objects, constants)
