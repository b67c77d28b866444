"""What might make a training step on a CPU faster, each try against the step as it is.

The two take turns in one process of one thread, a few steps each, so that a change of the machine's speed
hits both; the seconds are of the processor. Huge pages are chosen when a process starts: there the two are
processes that take turns. A try's weights after the first round are compared with those of the step as it is,
byte for byte. The kernel in C++ needs g++. Run: python benchmarks/cpu_step.py
"""

import argparse
import ctypes
import multiprocessing
import os
import platform
import shutil
import statistics
import subprocess
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from training import OPTIONS, TRAINING

from stampshift.methods import METHODS
from stampshift.methods.method import Batch
from stampshift.networks import build_classifier
from stampshift.networks.classifier import place
from stampshift.training.device import set_up_process
from stampshift.training.loop import descend
from stampshift.training.optimisers import build_optimiser

LAST = torch.channels_last
HUGE_PAGES = "glibc.malloc.hugetlb=1"


# ---- weight gradients as one product over patches ----------------------------------------------------------


class Unfolding(torch.autograd.Function):
    """A convolution of oneDNN whose weight gradient is one sgemm over patches in a buffer that is used again."""

    @staticmethod
    def forward(ctx, values, weight, bias, buffer):
        ctx.save_for_backward(values, weight)
        ctx.buffer = buffer
        return functional.conv2d(values, weight, bias)

    @staticmethod
    def backward(ctx, gradient):
        values, weight = ctx.saved_tensors
        back = None
        if ctx.needs_input_grad[0]:
            back, _, _ = torch.ops.aten.convolution_backward(
                gradient, values, weight, None, [1, 1], [0, 0], [1, 1], False, [0, 0], 1, [True, False, False]
            )
        rows = gradient.permute(0, 2, 3, 1).flatten(0, 2)  # (pixels, channels out)
        found = rows.t() @ patches_of(values, weight.shape[-1], ctx.buffer)
        return back, from_matrix(found, weight), rows.sum(0), None


def patches_of(values, kernel, buffer):
    """Patches (batch x height x width, kernel rows x kernel columns x channels), in the buffer if there is one."""
    windows = values.unfold(2, kernel, 1).unfold(3, kernel, 1).permute(0, 2, 3, 4, 5, 1)
    shape = (windows.shape[:3].numel(), windows.shape[3:].numel())
    if buffer.numel() != shape[0] * shape[1]:
        buffer.resize_(shape)
    return buffer.view(windows.shape).copy_(windows).view(shape)


def from_matrix(matrix, weight):
    """Weights (out, in, rows, columns) of a matrix (out, rows x columns x in)."""
    out, channels, rows, columns = weight.shape
    return matrix.view(out, rows, columns, channels).permute(0, 3, 1, 2)


class UnfoldingConvolution(nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.weight, self.bias, self.buffer = layer.weight, layer.bias, torch.empty(0)

    def forward(self, values):
        return Unfolding.apply(values, self.weight, self.bias, self.buffer)


# ---- the first convolution from patches that are made once per stamp ---------------------------------------


class FromPatches(nn.Module):
    """The first convolution as a product; patches of the stamps of a step are gathered, not made."""

    def __init__(self, layer, stamps):
        super().__init__()
        self.weight, self.bias = layer.weight, layer.bias
        with torch.no_grad():
            patches = patches_of(stamps, layer.kernel_size[0], torch.empty(0))
        self.patches = patches.view(len(stamps), -1, patches.shape[1])
        self.rows = torch.arange(len(stamps))

    def forward(self, values):
        batch, side = len(values), values.shape[-1] - self.weight.shape[-1] + 1
        patches = self.patches.index_select(0, self.rows[:batch]).flatten(0, 1)
        matrix = self.weight.permute(0, 2, 3, 1).flatten(1)
        found = torch.addmm(self.bias, patches, matrix.t())
        return found.view(batch, side, side, -1).permute(0, 3, 1, 2)


# ---- a kernel of our own for the first convolution ---------------------------------------------------------


def compiled_kernel(folder):
    library = folder / "first_layer.so"
    source = Path(__file__).with_name("first_layer.cpp")
    flags = ["-O3", "-march=native", "-ffast-math", "-shared", "-fPIC"]
    subprocess.run(["g++", *flags, str(source), "-o", str(library)], check=True)
    return ctypes.CDLL(str(library))


class OwnKernel(torch.autograd.Function):
    @staticmethod
    def forward(ctx, values, weight, bias, library):
        matrix = weight.permute(2, 3, 1, 0).contiguous()
        side = values.shape[-1] - weight.shape[-1] + 1
        out = torch.empty((len(values), len(weight), side, side), memory_format=LAST)
        library.convolve(*pointers(values, matrix, out), len(values))
        ctx.save_for_backward(values, weight)
        ctx.library = library
        return out.add_(bias.view(1, -1, 1, 1))

    @staticmethod
    def backward(ctx, gradient):
        values, weight = ctx.saved_tensors
        gradient = gradient.contiguous(memory_format=LAST)
        found = torch.zeros(weight.permute(2, 3, 1, 0).shape)
        ctx.library.weight_gradient(*pointers(values, gradient, found), len(values))
        return None, found.permute(3, 2, 0, 1), gradient.sum((0, 2, 3)), None


def pointers(*tensors):
    return [ctypes.c_void_p(tensor.data_ptr()) for tensor in tensors]


class OwnConvolution(nn.Module):
    def __init__(self, layer, library):
        super().__init__()
        self.weight, self.bias, self.library = layer.weight, layer.bias, library

    def forward(self, values):
        return OwnKernel.apply(values, self.weight, self.bias, self.library)


# ---- both passes of MME at once ------------------------------------------------------------------------------


class Concatenated(nn.Module):
    """An extractor that takes both batches of MME when it is given the first, and keeps the second's features."""

    def __init__(self, extractor, other):
        super().__init__()
        self.layers, self.other, self.kept = extractor, other, None

    def forward(self, stamps):
        if self.kept is not None:
            found, self.kept = self.kept, None
            return found
        values = torch.cat([stamps, self.other]).contiguous(memory_format=LAST)
        for layer in self.layers:
            apart = isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d)
            values = (
                torch.cat([layer(part) for part in values.split(len(stamps))]) if apart else layer(values)
            )
        found, self.kept = values.split(len(stamps))
        return found


