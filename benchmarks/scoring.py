"""Stamps per second and core that a released model scores: ONNX Runtime against torch, one thread each.

Both take turns. Processor time is measured, because a busy machine changes it less than wall-clock time.
Weights are random, which changes no speed. Similarity and distance are part of the network; the last column
is all of `ReleasedModel.score`, checks and calibration included.
"""

import argparse
import statistics
import time
from pathlib import Path

import numpy as np
import torch
from joblib import cpu_count

from stampshift.networks import build_classifier
from stampshift.networks.classifier import place
from stampshift.release import released as released_network
from stampshift.release.contract import Contract
from stampshift.release.onnx_file import ReleasedNetwork, exposed_layers, onnx_bytes, torch_outputs
from stampshift.release.onnx_network import OnnxNetwork
from stampshift.release.outliers import Outliers
from stampshift.release.quiet_runtime import onnxruntime
from stampshift.release.released import ReleasedModel
from stampshift.training.device import set_up_process

NETWORKS = (
    ("bolivar", "linear", 21),
    ("bolivar", "prototype", 21),
    ("bolivar", "linear", 51),
    ("network_1", "linear", 51),
    ("network_4", "linear", 51),
)


def built(network, head, size):
    torch.manual_seed(0)
    classifier = build_classifier(
        network=network, head=head, size_pixels=size, temperature=0.05 if head == "prototype" else None
    )
    classifier = place(classifier, torch.device("cpu")).eval()
    layers = exposed_layers(classifier, drawn(400, size))
    # random weights call nearly everything alike: half of each is as good for a benchmark
    logits = torch.eye(2)[torch.arange(len(layers.logits)) % 2]
    return ReleasedNetwork(classifier, Outliers.fit(layers._replace(logits=logits)))


def drawn(count, size):
    return np.random.default_rng(0).standard_normal((count, 3, size, size), dtype=np.float32)


def released(runtime, network, head, size):
    contract = Contract(
        network=network,
        head=head,
        size_pixels=size,
        normalisation="channel",
        surveys={},
        calibration={"temperature": 1.0},
        out_of_distribution={},
        parity={},
        simulated=True,
        digests={},
    )
    return ReleasedModel(Path("benchmark"), contract=contract, network=runtime)


def rate(work, stamps, seconds):
    begin, count = time.process_time(), 0
    while time.process_time() - begin < seconds:
        work(stamps)
        count += len(stamps)
    return count / (time.process_time() - begin)


def measure(network, head, size, *, rounds, seconds):
    whole = built(network, head, size)
    runtime = OnnxNetwork(onnx_bytes(whole, size_pixels=size), threads=1)
    release = released(runtime, network, head, size)
    stamps = drawn(4 * (released_network.BATCH_PIXELS // size**2), size)
    ways = {
        "torch": lambda block: torch_outputs(whole, block),
        "onnxruntime": runtime.run,
        "released": release.score,
    }
    results = {name: [] for name in ways}
    for repeat in range(rounds + 1):
        for name, work in ways.items():
            found = rate(work, stamps, seconds)
            if repeat:  # the first round warms up
                results[name].append(found)
    return results


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each measurement")
    parser.add_argument("--batch", type=int, help="stamps of 21 pixels per batch, in place of the package's")
    arguments = parser.parse_args()
    set_up_process()
    if arguments.batch:
        released_network.BATCH_PIXELS = arguments.batch * 21 * 21
    print(f"{cpu_count()} cores, torch {torch.__version__}, ORT {onnxruntime.__version__}")
    print("| network | head | pixels | torch | ONNX Runtime | ratio by round | all of a score |")
    print("|---|---|---|---|---|---|---|")
    for network, head, size in NETWORKS:
        found = measure(network, head, size, rounds=arguments.rounds, seconds=arguments.seconds)
        ratios = [b / a for a, b in zip(found["torch"], found["onnxruntime"], strict=True)]
        cells = [f"{statistics.median(found[name]):.0f}" for name in ("torch", "onnxruntime")]
        cells.append(f"{statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})")
        cells.append(f"{statistics.median(found['released']):.0f}")
        print(f"| {network} | {head} | {size} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
