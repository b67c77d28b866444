"""Seconds per epoch and lane on a GPU: one run at a time against stacks of runs, and other variants.

All on synthetic stamps of the study's size, 10,000 labelled ones per epoch. "stacked" is what the workflow
does. The other variants are compiled, in bfloat16, streamed to the GPU batch by batch, or replay a whole step
as a CUDA graph; their losses in the table should be those of "stacked". First it checks, on this device,
that a lane equals the run alone and that a NaN stays in its lane. Run: python benchmarks/gpu.py
"""

import argparse
import statistics
import time
from dataclasses import replace
from itertools import chain

import torch
from torch import nn
from training import OPTIONS, TRAINING, synthetic_data

from stampshift.methods import METHODS
from stampshift.methods.method import Batch, part_of
from stampshift.networks import build_classifier
from stampshift.training.device import choose_device, is_out_of_memory, set_up_process
from stampshift.training.loop import Trainer
from stampshift.training.progress import Task
from stampshift.training.stacked.extractor import stacked_features
from stampshift.training.stacked.lane import Lane
from stampshift.training.stacked.pools import Pools, free_bytes
from stampshift.training.stacked.stack import Stack

# the full grid: 40 baselines and 600 fine-tunings, at a baseline's cost; 600 runs of MME, of which the
# searches have done 60, and the searches' 480
GRID = {("baseline", 10): 640, ("mme", 10): 540, ("mme", 40): 480}
TOLERANCE = 1e-3  # of the largest gradient


def tasks(method, data, lanes, device, epoch_size):
    torch.manual_seed(0)
    start = build_classifier(network="bolivar", head="linear", size_pixels=21, temperature=None).state_dict()
    training = TRAINING | {"epoch_size": epoch_size, "patience_epochs": 100, "max_epochs": None}
    options = OPTIONS[method]
    return [
        Task(f"{method}-{k}", METHODS[method](options), "bolivar", data, k, options, training, start, device)
        for k in range(lanes)
    ]


def stack_of(given, *, streamed=False, precision="float32", compiled=False, dropout=True):
    """A stack; of bfloat16 are convolutions and products, not weights, batch normalisation and losses."""
    lanes = [Lane.start(task, None) for task in given]
    if not dropout:
        without_dropout(lanes[0].classifier)
    stack = Stack(lanes, pools=Pools(given, free=(lambda _: 0) if streamed else free_bytes))
    of_all_lanes = torch.compile(stacked_features, dynamic=False) if compiled else stacked_features

    def features(named, stamps, masks):
        with torch.autocast(stamps.device.type, torch.bfloat16, enabled=precision == "bfloat16"):
            found = of_all_lanes(stack.model.extractor, stamps, part_of(named, "extractor"), masks)
        return found.to(stamps.dtype)

    stack.model.features = features
    return stack


def without_dropout(classifier):
    for layer in classifier.modules():
        if isinstance(layer, nn.Dropout | nn.Dropout2d):
            layer.p = 0.0


# ---- a whole step as one CUDA graph ----------------------------------------------------------------------


class KeptMasks:
    """Hands out the same tensors in every step; what is in them is written before."""

    def __init__(self, masks, per_pass):
        self.masks, self.per_pass = masks, per_pass

    def next_step(self):
        self.remaining = iter(self.masks)

    def take(self, *_):
        return [next(self.remaining) for _ in range(self.per_pass)]


