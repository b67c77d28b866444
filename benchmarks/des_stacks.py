"""Whether it pays to train the folds of a DES network as one stack: seconds per 10,000 stamps of a run.

One run alone and stacks of several lanes take turns, epoch by epoch, on synthetic stamps of 3 x 51 x 51
pixels, each epoch a pass by Adam with a smaller last batch, as in the second study. On a CPU all have one
thread, and the seconds are of the processor. First, a lane is compared with the run alone, without dropout,
whose masks differ on a GPU. Run: python benchmarks/des_stacks.py, on a GPU with --stamps 4000 --lanes 1 2 4
"""

import argparse
import platform
import statistics
import time

import torch

from des_networks import NETWORKS, TRAINING, start_trainer
from gpu_lanes import stack_of, without_dropout
from stampshift.training.device import choose_device, is_out_of_memory, set_up_process

ALONE = "alone"


def trainers(network, stamps, device, count):
    return [start_trainer(network, stamps, device=device, seed=seed) for seed in range(count)]


def difference(network, device, stamps):
    """Of a lane's first moments from those of the run alone, the largest, in units of the largest moment."""
    alone, *others = trainers(network, stamps, device, 2)
    stack = stack_of([alone.task, *(each.task for each in others)], dropout=False)
    stack.run_epoch()
    without_dropout(alone.classifier)
    alone.run_epoch()
    found, expected = (
        [state["exp_avg"].cpu() for state in checkpoint["optimiser"]["state"].values()]
        for checkpoint in (stack.checkpoint(0), alone.checkpoint())
    )
    largest = max(value.abs().max() for value in expected)
    return float(max((a - b).abs().max() for a, b in zip(found, expected, strict=True)) / largest)


def epochs_of(network, stamps, device, lanes):
    """What trains an epoch, by the number of lanes, and of how many runs."""
    found = {ALONE: (trainers(network, stamps, device, 1)[0].run_epoch, 1)}
    for count in lanes:
        stack = stack_of([each.task for each in trainers(network, stamps, device, count)])
        found[f"{count} lanes"] = (stack.run_epoch, count)
    return found


def timed(run_epoch, device):
    clock = time.perf_counter if device.type == "cuda" else time.process_time
    begin = clock()
    run_epoch()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return clock() - begin


def measure(network, device, arguments):
    """Seconds per 10,000 stamps of a run in each round, by the number of lanes; the first one warms up."""
    epochs = epochs_of(network, arguments.stamps, device, arguments.lanes)
    seconds = {name: [] for name in epochs}
    for repeat in range(arguments.rounds + 1):
        for name, (run_epoch, count) in epochs.items():
            taken = timed(run_epoch, device) / count / arguments.stamps * 10_000
            if repeat:
                seconds[name].append(taken)
    return seconds


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"])
    parser.add_argument("--networks", nargs="+", default=NETWORKS, choices=NETWORKS)
    parser.add_argument("--lanes", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--stamps", type=int, default=70, help="of a run and an epoch")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    set_up_process()
    device = choose_device(arguments.device)
    print(f"{device.type}, {platform.machine()}, torch {torch.__version__}")
    print("| network | lane against alone | runs | s per 10,000 stamps of a run | alone / this by round |")
    print("|---|---|---|---|---|")
    for network in arguments.networks:
        try:
            # after a whole batch, and after a smaller one: later steps of Adam follow the sign of rounding
            wrong = max(difference(network, device, stamps) for stamps in (TRAINING["batch_size"], 10))
            seconds = measure(network, device, arguments)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            print(f"| {network} | memory does not suffice |  |  |  |", flush=True)
            continue
        for name, own in seconds.items():
            ratios = [alone / taken for alone, taken in zip(seconds[ALONE], own, strict=True)]
            print(
                f"| {network} | {wrong:.0e} | {name} | {statistics.median(own):.1f} | "
                f"{statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f}) |",
                flush=True,
            )


if __name__ == "__main__":
    main()