# ---- measurement -----------------------------------------------------------------------------------------------


def batch_of(method):
    generator = np.random.default_rng(0)
    stamps, others = (
        torch.from_numpy(
            generator.standard_normal((TRAINING["batch_size"], 3, 21, 21), np.float32)
        ).contiguous(memory_format=LAST)
        for _ in range(2)
    )
    labels = torch.arange(len(stamps)) % 2
    return Batch(stamps, labels, others if method.uses_unlabelled else None)


def step_of(name, change=None):
    """A classifier and its step on a batch, the same one in every step; `change` alters the classifier."""
    method, options = METHODS[name](OPTIONS[name]), OPTIONS[name]
    batch = batch_of(method)
    torch.manual_seed(0)
    classifier = build_classifier(
        network="bolivar", head=method.head, size_pixels=21, temperature=options.get("temperature")
    )
    place(classifier, torch.device("cpu")).train()
    if change is not None:
        change(classifier, batch)
    optimiser = build_optimiser(classifier.parameters(), TRAINING)
    arithmetic = torch.enable_grad()
    return classifier, partial(
        descend, method, classifier, batch, options, optimiser=optimiser, arithmetic=arithmetic
    )


def unfold(*numbers):
    def change(classifier, batch):  # noqa: ARG001
        for number in numbers:
            classifier.extractor[number] = UnfoldingConvolution(classifier.extractor[number])

    return change


def gather_patches(classifier, batch):
    classifier.extractor[0] = FromPatches(classifier.extractor[0], batch.stamps)


def own_kernel(library):
    def change(classifier, batch):  # noqa: ARG001
        classifier.extractor[0] = OwnConvolution(classifier.extractor[0], library)

    return change


def concatenate(classifier, batch):
    classifier.extractor = Concatenated(classifier.extractor, batch.unlabelled)


def seconds_of(step, count):
    begin = time.process_time()
    for _ in range(count):
        step()
    return (time.process_time() - begin) / count


def compare(method, change, arguments):
    """Seconds of a step as it is and changed, round by round, and whether the weights are the same bytes."""
    both, steps, weights = [step_of(method), step_of(method, change)], arguments.steps, []
    for classifier, step in both:
        torch.manual_seed(1)
        seconds_of(step, steps)  # warms up
        weights.append([value.detach().clone() for value in classifier.parameters()])
    same = all(torch.equal(ours, theirs) for ours, theirs in zip(*weights, strict=True))
    rounds = [[seconds_of(step, steps) for _, step in both] for _ in range(arguments.rounds)]
    return rounds, same


def worker(method, steps, connection):
    set_up_process()
    _, step = step_of(method)
    while connection.recv():
        connection.send(seconds_of(step, steps))


def compare_processes(method, environment, arguments):
    """As `compare`, of a process as it is and one with more in its environment."""
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
    return rounds[1:], True


def tries(folder):
    """By name: the method, and what makes the comparison."""
    found = {
        "weight gradient of the first convolution by sgemm": ("baseline", unfold(0)),
        "weight gradient of the second convolution by sgemm": ("baseline", unfold(4)),
        "both": ("baseline", unfold(0, 4)),
        "patches of the first convolution made once per stamp": ("baseline", gather_patches),
        "both passes of MME concatenated, statistics apart": ("mme", concatenate),
    }
    if shutil.which("g++"):
        library = compiled_kernel(folder)
        found["first convolution by a kernel in C++"] = ("baseline", own_kernel(library))
        found["the same, MME"] = ("mme", own_kernel(library))
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
    print(
        f"{platform.machine()}, torch {torch.__version__}, {arguments.rounds} rounds of {arguments.steps} steps"
    )
    print("| try | ms of a step as it is | with the try | as it is / with it, by round | same bytes |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name, comparison in tries(Path(folder)).items():
            if arguments.only not in name:
                continue
            rounds, same = comparison(arguments)
            before, after = (1e3 * statistics.median(times) for times in zip(*rounds, strict=True))
            ratios = sorted(each / other for each, other in rounds)
            low, middle, high = (
                ratios[len(ratios) // 10],
                statistics.median(ratios),
                ratios[-1 - len(ratios) // 10],
            )
            print(
                f"| {name} | {before:.2f} | {after:.2f} | {middle:.2f} ({low:.2f}-{high:.2f}) | "
                f"{'yes' if same else 'no'} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