class GraphedModel:
    """A stacked model whose step is captured after the first one on some weights, and then replayed."""

    def __init__(self, model):
        self.model, self.weights = model, None

    def __getattr__(self, name):
        return getattr(self.model, name)

    def step(self, weights, batch, options, *, masks, rates):
        if weights is not self.weights:
            return self.first_step(weights, batch, options, masks, rates)
        masks.next_step()
        drawn = [masks.take(len(batch.labels), torch.float32) for _ in range(self.passes)]
        for kept, new in zip(self.inputs, inputs_of(batch, rates, drawn), strict=True):
            if kept is not None:
                kept.copy_(new)
        self.graph.replay()
        return self.total.clone(), self.right.clone()

    def first_step(self, weights, batch, options, masks, rates):
        drawn, take = [], masks.take
        masks.take = lambda *arguments: drawn.append(take(*arguments)) or drawn[-1]
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):  # a step as ever, and the warming up that a capture asks for
            found = self.model.step(weights, batch, options, masks=masks, rates=rates)
        torch.cuda.current_stream().wait_stream(side)
        del masks.take
        self.passes = len(drawn)
        self.inputs = [None if each is None else each.clone() for each in inputs_of(batch, rates, drawn)]
        self.options = {
            name: value.clone() if isinstance(value, torch.Tensor) else value
            for name, value in options.items()
        }
        stamps, labels, unlabelled, own_rates, *own_masks = self.inputs
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):  # nothing is computed here
            self.total, self.right = self.model.step(
                weights,
                Batch(stamps, labels, unlabelled),
                self.options,
                masks=KeptMasks(own_masks, len(self.model.dropouts)),
                rates=own_rates,
            )
        self.weights = weights
        return found


def inputs_of(batch, rates, drawn):
    return [batch.stamps, batch.labels, batch.unlabelled, rates, *chain.from_iterable(drawn)]


def graphed(given):
    stack = stack_of(given)
    stack.model = GraphedModel(stack.model)
    return stack


VARIANTS = {
    "stacked": stack_of,
    "stacked, streamed": lambda given: stack_of(given, streamed=True),
    "stacked + compiled": lambda given: stack_of(given, compiled=True),
    "stacked + graph": graphed,
    "stacked bfloat16": lambda given: stack_of(given, precision="bfloat16"),
    "stacked bfloat16 + compiled": lambda given: stack_of(given, precision="bfloat16", compiled=True),
}


# ---- is it right here? -------------------------------------------------------------------------------------


def largest_difference(found, expected):
    """Of the gradients of one step (momentum after it), in units of the largest one, over all parameters."""
    largest = max(value.abs().max().item() for value in expected)
    pairs = zip(found, expected, strict=True)
    return max((a.cpu() - b.cpu()).abs().max().item() for a, b in pairs) / largest


def gradients(checkpoint):
    return [state["momentum_buffer"] for state in checkpoint["optimiser"]["state"].values()]


def check(method, data, device, lanes=4):
    """Largest differences against the run alone, without dropout, and a stack of one; whether a NaN stays."""
    given = [replace(task, device=device) for task in tasks(method, data, lanes, device, 50)]
    stack = stack_of(given, dropout=False)
    stack.run_epoch()
    alone = []
    for number, task in enumerate(given):
        with torch.random.fork_rng():
            trainer = Trainer(task)
            without_dropout(trainer.classifier)
            trainer.run_epoch()
        alone.append(largest_difference(gradients(stack.checkpoint(number)), gradients(trainer.checkpoint())))
    stack, single = stack_of(given), stack_of(given[-1:])
    stack.run_epoch()
    single.run_epoch()
    among = largest_difference(gradients(stack.checkpoint(lanes - 1)), gradients(single.checkpoint(0)))
    stack.weights.lane(1).classifier["extractor.0.weight"].detach().fill_(float("nan"))
    return max(alone), among, list(stack.run_epoch()) == [1]


# ---- measurement ----------------------------------------------------------------------------------------


def synchronise(device):
    if device.type == "cuda":
        torch.cuda.synchronize()


def timed(run_epoch, device, epochs):
    """Median seconds of an epoch after a first one, on a CPU the processor's, and peak memory in MB."""
    clock = time.perf_counter if device.type == "cuda" else time.process_time
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    run_epoch()
    seconds = []
    for _ in range(epochs):
        synchronise(device)
        begin = clock()
        run_epoch()
        synchronise(device)
        seconds.append(clock() - begin)
    peak = f"{torch.cuda.max_memory_allocated() / 1e6:.0f}" if device.type == "cuda" else ""
    return statistics.median(seconds), peak


