"""What might make a training step on a CPU faster, each try against the step as it is.

The two take turns in one process of one thread, a few steps each, so that a change of the machine's speed
hits both; the seconds are of the processor. Huge pages are chosen when a process starts: there the two are
processes that take turns. First, the gradients of a step without dropout are compared. The kernel in
C++ needs g++. Run: python benchmarks/cpu_step.py
"""

import argparse
import multiprocessing
import os
import platform
import shutil
import statistics
import tempfile
import time
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import numpy as np
import torch

from cpu_tries import (
    LAST,
    compiled_kernel,
    concatenate,
    gather_patches,
    in_bfloat16,
    own_kernel,
    unfold,
)
from gpu_lanes import largest_difference, without_dropout
from stampshift.methods import METHODS
from stampshift.methods.method import Batch
from stampshift.networks import build_classifier
from stampshift.networks.classifier import place
from stampshift.training.device import set_up_process
from stampshift.training.loop import descend
from stampshift.training.optimisers import build_optimiser
from training import OPTIONS, TRAINING

HUGE_PAGES = "glibc.malloc.hugetlb=1"
PAGES = Path("/sys/kernel/mm/transparent_hugepage/enabled")


def batch_of(method):
    generator, shape = np.random.default_rng(0), (TRAINING["batch_size"], 3, 21, 21)
    stamps, others = (
        torch.from_numpy(generator.standard_normal(shape, np.float32)).contiguous(memory_format=LAST)
        for _ in range(2)
    )
    return Batch(stamps, torch.arange(len(stamps)) % 2, others if method.uses_unlabelled else None)


def step_of(name, change=None, *, dropout=True):
    """A classifier and its step on a batch, the same one in every step; `change` alters the classifier."""
    method, options = METHODS[name](OPTIONS[name]), OPTIONS[name]
    batch = batch_of(method)
    torch.manual_seed(0)
    classifier = build_classifier(
        network="bolivar", head=method.head, size_pixels=21, temperature=options.get("temperature")
    )
    place(classifier, torch.device("cpu")).train()
    if not dropout:
        without_dropout(classifier)
    if change is not None:
        change(classifier, batch)
    given = {"optimiser": build_optimiser(classifier.parameters(), TRAINING), "arithmetic": nullcontext()}
    return classifier, partial(descend, method, classifier, batch, options, **given)


def seconds_of(step, count):
    begin = time.process_time()
    for _ in range(count):
        step()
    return (time.process_time() - begin) / count


def gradients_of(method, change):
    classifier, step = step_of(method, change, dropout=False)
    step()
    return [parameter.grad for parameter in classifier.parameters()]


def compare(method, change, arguments):
    """Seconds of a step as it is and changed, by round, and the largest difference of the gradients."""
    difference = largest_difference(gradients_of(method, change), gradients_of(method, None))
    steps = [step_of(method)[1], step_of(method, change)[1]]
    rounds = [[seconds_of(step, arguments.steps) for step in steps] for _ in range(arguments.rounds + 1)]
    return rounds[1:], difference


def worker(method, steps, connection):
    set_up_process()
    _, step = step_of(method)
    while connection.recv():
        connection.send(seconds_of(step, steps))


def compare_processes(method, environment, arguments):
    """As `compare`, of a process as it is and of one with more in its environment."""
    context, connections = multiprocessing.get_context("spawn"), []
    for own in ({}, environment):
        here, there = context.Pipe()
        os.environ.update(own)
        context.Process(target=worker, args=(method, arguments.steps, there), daemon=True).start()
        connections.append(here)
    for name in environment:
        del os.environ[name]
    rounds = []
    for _ in range(arguments.rounds + 1):
        rounds.append([])
        for connection in connections:
            connection.send(True)
            rounds[-1].append(connection.recv())
    for connection in connections:
        connection.send(False)
    return rounds[1:], 0.0


def tries(folder):
    """What makes each comparison, by name."""
    found = {
        "weight gradient of the first convolution by sgemm": ("baseline", unfold(0)),
        "weight gradient of the second convolution by sgemm": ("baseline", unfold(4)),
        "both weight gradients by sgemm": ("baseline", unfold(0, 4)),
        "patches of the first convolution made once per stamp": ("baseline", gather_patches),
        "both passes of MME concatenated, statistics apart": ("mme", concatenate),
    }
    if torch.ops.mkldnn._is_mkldnn_bf16_supported():
        found |= {f"bfloat16, {method}": (method, in_bfloat16) for method in OPTIONS}
    if shutil.which("g++"):
        library = compiled_kernel(folder)
        found["first convolution by a kernel in C++, baseline"] = ("baseline", own_kernel(library))
        found["first convolution by a kernel in C++, mme"] = ("mme", own_kernel(library))
    return {name: partial(compare, method, change) for name, (method, change) in found.items()} | {
        f"huge pages, {method}": partial(compare_processes, method, {"GLIBC_TUNABLES": HUGE_PAGES})
        for method in OPTIONS
    }


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--steps", type=int, default=20, help="of a round")
    parser.add_argument("--only", default="", help="tries whose names hold this")
    arguments = parser.parse_args()
    set_up_process()
    pages = PAGES.read_text().strip() if PAGES.exists() else "none"
    print(f"{platform.machine()}, torch {torch.__version__}, huge pages of this machine: {pages}")
    print("| try | step as it is, ms | with it, ms | ratio by round, 10% and 90% | gradients differ by |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name, comparison in tries(Path(folder)).items():
            if arguments.only not in name:
                continue
            rounds, difference = comparison(arguments)
            before, after = (1e3 * statistics.median(times) for times in zip(*rounds, strict=True))
            low, middle, high = np.quantile([one / other for one, other in rounds], [0.1, 0.5, 0.9])
            print(
                f"| {name} | {before:.2f} | {after:.2f} | {middle:.2f} ({low:.2f}-{high:.2f}) | "
                f"{difference:.0e} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
