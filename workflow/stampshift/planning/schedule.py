"""Wall-clock of jobs that wait for each other and share cores and GPUs."""

import heapq
from collections.abc import Sequence

from stampshift.planning.workflow import PlannedJob


def wall_seconds(
    jobs: Sequence[PlannedJob], seconds: Sequence[float], *, cores: int, gpus: int | None
) -> float:
    """Time until the last job ends if every job starts as soon as its inputs, cores and GPUs are there.

    Parameters
    ----------
    jobs
        With what each needs and makes.
    seconds
        Of each job.
    cores
        That the jobs share.
    gpus
        Limit of the resource ``gpu``; None for no limit.
    """
    maker = {path: number for number, job in enumerate(jobs) for path in job.outputs}
    waits = [{maker[path] for path in job.inputs if path in maker} for job in jobs]
    followers: list[list[int]] = [[] for _ in jobs]
    for number, before in enumerate(waits):
        for other in before:
            followers[other].append(number)
    ready = [number for number, before in enumerate(waits) if not before]
    running: list[tuple[float, int]] = []
    now, free_cores, free_gpus = 0.0, cores, gpus
    while ready or running:
        for number in list(ready):
            threads, gpu = min(jobs[number].threads, cores), min(jobs[number].gpus, gpus or 0)
            if threads <= free_cores and (free_gpus is None or gpu <= free_gpus):
                ready.remove(number)
                free_cores -= threads
                free_gpus = None if free_gpus is None else free_gpus - gpu
                heapq.heappush(running, (now + seconds[number], number))
        now, done = heapq.heappop(running)
        free_cores += min(jobs[done].threads, cores)
        free_gpus = None if free_gpus is None else free_gpus + min(jobs[done].gpus, gpus or 0)
        for number in followers[done]:
            waits[number].discard(done)
            if not waits[number]:
                ready.append(number)
    return now
