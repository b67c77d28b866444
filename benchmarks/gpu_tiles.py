"""Which tiles, warps and products the kernels of a stack want on a GPU, kernel by kernel.

Every kernel runs on the maps of the study's network, 40 lanes of 50 stamps, with each of its settings; the
table has the fastest ones and the error against float64. Compiling takes most of the time, so processes
compile first, side by side, into Triton's cache. Run: python benchmarks/gpu_tiles.py
"""

import argparse
import itertools
import os
import statistics
import subprocess
import sys

import torch
import triton
from torch import nn

from stampshift.training.stacked import kernels
from stampshift.training.stacked.fused import ROWS_OF_PART, Geometry
from stampshift.training.stacked.layers import Patches

DEVICE, LANES, BATCH = "cuda", 40, 50
LAYERS = {"first": (nn.Conv2d(3, 64, 5), 21), "second": (nn.Conv2d(64, 50, 5), 8)}
SUM = kernels.tl.float32
PRODUCTS = ("ieee", "tf32x3", "tf32")


def settings():
    """Product, rows, places, warps and stages that are tried."""
    for product in PRODUCTS:
        for rows, places, warps, stages in itertools.product((64, 128), (16, 32, 64), (4, 8), (2, 3)):
            if product == "ieee" and (stages == 3 or rows * places > 4096):
                continue  # by SIMT units a product has no pipeline, and compiles for long
            yield product, rows, places, warps, stages


def maps_of(layer):
    convolution, side = LAYERS[layer]
    torch.manual_seed(0)
    values = torch.randn(LANES, BATCH, side, side, convolution.in_channels, device=DEVICE)
    return values, Geometry.of(values, convolution)


class Forward:
    """Outputs and their statistics."""

    def __init__(self, layer):
        self.values, self.shape = maps_of(layer)
        shape = self.shape
        self.matrix = torch.randn(shape.lanes, shape.patch, shape.out, device=DEVICE) / shape.patch**0.5
        self.bias = torch.randn(shape.lanes, shape.out, device=DEVICE)
        self.out = self.values.new_empty((shape.lanes, shape.batch, *shape.sides, shape.out))

    def run(self, product, rows, places, warps, stages):
        shape = self.shape
        blocks = triton.cdiv(shape.rows, rows)
        means, squares = (self.values.new_empty((shape.lanes, blocks, shape.out)) for _ in range(2))
        kernels.convolve[blocks, shape.lanes, 1](
            self.values, self.matrix, self.bias, self.out, means, squares, shape.rows, **shape.maps,
            PATCH=shape.patch, OUT=shape.out, STATISTICS=True, PRECISION=product, SUM=SUM, ROWS=rows,
            PLACES=places, COLUMNS=64, num_warps=warps, num_stages=stages,
        )  # fmt: skip
        return self.out[0].flatten(0, 2)

    def expected(self):
        return patches(self.values, self.shape) @ self.matrix[0].double() + self.bias[0].double()


class WeightGradient:
    """Gradient of a layer's matrix and bias."""

    def __init__(self, layer, part=ROWS_OF_PART):
        self.values, self.shape = maps_of(layer)
        self.part = part
        shape = self.shape
        self.gradient = torch.randn(shape.lanes, shape.rows, shape.out, device=DEVICE)

    def run(self, product, rows, places, warps, stages):
        shape, pieces = self.shape, triton.cdiv(self.shape.rows, self.part)
        found = self.values.new_empty((shape.lanes, pieces, shape.patch + 1, shape.out))
        # the rows of a tile are places of a patch here: 64 or 128 of them, and 16 to 64 pixels at once
        kernels.weight_gradient[triton.cdiv(shape.patch + 1, rows), pieces, shape.lanes](
            self.values, self.gradient, found, shape.rows, self.part, **shape.maps, PATCH=shape.patch,
            OUT=shape.out, PRECISION=product, SUM=SUM, ROWS=places, PLACES=rows, COLUMNS=64,
            num_warps=warps, num_stages=stages,
        )  # fmt: skip
        return found.sum(1)[0, :-1]

    def expected(self):
        return patches(self.values, self.shape).T @ self.gradient[0].double()


def patches(values, shape):
    """Of the first lane, in float64."""
    return Patches.apply(values[:1].double(), (shape.kernel_rows, shape.kernel), (shape.down, shape.right))[0]


KERNELS = {
    "forward, first": lambda: Forward("first"),
    "forward, second": lambda: Forward("second"),
    "weights, first": lambda: WeightGradient("first"),
    "weights, second": lambda: WeightGradient("second"),
    "weights, second, parts of 400": lambda: WeightGradient("second", part=400),
    "weights, first, parts of 1024": lambda: WeightGradient("first", part=1024),
}


def milliseconds(run, repeats=10):
    run()
    torch.cuda.synchronize()
    found = []
    for _ in range(3):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        for _ in range(repeats):
            run()
        end.record()
        torch.cuda.synchronize()
        found.append(begin.elapsed_time(end) / repeats)
    return statistics.median(found)


def compile_share(number, count):
    tried = list(itertools.product(KERNELS, settings()))
    made = {name: make() for name, make in KERNELS.items()}
    for name, setting in tried[number::count]:
        try:
            made[name].run(*setting)
        except Exception:  # told where it is timed
            continue


def time_all(shown):
    print("| kernel | product | tile | places | warps | stages | ms | error |")
    print("|---|---|---|---|---|---|---|---|")
    for name, make in KERNELS.items():
        kernel, rows = make(), []
        expected = kernel.expected()
        for setting in settings():
            try:
                error = (kernel.run(*setting).double() - expected).norm() / expected.norm()
                rows.append((milliseconds(lambda: kernel.run(*setting)), float(error), setting))  # noqa: B023
            except Exception as problem:
                print(f"{name} {setting}: {type(problem).__name__}: {str(problem)[:100]}", file=sys.stderr)
        for product in PRODUCTS:
            best = sorted(row for row in rows if row[2][0] == product)[:shown]
            for taken, error, setting in best:
                print(f"| {name} | {' | '.join(map(str, setting))} | {taken:.3f} | {error:.0e} |", flush=True)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--compile", type=int, nargs=2, metavar=("NUMBER", "COUNT"), help="one share, and end"
    )
    parser.add_argument("--shown", type=int, default=3, help="of a kernel and a product")
    parser.add_argument("--parts", nargs="+", default=["compile", "times"], choices=["compile", "times"])
    arguments = parser.parse_args()
    if arguments.compile:
        compile_share(*arguments.compile)
        return
    if "compile" in arguments.parts:
        count = len(os.sched_getaffinity(0))
        command = [sys.executable, __file__, "--compile"]
        for process in [subprocess.Popen([*command, str(k), str(count)]) for k in range(count)]:
            process.wait()
    if "times" in arguments.parts:
        print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}, triton {triton.__version__}")
        time_all(arguments.shown)


if __name__ == "__main__":
    main()
