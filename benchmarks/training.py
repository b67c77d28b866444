"""Seconds per epoch: this project's loop against the ordinary Dataset + DataLoader loop, at equal cores.

Both train the same network on the same stamps with the same optimiser and batches of the same size, an
epoch each in turn, so that a change of the machine's speed hits both. The ordinary loop is what most
repositories do: a Dataset that hands out one stamp, a DataLoader that shuffles and collates, tensors in
torch's default layout, one process with a thread per core. This project's loop trains as many runs as
there are cores, each in a separate process on one thread; its seconds per epoch are the round's seconds
divided by the number of runs. Run: python benchmarks/training.py
"""

import argparse
import multiprocessing
import os
import platform
import statistics
import time

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, WeightedRandomSampler

from stampshift.methods import METHODS
from stampshift.methods.method import Batch
from stampshift.networks import build_classifier
from stampshift.training.data import Labelled, TrainingData, Unlabelled
from stampshift.training.device import set_up_process
from stampshift.training.loop import Trainer
from stampshift.training.progress import Task

TRAINING = {
    "optimiser": "sgd",
    "learning_rate": 0.01,
    "momentum": 0.9,
    "halve_every_iterations": 100_000,
    "batch_size": 50,
    "epoch_size": 10_000,
}
OPTIONS = {
    "baseline": {},
    "mme": {
        "labelled": ["source", "target"],
        "head": "random",
        "steps": "one",
        "epoch": "together",
        "temperature": 0.05,
        "entropy_weight": 0.1,
    },
}


def synthetic_data(stamps_per_survey):
    generator = np.random.default_rng(0)
    stamps = generator.standard_normal((2, stamps_per_survey, 3, 21, 21), dtype=np.float32)
    labels = (np.arange(stamps_per_survey) % 2).astype(np.uint8)
    rows, few = np.arange(stamps_per_survey), np.arange(20)
    return TrainingData(
        source=Labelled(stamps[0], rows, labels),
        target=Labelled(stamps[1], few, labels[few]),
        unlabelled=Unlabelled(stamps[1], rows[20:]),
        source_validation=Labelled(stamps[0], few, labels[few]),
        target_validation=Labelled(stamps[1], few, labels[few]),
    )


# ---- the ordinary loop ----------------------------------------------------------------------------------


class StampDataset(Dataset):
    def __init__(self, data):
        self.data = data
        self.labels = getattr(data, "labels", None)

    def __len__(self):
        return len(self.data.rows)

    def __getitem__(self, item):
        stamp = torch.from_numpy(self.data.stamps[self.data.rows[item]])
        return stamp, -1 if self.labels is None else int(self.labels[item])


def loader(data, batch_size, batches):
    weights = torch.ones(len(data.rows))
    sampler = WeightedRandomSampler(weights, batch_size * batches)
    return DataLoader(StampDataset(data), batch_size, sampler=sampler)


class OrdinaryLoop:
    def __init__(self, method, data):
        self.method, self.options = METHODS[method](OPTIONS[method]), OPTIONS[method]
        size, batches = TRAINING["batch_size"], TRAINING["epoch_size"] // TRAINING["batch_size"]
        share = size // len(self.method.labelled)
        self.loaders = [loader(data.labelled(origin), share, batches) for origin in self.method.labelled]
        if self.method.uses_unlabelled:
            self.loaders.append(loader(data.unlabelled, size, batches))
        self.classifier = build_classifier(
            network="bolivar",
            head=self.method.head,
            size_pixels=21,
            temperature=self.options.get("temperature"),
        )
        self.optimiser = torch.optim.SGD(
            self.classifier.parameters(), lr=TRAINING["learning_rate"], momentum=TRAINING["momentum"]
        )

    def run_epoch(self):
        self.classifier.train()
        n_labelled = len(self.method.labelled)
        for parts in zip(*self.loaders, strict=True):
            batch = Batch(
                stamps=torch.cat([stamps for stamps, _ in parts[:n_labelled]]),
                labels=torch.cat([labels for _, labels in parts[:n_labelled]]),
                unlabelled=parts[-1][0] if self.method.uses_unlabelled else None,
            )
            (loss_of,) = self.method.losses
            loss = loss_of(self.classifier, batch, self.options)
            self.optimiser.zero_grad()
            loss.backward()
            self.optimiser.step()


# ---- this project's loop --------------------------------------------------------------------------------


class OwnLoop:
    def __init__(self, method, data):
        baseline = build_classifier(
            network="bolivar", head="linear", size_pixels=21, temperature=None
        ).state_dict()
        self.trainer = Trainer(
            Task(
                "benchmark",
                METHODS[method](OPTIONS[method]),
                "bolivar",
                data,
                1,
                OPTIONS[method],
                TRAINING,
                baseline,
                torch.device("cpu"),
            )
        )

    def run_epoch(self):
        self.trainer.run_epoch()


# ---- measurement ----------------------------------------------------------------------------------------


def worker(kind, method, stamps, connection):
    """Run one epoch whenever asked and answer with its peak memory in MB."""
    import resource

    if kind == "own":
        set_up_process()
    else:
        torch.set_num_threads(len(os.sched_getaffinity(0)))
    loop = {"own": OwnLoop, "ordinary": OrdinaryLoop}[kind](method, synthetic_data(stamps))
    while connection.recv():
        loop.run_epoch()
        connection.send(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def start(kind, method, stamps):
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    context.Process(target=worker, args=(kind, method, stamps, there), daemon=True).start()
    return here


def timed_round(connections):
    begin = time.perf_counter()
    for connection in connections:
        connection.send(True)
    memory = [connection.recv() for connection in connections]
    return (time.perf_counter() - begin) / len(connections), max(memory)


def measure(method, *, stamps, rounds, cores):
    ordinary = [start("ordinary", method, stamps)]
    own = [start("own", method, stamps) for _ in range(cores)]
    results = {"ordinary": [], "own": []}
    for repeat in range(rounds + 1):
        for name, connections in (("ordinary", ordinary), ("own", own)):
            outcome = timed_round(connections)
            if repeat:  # the first round warms up
                results[name].append(outcome)
    for connection in ordinary + own:
        connection.send(False)
    return results


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--stamps", type=int, default=20_000, help="per survey")
    arguments = parser.parse_args()
    cores = len(os.sched_getaffinity(0))
    print(f"{platform.processor() or platform.machine()}, {cores} cores, torch {torch.__version__}")
    print("| method | loop | s/epoch: median | min | max | peak MB per process | ordinary / own by round |")
    print("|---|---|---|---|---|---|---|")
    for method in OPTIONS:
        results = measure(method, stamps=arguments.stamps, rounds=arguments.rounds, cores=cores)
        seconds = {name: [each[0] for each in outcome] for name, outcome in results.items()}
        ratios = [a / b for a, b in zip(seconds["ordinary"], seconds["own"], strict=True)]
        ratio = f"{statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})"
        for name, values in seconds.items():
            cells = [f"{figure(values):.2f}" for figure in (statistics.median, min, max)]
            cells += [f"{max(each[1] for each in results[name]):.0f}", ratio if name == "own" else ""]
            print(f"| {method} | {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
