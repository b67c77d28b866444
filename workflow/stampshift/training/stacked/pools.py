"""Stamps where a GPU finds them: on the GPU once for all lanes, or streamed to it batch by batch."""

import logging
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from stampshift.training.data import Labelled, Unlabelled
from stampshift.training.device import is_out_of_memory
from stampshift.training.progress import Task

log = logging.getLogger(__name__)

MARGIN_BYTES = 6 << 30  # left for activations: those of 40 lanes take one to four GB, by the form
UPLOADED_BYTES = 1 << 27  # in one piece


class ResidentPool:
    """The rows that trainings use, on the device."""

    def __init__(self, stamps: NDArray[np.float32], rows: NDArray[np.int64], *, device: torch.device) -> None:
        self._position = np.full(len(stamps), -1, np.int64)
        self._position[rows] = np.arange(len(rows))
        channels, *side = stamps.shape[1:]
        self._stamps = torch.empty((len(rows), *side, channels), device=device)
        piece = max(1, UPLOADED_BYTES // stamps[:1].nbytes)
        for start in range(0, len(rows), piece):
            part = torch.from_numpy(stamps[rows[start : start + piece]])
            self._stamps[start : start + piece].copy_(part.to(device).movedim(1, -1))

    def batches(self, rows: NDArray[np.int64]) -> Iterator[Tensor]:
        """Stamps (..., size, size, 3) for each of rows (batches, ...): one gather on the device per batch."""
        positions = torch.from_numpy(self._position[rows]).to(self._stamps.device)
        for batch in positions:
            yield self._stamps.index_select(0, batch.flatten()).unflatten(0, batch.shape)


class StreamedPool:
    """Stamps in the computer's memory, or mapped from a file."""

    def __init__(self, stamps: NDArray[np.float32], *, device: torch.device) -> None:
        self._stamps = stamps
        self._device = device

    def batches(self, rows: NDArray[np.int64]) -> Iterator[Tensor]:
        """As for `ResidentPool`; a thread gathers the next batch, in memory that the device reads itself."""
        with ThreadPoolExecutor(1, "gather") as thread:
            ahead = deque[Future[Tensor]]()
            for batch in rows:
                ahead.append(thread.submit(self._gathered, batch))
                if len(ahead) > 1:
                    yield self._uploaded(ahead.popleft())
            yield from map(self._uploaded, ahead)

    def _gathered(self, batch: NDArray[np.int64]) -> Tensor:
        shape = *batch.shape, *self._stamps.shape[1:]
        gathered = torch.empty(shape, pin_memory=self._device.type == "cuda")
        np.take(self._stamps, batch, axis=0, out=gathered.numpy(), mode="clip")
        return gathered

    def _uploaded(self, gathered: Future[Tensor]) -> Tensor:
        return gathered.result().to(self._device, non_blocking=True).movedim(-3, -1)


def free_bytes(device: torch.device) -> int:
    """Memory of a GPU that stamps may take; none on a CPU, where they are mapped already."""
    if device.type != "cuda":
        return 0
    free, _ = torch.cuda.mem_get_info(device)
    return max(0, free - MARGIN_BYTES)


class Pools:
    """Pools of all surveys that some trainings use, by the stamps array that they share.

    `free` gives the bytes that stamps may take on the device; the smallest surveys go first.
    """

    def __init__(self, tasks: Sequence[Task], *, free: Callable[[torch.device], int]) -> None:
        self._device = device = tasks[0].device
        used: dict[int, tuple[NDArray[np.float32], NDArray[np.bool_]]] = {}
        for task in tasks:
            for stamps, rows in _used(task):
                _, seen = used.setdefault(id(stamps), (stamps, np.zeros(len(stamps), bool)))
                seen[rows] = True
        self._pools: dict[int, ResidentPool | StreamedPool] = {}
        self._kept_alive = [stamps for stamps, _ in used.values()]  # an id is one while its array lives
        for key, (stamps, seen) in sorted(used.items(), key=lambda item: int(item[1][1].sum())):
            self._pools[key] = _pool(stamps, np.flatnonzero(seen), device=device, free=free(device))

    def batches(self, stamps: Sequence[NDArray[np.float32]], rows: NDArray[np.int64]) -> Iterator[Tensor]:
        """Stamps (lanes, share, size, size, 3) for each of rows (batches, lanes, share).

        Each lane's rows are those of its own survey, whose `stamps` are given for every lane.
        """
        of_survey = defaultdict[int, list[int]](list)
        for number, own in enumerate(stamps):
            of_survey[id(own)].append(number)
        parts = [self._pools[key].batches(rows[:, own]) for key, own in of_survey.items()]
        if len(parts) == 1:
            yield from parts[0]
            return
        order = torch.from_numpy(np.argsort(np.concatenate(list(of_survey.values())))).to(self._device)
        for found in zip(*parts, strict=True):
            yield torch.cat(found).index_select(0, order)


def _used(task: Task) -> list[tuple[NDArray[np.float32], NDArray[np.int64]]]:
    """Stamps and rows that a training draws from, and those that choose its best epoch."""
    sets: list[Labelled | Unlabelled] = [task.validation, *map(task.data.labelled, task.method.labelled)]
    if task.method.uses_unlabelled and task.data.unlabelled is not None:
        sets.append(task.data.unlabelled)
    return [(each.stamps, each.rows) for each in sets]


def _pool(
    stamps: NDArray[np.float32], rows: NDArray[np.int64], *, device: torch.device, free: int
) -> ResidentPool | StreamedPool:
    needed = len(rows) * stamps[:1].nbytes
    if needed > free:
        if device.type == "cuda":
            log.info("%.1f GB of stamps are streamed to the GPU: %.1f GB are free", needed / 1e9, free / 1e9)
        return StreamedPool(stamps, device=device)
    try:
        pool = ResidentPool(stamps, rows, device=device)
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        log.warning("%s The stamps are streamed to the GPU.", error)
        return StreamedPool(stamps, device=device)
    log.info("%.1f GB of stamps are kept on the device", needed / 1e9)
    return pool
