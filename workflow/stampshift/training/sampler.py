"""The batches of an epoch, a function of run and epoch alone.

An epoch is a number of stamps drawn with replacement, classes balanced, or, where no number is given, a
pass over the train part. Of a source of several surveys, every survey has its turn after the others, in an
order drawn for the epoch, and classes are balanced within each. Where a batch, or its share of an origin,
does not divide evenly by the surveys, a batch has at most one stamp more of a survey than of another, and the
next batch goes on with the survey whose turn it is: so has an epoch.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain, repeat

import numpy as np
import torch
from numpy.typing import NDArray

from stampshift.core.errors import ConfigError
from stampshift.methods.method import Batch
from stampshift.stamps.file import BOGUS, REAL
from stampshift.training.augmentation import turned_batches
from stampshift.training.data import Labelled, Unlabelled
from stampshift.training.model import block_size
from stampshift.training.progress import Task

GATHERED_BYTES = 1 << 27  # of one gather: an epoch of the main study, a part of one of whole DES stamps

# stamps of a survey, and rows (n_batches, share) of them
Source = tuple[NDArray[np.float32], NDArray[np.int64]]


@dataclass(frozen=True)
class Draws:
    """What batches of one size are drawn from."""

    labelled: Sequence[Source]  # of each of the method's origins
    labels: NDArray[np.uint8]  # (n_batches, batch), of the shares side by side
    unlabelled: Source | None  # rows (n_batches, batch)

    def batches(self, part: slice) -> "Draws":
        """Some of them."""
        labelled = [(stamps, rows[part]) for stamps, rows in self.labelled]
        others = self.unlabelled and (self.unlabelled[0], self.unlabelled[1][part])
        return Draws(labelled, self.labels[part], others)


def epoch_batches(task: Task, epoch: int) -> Iterator[Batch]:
    """Batches of one epoch of a training, drawn from the stream of this run and epoch.

    A batch is shared equally among the method's origins, with as many unlabelled stamps for a method that
    uses them. Without an epoch size, a multiple of the batch size, the epoch is a pass in random order. Its
    last batch is what remains, and is left out where that is one stamp: batch normalisation needs two. A
    method that trains on more than one set of stamps has no such pass, which raises a `ConfigError`. With
    `training.augmentation` every stamp is turned.
    """
    turns = task.augmentation(epoch)
    for drawn in draw_epoch(task, epoch):
        labels = torch.from_numpy(drawn.labels.astype(np.int64)).to(task.device)
        stamps = _gather(drawn.labelled, task.device)
        others = None if drawn.unlabelled is None else _gather([drawn.unlabelled], task.device)
        if turns is not None:
            count, size = drawn.labels.shape
            turn = partial(turned_batches, count=count, size=size, generator=turns)
            stamps, others = turn(stamps), others and turn(others)
        unlabelled: Iterable[torch.Tensor | None] = repeat(None) if others is None else others
        yield from map(Batch, stamps, labels, unlabelled)


def unlabelled_blocks(task: Task) -> Iterator[torch.Tensor]:
    """Every unlabelled stamp of a training once, in blocks (n, 3, size, size), in the order of the rows."""
    others = _unlabelled(task)
    size = block_size(others.stamps)
    for start in range(0, len(others.rows), size):
        yield from _gather([(others.stamps, others.rows[np.newaxis, start : start + size])], task.device)


def _unlabelled(task: Task) -> Unlabelled:
    if task.data.unlabelled is None:
        raise ValueError(f"{task.method.name} needs unlabelled stamps of a target")
    return task.data.unlabelled


def iterations_of(task: Task) -> int:
    """Number of batches of an epoch."""
    training, batch_size = task.training, task.training["batch_size"]
    if training["epoch_size"] is not None:
        return int(task.method.epoch_stamps(training["epoch_size"]) // batch_size)
    whole, rest = divmod(len(task.data.labelled(task.method.labelled[0]).rows), batch_size)
    return int(whole + (rest > 1))


def draw_epoch(task: Task, epoch: int) -> list[Draws]:
    """Draw the rows of an epoch: its whole batches and, in a pass, the smaller last one if it has one."""
    return _draw_pass(task, epoch) if task.training["epoch_size"] is None else [_draw_number(task, epoch)]


def _draw_number(task: Task, epoch: int) -> Draws:
    """Rows of an epoch of ``epoch_size`` labelled stamps, as the method counts them."""
    method, batch_size, generator = task.method, task.training["batch_size"], task.generator(epoch)
    sets = [task.data.labelled(origin) for origin in method.labelled]
    share = batch_size // len(sets)
    n_batches = iterations_of(task)
    picks = [_balanced_by_survey(each, n_batches * share, generator) for each in sets]
    picks = [pick.reshape(n_batches, share) for pick in picks]
    labels = np.concatenate([each.labels[pick] for each, pick in zip(sets, picks, strict=True)], axis=1)
    labelled = [(each.stamps, each.rows[pick]) for each, pick in zip(sets, picks, strict=True)]
    if not method.uses_unlabelled:
        return Draws(labelled, labels, None)
    others = _unlabelled(task)
    return Draws(labelled, labels, (others.stamps, generator.choice(others.rows, (n_batches, batch_size))))


class DrawsAhead:
    """Draws of the epochs of several trainings: during one epoch a thread draws the next one of each."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "draws")
        # by id of the task, which lives as long as it is here, and epoch
        self._ahead: dict[tuple[int, int], tuple[Task, Future[list[Draws]]]] = {}

    def take(self, trainings: Sequence[tuple[Task, int]]) -> list[list[Draws]]:
        """Draws of an epoch, from 1, of each training: those of `draw_epoch`."""
        drawn = {}
        for task, epoch in trainings:
            key = id(task), epoch
            if key not in drawn:  # else it is there twice
                drawn[key] = self._ahead[key][1].result() if key in self._ahead else draw_epoch(task, epoch)
        self._ahead = {
            (id(task), epoch + 1): (task, self._thread.submit(draw_epoch, task, epoch + 1))
            for task, epoch in {(id(task), epoch): (task, epoch) for task, epoch in trainings}.values()
        }
        return [drawn[id(task), epoch] for task, epoch in trainings]