def row(method, variant, histories, seconds, peak, mean_epochs):
    hour = 3600 / (seconds * mean_epochs)
    loss = statistics.mean(history[-1]["train_loss"] for history in histories)
    cells = [method, variant, len(histories), f"{seconds:.4f}", f"{hour:.0f}", f"{1720 / hour:.2f}", peak]
    cells.append(f"{loss:.4f}")
    print(f"| {' | '.join(map(str, cells))} |", flush=True)


def measure(method, data, device, arguments):
    """Print a row per variant; seconds per epoch and lane by variant and number of lanes."""
    found = {}
    (task,) = tasks(method, data, 1, device, arguments.epoch_size)
    with torch.random.fork_rng():
        trainer = Trainer(task)
        seconds, peak = timed(trainer.run_epoch, device, arguments.epochs)
    row(method, "one run at a time", [trainer.progress.history], seconds, peak, arguments.mean_epochs)
    for lanes in arguments.lanes:
        given = tasks(method, data, lanes, device, arguments.epoch_size)
        for variant in arguments.variants:
            try:
                stack = VARIANTS[variant](given)
                seconds, peak = timed(stack.run_epoch, device, arguments.epochs)
            except Exception as error:  # a variant that does not work here is a result too
                kind = "out of memory" if is_out_of_memory(error) else f"{type(error).__name__}: {error}"
                print(
                    f"| {method} | {variant} | {lanes} | failed: {kind.splitlines()[0]} | | | | |", flush=True
                )
                continue
            found[variant, lanes] = seconds / lanes
            histories = [lane.progress.history for lane in stack.lanes]
            row(method, variant, histories, seconds / lanes, peak, arguments.mean_epochs)
    return found


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="cuda", choices=["cuda", "cpu"])
    parser.add_argument("--lanes", type=int, nargs="+", default=[10, 40])
    parser.add_argument("--variants", nargs="+", default=list(VARIANTS), choices=list(VARIANTS))
    parser.add_argument("--epochs", type=int, default=3, help="measured, after a first one")
    parser.add_argument("--epoch-size", type=int, default=10_000, help="labelled stamps per epoch")
    parser.add_argument("--stamps", type=int, default=100_000, help="per survey")
    parser.add_argument("--mean-epochs", type=float, default=175, help="of a training, for the projections")
    arguments = parser.parse_args()
    set_up_process()
    device, data = choose_device(arguments.device), synthetic_data(arguments.stamps)
    name = torch.cuda.get_device_name() if device.type == "cuda" else "cpu"
    print(f"{name}, torch {torch.__version__}, {arguments.mean_epochs:g} epochs per training")
    for method in OPTIONS:
        alone, among, contained = check(method, data, device)
        print(
            f"{method}: a lane against the run alone {alone:.1e}, against a stack of one {among:.1e} of the "
            f"largest gradient: {'equal' if max(alone, among) < TOLERANCE else 'NOT EQUAL'}; "
            f"a NaN {'stays in its lane' if contained else 'SPREADS'}"
        )
    print(
        "| method | variant | lanes | s/epoch and lane | trainings/h | 1,720 trainings h | peak MB | loss |"
    )
    print("|---|---|---|---|---|---|---|---|")
    found = {method: measure(method, data, device, arguments) for method in OPTIONS}
    for variant in arguments.variants:
        parts = [(found[method].get((variant, lanes)), count) for (method, lanes), count in GRID.items()]
        if all(seconds is not None for seconds, _ in parts):
            hours = sum(seconds * count for seconds, count in parts) * arguments.mean_epochs / 3600
            print(f"the full grid, {variant}: {hours:.2f} h")


if __name__ == "__main__":
    main()
