"""Time to compare a stamps file with its digests, beside the epochs that train on it: the cost per job.

The file is synthetic, and in the page cache, as after the job that wrote it.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

from stampshift.stamps.file import verify_stamps
from stampshift.stamps.writer import stamps_writer

EPOCH_SECONDS = {"baseline": 2.12, "mme": 3.85}  # per run and 10,000 stamps of 21 pixels (training.py)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stamps", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    count = arguments.stamps
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "X.h5"
        with stamps_writer(path, survey="X", size_pixels=21) as writer:
            writer.append(
                np.random.default_rng(0).standard_normal((count, 3, 21, 21), dtype=np.float32),
                labels=[row % 2 for row in range(count)],
                classes=["star"] * count,
                ids=[f"candidate-{row}" for row in range(count)],
                groups=[f"object-{row // 3}" for row in range(count)],
            )
        seconds = []
        for _ in range(arguments.rounds):
            begin = time.perf_counter()
            verify_stamps(path)
            seconds.append(time.perf_counter() - begin)
    median = statistics.median(seconds)
    print(f"{count} stamps: {median:.3f} s ({min(seconds):.3f}-{max(seconds):.3f})")
    for method, each in EPOCH_SECONDS.items():
        share = median / (each * count / 10_000)
        print(
            f"{method}: {share:.1%} of an epoch on one such file; under 2% from {share / 0.02:.0f} epochs on"
        )


if __name__ == "__main__":
    main()
