"""Stamps per second and peak memory of every survey's reader and preprocessing.

An archive of each survey is drawn with the built-in simulator, in the survey's native format, and made
into a stamps file: with one process and with one per core, the median of several repeats. Every
measurement is a fresh process of its own, so that its peak resident memory is that survey's alone; that of
the largest of its workers, looked up every 20 ms, stands beside it and includes the pages that they share.
Archives come from the page cache after the first repeat; seconds include the digest of the archive and the
writing of the stamps. Simulation is timed as wall time on all cores. With --archives the archives are kept
for the next call; delete them after a change of the simulator. Run: python benchmarks/preprocessing.py
"""

import argparse
import multiprocessing
import os
import platform
import resource
import statistics
import tempfile
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import psutil
import yaml

from stampshift.making import make_stamps
from stampshift.preprocess import InvalidPixels

ROOT = Path(__file__).parents[1]
HEADER = ("survey", "archive MB", "simulate ms/triplet", "processes", "stamps/s", "peak MB", "worker MB")


def in_fresh_process(function, *arguments):
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def simulate(survey, stamps, seed, folder, cores):
    """Draw an archive, which appears whole or not at all, and return the seconds."""
    from stampshift.simulation import simulate_survey

    constants = yaml.safe_load((ROOT / "resources" / "surveys" / f"{survey}.yaml").read_text())
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        drawn = Path(temporary) / "archive"
        begin = time.perf_counter()
        simulate_survey(survey, stamps=stamps, seed=seed, constants=constants, folder=drawn, processes=cores)
        seconds = time.perf_counter() - begin
        drawn.rename(folder)
    return seconds


def watch_workers(done, peaks):
    """Keep the largest resident memory of a child or grandchild in MB."""
    while not done.wait(0.02):
        for process in psutil.Process().children(recursive=True):
            try:
                peaks.append(process.memory_info().rss / 2**20)
            except psutil.NoSuchProcess:
                continue


def measure(survey, section, size_pixels, archive, processes):
    """Make the stamps file once; return seconds and peak memory in MB, of the process and its workers."""
    done, peaks = threading.Event(), [0.0]
    watcher = threading.Thread(target=watch_workers, args=(done, peaks))
    watcher.start()
    with tempfile.TemporaryDirectory(dir=archive.parent) as temporary:
        begin = time.perf_counter()
        make_stamps(
            [archive],
            survey=survey,
            reader=section["reader"],
            classes=section["classes"],
            invalid=InvalidPixels(**section["invalid"]),
            size_pixels=size_pixels,
            normalisation="channel",
            processes=processes,
            origin={"simulate": section["simulate"]},
            checksums={},
            output=Path(temporary) / f"{survey}.h5",
            progress=False,
        )
        seconds = time.perf_counter() - begin
    done.set()
    watcher.join()
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, max(peaks)


def benchmark(survey, config, archives, *, stamps, repeats, core_counts):
    """Print the lines of one survey."""
    section = config["surveys"][survey]
    seed = section["simulate"]["seed"]
    archive = archives / f"{survey}-{stamps}-seed-{seed}"
    drawing = "kept"
    if not archive.exists():
        seconds = in_fresh_process(simulate, survey, stamps, seed, archive, core_counts[-1])
        drawing = f"{1000 * seconds / stamps:.2f}"
    megabytes = sum(path.stat().st_size for path in archive.rglob("*") if path.is_file()) / 1e6
    outcomes = {processes: [] for processes in core_counts}
    for _ in range(repeats):  # in turn, so that a change of the machine's speed hits both
        for processes, outcome in outcomes.items():
            arguments = (survey, section, config["stamps"]["size_pixels"], archive, processes)
            outcome.append(in_fresh_process(measure, *arguments))
    for processes, outcome in outcomes.items():
        seconds, own, worker = (statistics.median(values) for values in zip(*outcome, strict=True))
        workers = f"{worker:.0f}" if processes > 1 else "none"
        cells = (
            survey,
            f"{megabytes:.0f}",
            drawing,
            processes,
            f"{stamps / seconds:.0f}",
            f"{own:.0f}",
            workers,
        )
        print(f"| {' | '.join(map(str, cells))} |", flush=True)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--stamps", type=int, default=5000, help="triplets per survey")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--archives", type=Path, help="folder in which the archives are kept")
    arguments = parser.parse_args()
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    cores = len(os.sched_getaffinity(0))
    print(
        f"{platform.processor() or platform.machine()}, {cores} cores, {arguments.stamps} triplets per survey"
    )
    print(f"| {' | '.join(HEADER)} |\n{'|---' * len(HEADER)}|")
    with tempfile.TemporaryDirectory() as temporary:
        archives = arguments.archives or Path(temporary)
        archives.mkdir(parents=True, exist_ok=True)
        for survey in config["surveys"]:
            benchmark(
                survey,
                config,
                archives,
                stamps=arguments.stamps,
                repeats=arguments.repeats,
                core_counts=sorted({1, cores}),
            )


if __name__ == "__main__":
    main()