def _draw_pass(task: Task, epoch: int) -> list[Draws]:
    """Every labelled stamp once, in random order: the whole batches, and what remains."""
    method, batch_size = task.method, task.training["batch_size"]
    if len(method.labelled) > 1 or method.uses_unlabelled:
        raise ConfigError(
            f"config: training.epoch_size is null, a pass over the train part, but {method.name} trains on "
            "more than one set of stamps; give a number of labelled stamps per epoch."
        )
    labelled = task.data.labelled(method.labelled[0])
    order = task.generator(epoch).permutation(len(labelled.rows))
    whole = len(order) - len(order) % batch_size
    return [
        Draws([(labelled.stamps, labelled.rows[picks])], labelled.labels[picks], None)
        for picks in (order[:whole].reshape(-1, batch_size), order[np.newaxis, whole:])
        if picks.shape[1] > 1
    ]


def balanced_draw(labels: NDArray[np.uint8], count: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """Positions in `labels`, drawn with replacement, half real and half bogus, in random order.

    An odd `count` gives the extra draw to a class at random.
    """
    n_real = count // 2 + (generator.integers(2) if count % 2 else 0)
    real = generator.choice(np.flatnonzero(labels == REAL), n_real)
    bogus = generator.choice(np.flatnonzero(labels == BOGUS), count - n_real)
    return generator.permutation(np.concatenate([real, bogus]))


def _balanced_by_survey(labelled: Labelled, count: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """Positions in `labelled`, the surveys taking turns, `balanced_draw` within each."""
    surveys = labelled.by_survey()
    picks = np.empty(count, np.int64)
    order = generator.permutation(len(surveys)) if len(surveys) > 1 else [0]
    for turn, number in enumerate(order):
        own, turns = surveys[number], len(range(turn, count, len(surveys)))
        picks[turn :: len(surveys)] = own[balanced_draw(labelled.labels[own], turns, generator)]
    return picks


def _gather(sources: Sequence[Source], device: torch.device) -> Iterator[torch.Tensor]:
    """Stamps (batch, 3, size, size) of each batch, the shares of the sources side by side.

    A thread gathers the next part of the epoch while the batches of one are trained on; an epoch of one part,
    as in the study across surveys, needs none.
    """
    batch_bytes = sum(rows.shape[1] * stamps[:1].nbytes for stamps, rows in sources)
    step = max(1, GATHERED_BYTES // batch_bytes)
    parts = [
        [(stamps, rows[start : start + step]) for stamps, rows in sources]
        for start in range(0, len(sources[0][1]), step)
    ]
    if len(parts) == 1:
        yield from _gather_at_once(parts[0], device)
        return
    with ThreadPoolExecutor(1, "gather") as thread:
        ahead = deque[Future[Sequence[torch.Tensor]]]()
        for part in parts:
            ahead.append(thread.submit(_gather_at_once, part, device))
            if len(ahead) > 1:
                yield from ahead.popleft().result()
        yield from chain.from_iterable(each.result() for each in ahead)


def _gather_at_once(sources: Sequence[Source], device: torch.device) -> Sequence[torch.Tensor]:
    joined = _picked(sources, pinned=device.type == "cuda")  # (n_batches, batch, 3, size, size)
    # pooling in channels_last is vectorised on a CPU: 20 times faster than in the other layout
    flat = joined.to(device, non_blocking=True).flatten(0, 1).contiguous(memory_format=torch.channels_last)
    return flat.split(len(flat) // len(joined))


def _picked(sources: Sequence[Source], *, pinned: bool) -> torch.Tensor:
    """Stamps in the computer's memory, pinned where a GPU is to copy them while the next step is at work."""
    if not pinned:
        picked = [stamps[rows] for stamps, rows in sources]
        return torch.from_numpy(picked[0] if len(picked) == 1 else np.concatenate(picked, axis=1))
    shares = [rows.shape[1] for _, rows in sources]
    first, rows = sources[0]
    joined = torch.empty((len(rows), sum(shares), *first.shape[1:]), pin_memory=True)
    for (stamps, own), place in zip(sources, joined.split(shares, dim=1), strict=True):
        place.copy_(torch.from_numpy(stamps[own]))
    return joined
