"""Everything about stacked training that needs a GPU to be known, in one command that keeps to a time.

In this order: (checks) that a lane equals the run alone and that a NaN stays in its lane; (jobs) that the
jobs of a source and a pair score on the GPU what they score on the CPU; (times) seconds per epoch and lane of
baseline and MME, by the number of lanes and the precision; (profile) which operations take them. What the
time did not allow is named at the end. Needs torch, numpy, pandas, pyarrow, h5py and pydantic, nothing else.
Run: python benchmarks/gpu.py
"""

import argparse
import gc
import logging
import os
import platform
import statistics
import tempfile
import time
from pathlib import Path

import torch
from torch.profiler import ProfilerActivity, profile

from gpu_cohort import compare_jobs
from gpu_lanes import FORMS, TOLERANCES, a_nan_stays, differences, stack_of, tasks
from stampshift.training.device import choose_device, is_out_of_memory, set_up_process
from stampshift.training.loop import Trainer
from stampshift.training.stacked.lane import why_alone
from training import OPTIONS, TRAINING, synthetic_data

PARTS = ("checks", "jobs", "times", "profile")
STACKED, STREAMED, ALONE = "stacked", "stacked, streamed", "one run at a time"
OTHER_FORMS = ["compiled", "grouped", "plain"]  # than the one that a stack will choose
PRECISIONS = ("float32", "tf32", "bfloat16")
EPOCH_SIZE = 10_000  # of the study
PROFILE_SECONDS = 60  # kept for it
# the full grid: 40 baselines and 600 fine-tunings, at a baseline's cost; 600 runs of MME, of which the
# searches have done 60, and the searches' 480
GRID = {"baseline": 640, "mme": 1020}


class Clock:
    """What is left of the time, and what was left out for the lack of it."""

    def __init__(self, seconds):
        self.end, self.left_out, self.longest = time.monotonic() + seconds, [], 0.0

    def allows(self, what, seconds=0.0):
        """Whether something that may take so long fits."""
        if time.monotonic() + seconds < self.end:
            return True
        self.left_out.append(what)
        return False


def check_lanes(data, device, clock):
    for method in OPTIONS:
        for steps, tolerance in TOLERANCES.items():
            if not clock.allows(f"check of {method} after {steps} steps"):
                continue
            alone, among = differences(method, data, device, steps)
            verdict = "equal" if max(alone, among) < tolerance else "NOT EQUAL"
            print(
                f"{method}, {steps} steps: a lane against the run alone {alone:.1e}, against a stack of one "
                f"{among:.1e} of the largest gradient: {verdict}",
                flush=True,
            )
        if clock.allows(f"check of a NaN, {method}"):
            contained = a_nan_stays(method, data, device)
            print(f"{method}: a NaN {'stays in its lane' if contained else 'SPREADS'}", flush=True)


def check_jobs(device, clock, arguments):
    if not clock.allows("jobs on both devices"):
        return
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        found = compare_jobs(
            device,
            Path(folder),
            stamps_per_survey=arguments.job_stamps,
            seeds=arguments.seeds,
            epochs=arguments.job_epochs,
            epoch_size=min(2000, arguments.epoch_size),
            threads=arguments.threads,
        )
    print(f"test balanced accuracy on {device.type} and cpu, {time.monotonic() - begin:.0f} s:")
    print(f"| runs | number | {device.type} | cpu | mean difference | standard error | largest | verdict |")
    print("|---|---|---|---|---|---|---|---|")
    for each in found:
        numbers = (each.there, each.here, each.difference, each.error, each.largest)
        cells = [each.kind, each.runs, *(f"{number:.4f}" for number in numbers)]
        line(*cells, "equal within the runs' scatter" if each.agrees else "DIFFERENT")


# ---- times -------------------------------------------------------------------------------------------------


def line(*cells):
    print(f"| {' | '.join(map(str, cells))} |", flush=True)


def synchronise(device):
    if device.type == "cuda":
        torch.cuda.synchronize()


def timed(run_epoch, device, epochs):
    """Median seconds of an epoch after a first one, on a CPU the processor's; those of the first; peak MB."""
    clock = time.perf_counter if device.type == "cuda" else time.process_time
    gc.collect()  # a stack before, with its graph
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    seconds = []
    for _ in range(epochs + 1):
        synchronise(device)
        begin = clock()
        run_epoch()
        synchronise(device)
        seconds.append(clock() - begin)
    peak = f"{torch.cuda.max_memory_allocated() / 1e6:.0f}" if device.type == "cuda" else ""
    return statistics.median(seconds[1:]), seconds[0], peak


def alone(task):
    with torch.random.fork_rng():
        return Trainer(task).run_epoch


def rows(arguments):
    """What is timed, the most telling first: method, variant, precision and lanes."""
    first, *others = arguments.lanes
    for lanes in (first, *others):
        for precision in arguments.precisions:
            yield from ((method, STACKED, precision, lanes) for method in OPTIONS)
        if lanes == first:
            yield from ((method, form, "float32", lanes) for form in arguments.forms for method in OPTIONS)
    for method in OPTIONS:
        yield method, STREAMED, "float32", first
        yield method, ALONE, "float32", 1


