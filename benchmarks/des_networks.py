"""Seconds per 10,000 whole DES stamps of each network of Ayyar et al. (2022), training and scoring, on a CPU.

Each network is trained and scored by this project's own code on synthetic stamps of 3 x 51 x 51 pixels, in a
separate process, on one thread and on two; the rounds go over the networks in turn, so that a change of
the machine's speed hits all. Processor time is what other programs on the machine disturb less: from its
median, on as many free cores as threads, follow the hours of the study's first part, half of 898,963 stamps
for 50 epochs, each with the validation of a twentieth. Run: python benchmarks/des_networks.py
"""

import argparse
import multiprocessing
import platform
import statistics
import time

import numpy as np
import torch

from stampshift.methods import METHODS
from stampshift.training.data import Labelled, TrainingData
from stampshift.training.device import set_up_process
from stampshift.training.loop import Trainer
from stampshift.training.model import predict
from stampshift.training.progress import Task

CPU = torch.device("cpu")
NETWORKS = ("network_1", "network_2", "network_3", "network_4")
TRAINING = {
    "optimiser": "adam",
    "learning_rate": 2e-5,
    "momentum": None,
    "halve_every_iterations": None,
    "batch_size": 64,
    "epoch_size": None,
}
ARCHIVE, TRAIN_SHARE, VALIDATION_SHARE, EPOCHS = 898_963, 0.5, 0.05, 50
PUBLISHED_SECONDS = {"network_1": 60, "network_2": 127, "network_3": 190, "network_4": 47}


def start_trainer(network, stamps, device=CPU, seed=1):
    generator = np.random.default_rng(0)
    pixels = generator.standard_normal((stamps, 3, 51, 51), dtype=np.float32)
    labels = (np.arange(stamps) % 2).astype(np.uint8)
    few = np.arange(2)  # scoring is timed separately
    data = TrainingData(
        source=Labelled(pixels, np.arange(stamps), labels),
        target=None,
        unlabelled=None,
        source_validation=Labelled(pixels, few, labels[few]),
        target_validation=None,
    )
    method = METHODS["baseline"]({})
    return Trainer(Task(network, method, network, data, seed, {}, TRAINING, None, device))


def timed(work):
    begin, begin_processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - begin, time.process_time() - begin_processor


def worker(network, threads, stamps, connection):
    """Train an epoch and score whenever asked; answer with seconds and processor seconds of both."""
    set_up_process()
    torch.set_num_threads(threads)
    trainer = start_trainer(network, stamps)
    pixels, rows = trainer.task.data.source.stamps, np.arange(stamps)
    while connection.recv():
        trained = timed(trainer.run_epoch)
        scored = timed(lambda: predict(trainer.classifier, pixels, rows, device=CPU))
        connection.send((trained, scored))


def start(network, threads, stamps):
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    context.Process(target=worker, args=(network, threads, stamps, there), daemon=True).start()
    return here


def measure(networks, *, threads, stamps, rounds):
    connections = {network: start(network, threads, stamps) for network in networks}
    outcomes = {network: [] for network in networks}
    for repeat in range(rounds + 1):
        for network, connection in connections.items():
            connection.send(True)
            outcome = connection.recv()
            if repeat:  # the first round warms up
                outcomes[network].append(outcome)
    for connection in connections.values():
        connection.send(False)
    return outcomes


def per_ten_thousand(seconds, stamps):
    return statistics.median(seconds) * 10_000 / stamps


def projected_hours(training, scoring):
    """Hours of all epochs on the whole archive, from seconds per 10,000 stamps."""
    per_epoch = (TRAIN_SHARE * training + VALIDATION_SHARE * scoring) * ARCHIVE / 10_000
    return EPOCHS * per_epoch / 3600


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--stamps", type=int, default=320, help="per round")
    parser.add_argument("--networks", nargs="+", default=NETWORKS, choices=NETWORKS)
    arguments = parser.parse_args()
    print(f"{platform.processor() or platform.machine()}, torch {torch.__version__}")
    print(
        "| network | threads | training s | processor s | scoring s | processor s | whole study h "
        "| published GPU h |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for threads in (1, 2):
        outcomes = measure(
            arguments.networks, threads=threads, stamps=arguments.stamps, rounds=arguments.rounds
        )
        for network, rounds in outcomes.items():
            (training, training_cpu), (scoring, scoring_cpu) = (
                [
                    per_ten_thousand([outcome[kind][clock] for outcome in rounds], arguments.stamps)
                    for clock in (0, 1)
                ]
                for kind in (0, 1)
            )
            print(
                f"| {network} | {threads} | {training:.1f} | {training_cpu:.1f} | {scoring:.1f} | "
                f"{scoring_cpu:.1f} | {projected_hours(training_cpu / threads, scoring_cpu / threads):.0f} | "
                f"{EPOCHS * PUBLISHED_SECONDS[network] / 3600:.1f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