def measure(method, variant, precision, lanes, data, device, arguments):
    """Seconds per epoch of the study and lane; a printed row."""
    given = tasks(method, data, lanes, device, arguments.epoch_size, precision)
    reason = why_alone(given[0])
    if variant != ALONE and reason:
        line(method, variant, precision, lanes, f"none: {reason}", *[""] * 6)
        return None
    try:
        if variant == ALONE:
            histories, run_epoch, form = [], alone(given[0]), ""
        else:
            wanted = variant if variant in FORMS else None
            stack = stack_of(given, form=wanted, streamed=variant == STREAMED)
            histories, run_epoch = [lane.progress.history for lane in stack.lanes], stack.run_epoch
            form = stack.model.form.name
        seconds, first, peak = timed(run_epoch, device, arguments.epochs)
    except Exception as error:  # what does not work here is a result too
        kind = "out of memory" if is_out_of_memory(error) else f"{type(error).__name__}: {error}"
        line(method, variant, precision, lanes, f"failed: {kind.splitlines()[0]}", *[""] * 6)
        return None
    own = seconds / lanes * EPOCH_SIZE / arguments.epoch_size
    hour = 3600 / (own * arguments.mean_epochs)
    loss = f"{statistics.mean(history[-1]['train_loss'] for history in histories):.4f}" if histories else ""
    line(
        method,
        variant,
        precision,
        lanes,
        f"{own:.4f}",
        f"{first:.1f}",
        f"{hour:.0f}",
        f"{1720 / hour:.2f}",
        peak,
        loss,
        form,
    )
    return own


def time_all(data, device, clock, arguments):
    print()  # ends a table before
    line("method", "variant", "precision", "lanes", "s/epoch and lane", "first epoch s", "trainings/h",
         "1,720 trainings h", "peak MB", "loss", "form")  # fmt: skip
    line(*["---"] * 11)
    found, reserve = {}, PROFILE_SECONDS if "profile" in arguments.parts else 0
    for row in rows(arguments):
        if clock.allows(", ".join(map(str, row)), seconds=clock.longest + reserve):
            begin = time.monotonic()
            method, *kind = row
            found[tuple(kind), method] = measure(*row, data, device, arguments)
            clock.longest = max(clock.longest, time.monotonic() - begin)
    for kind in dict.fromkeys(kind for kind, _ in found):
        parts = [(found.get((kind, method)), count) for method, count in GRID.items()]
        if all(seconds for seconds, _ in parts):
            hours = sum(seconds * count for seconds, count in parts) * arguments.mean_epochs / 3600
            print(f"the full grid, {', '.join(map(str, kind))} lanes: {hours:.2f} h")


def profile_steps(data, device, clock, arguments):
    lanes = arguments.lanes[0]
    for method in OPTIONS:
        if not clock.allows(f"profile of {method}"):
            continue
        epoch_size = min(arguments.epoch_size, 10 * TRAINING["batch_size"])
        stack = stack_of(tasks(method, data, lanes, device, epoch_size))
        stack.run_epoch()
        on_gpu = device.type == "cuda"
        kinds = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if on_gpu else [])]
        with profile(activities=kinds) as found:
            stack.run_epoch()
            synchronise(device)
        order = f"self_{'cuda' if on_gpu else 'cpu'}_time_total"
        print(f"{method}, {lanes} lanes, {epoch_size // TRAINING['batch_size']} steps and a validation:")
        print(
            found.key_averages().table(sort_by=order, row_limit=arguments.profiled, max_name_column_width=60)
        )


def parsed():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="cuda", choices=["cuda", "cpu"])
    parser.add_argument("--parts", nargs="+", default=list(PARTS), choices=PARTS)
    parser.add_argument("--seconds", type=float, default=840, help="of all parts together")
    parser.add_argument("--lanes", type=int, nargs="+", default=[40, 10, 120])
    parser.add_argument("--precisions", nargs="+", default=list(PRECISIONS), choices=PRECISIONS)
    parser.add_argument("--forms", nargs="*", default=OTHER_FORMS, choices=list(FORMS), help="timed too")
    parser.add_argument("--epochs", type=int, default=2, help="timed, after a first one")
    parser.add_argument("--epoch-size", type=int, default=EPOCH_SIZE, help="labelled stamps per epoch timed")
    parser.add_argument("--stamps", type=int, default=100_000, help="per survey timed")
    parser.add_argument("--mean-epochs", type=float, default=175, help="of a training, for the projections")
    parser.add_argument("--seeds", type=int, default=10, help="of the jobs run on both devices")
    parser.add_argument("--job-epochs", type=int, default=6, help="of their runs")
    parser.add_argument("--job-stamps", type=int, default=4000, help="per survey of theirs")
    parser.add_argument(
        "--threads", type=int, default=len(os.sched_getaffinity(0)), help="of theirs on the CPU"
    )
    parser.add_argument("--profiled", type=int, default=25, help="operations listed")
    return parser.parse_args()


def main():
    arguments = parsed()
    clock = Clock(arguments.seconds)
    logging.basicConfig(level=logging.INFO, format="%(message)s")  # which form a stack takes, and why
    set_up_process()
    device, data = choose_device(arguments.device), synthetic_data(arguments.stamps)
    name = torch.cuda.get_device_name() if device.type == "cuda" else platform.processor() or "cpu"
    print(f"{name}, torch {torch.__version__}, {arguments.mean_epochs:g} epochs per training", flush=True)
    if "checks" in arguments.parts:
        check_lanes(data, device, clock)
    if "jobs" in arguments.parts:
        check_jobs(device, clock, arguments)
    if "times" in arguments.parts:
        time_all(data, device, clock, arguments)
    if "profile" in arguments.parts:
        profile_steps(data, device, clock, arguments)
    print(f"left out for lack of time: {'; '.join(clock.left_out) or 'nothing'}")


if __name__ == "__main__":
    main()
