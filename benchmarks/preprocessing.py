"""Stamps per second, processor time and peak memory of every survey's reader and preprocessing.

The built-in simulator makes an archive of each survey in its native format. The archive is made into a
stamps file with one process and with one per core; each number is the median of several repeats. Every
measurement runs in a fresh process, so that the peak resident memory is that survey's alone. Next to it is
the peak of the process and all its workers together, sampled every 50 ms, with shared pages counted once.
Processor time is the sum over all of them. Two estimates for the whole survey follow: by the clock, at the
measured rate, and by the processor, with all cores free and equally busy. Archives come from the page cache
after the first repeat; seconds include the digest of the archive and the writing of the stamps. Simulation
is timed by the clock on all cores. With --archives the archives are kept for the next call; delete them
after a change of the simulator. --times repeats the simulated triplets in the archives of HiTS and DES.
Run: python benchmarks/preprocessing.py
"""

import argparse
import multiprocessing
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
from joblib import cpu_count

from repeating import REPEATED
from stampshift.stamps.preprocessing import Preprocessing
from stampshift.stamps.raw_triplets import InvalidPixels
from stampshift.surveys.making import make_stamps

ROOT = Path(__file__).parents[1]
HEADER = (
    *("survey", "stamps", "archive MB", "simulate ms/triplet", "processes", "stamps/s", "processor ms/stamp"),
    *("peak MB", "with workers MB", "whole survey min", "by processor min"),
)
# candidates of the published archives
PUBLISHED = {"HiTS": 1_437_684, "DES": 898_963, "ATLAS": 3_678, "ZTF": 36_262}


def in_fresh_process(function, *arguments):
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def simulate(survey, stamps, seed, folder, cores):
    """Make an archive, which appears only when complete, and return the seconds."""
    from stampshift.simulation import read_constants, simulate_survey

    constants = read_constants(survey)
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        drawn = Path(temporary) / "archive"
        begin = time.perf_counter()
        simulate_survey(survey, stamps=stamps, seed=seed, constants=constants, folder=drawn, processes=cores)
        seconds = time.perf_counter() - begin
        drawn.rename(folder)
    return seconds


def repeat(drawn, times, folder):
    """Write an archive's stamps repeatedly; it appears only when complete."""
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        larger = Path(temporary) / "archive"
        larger.mkdir()
        REPEATED[drawn.name.partition("-")[0]](drawn, larger, times)
        larger.rename(folder)


def watch(done, memory, seconds):
    """Keep the memory in MB of this process and its workers together, and the workers' processor seconds."""
    own = psutil.Process()
    while not done.wait(0.05):
        total = own.memory_info().rss
        for process in own.children(recursive=True):
            try:
                total += process.memory_info().rss
                seconds[process.pid] = sum(process.cpu_times()[:2])
            except psutil.NoSuchProcess:
                continue
        memory.append(total / 2**20)


def measure(survey, section, size_pixels, archive, processes):
    """Make the stamps file once; return seconds, processor seconds, and peak memory in MB, own and of all."""
    done, memory, workers = threading.Event(), [0.0], {}
    watcher = threading.Thread(target=watch, args=(done, memory, workers))
    watcher.start()
    with tempfile.TemporaryDirectory(dir=archive.parent) as temporary:
        begin, begin_processor = time.perf_counter(), time.process_time()
        make_stamps(
            [archive],
            survey=survey,
            reader=section["reader"],
            options={},
            preprocessing=Preprocessing(
                size_pixels=size_pixels,
                normalisation="channel",
                invalid=InvalidPixels(**section["invalid"]),
                classes=section["classes"],
                unlabelled="drop",
            ),
            processes=processes,
            unit_minutes=10,
            origin={"simulate": section["simulate"]},
            checksums={},
            tolerated=0.001,
            output=Path(temporary) / f"{survey}.h5",
        )
        seconds, processor = time.perf_counter() - begin, time.process_time() - begin_processor
    done.set()
    watcher.join()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return seconds, processor + sum(workers.values()), peak, max(peak, *memory)


def benchmark(survey, config, archives, *, stamps, times, repeats, core_counts):
    """Print the lines of one survey."""
    section = config["surveys"][survey]
    seed = section["simulate"]["seed"]
    archive = archives / f"{survey}-{stamps}-seed-{seed}"
    drawing = "kept"
    if not archive.exists():
        seconds = in_fresh_process(simulate, survey, stamps, seed, archive, core_counts[-1])
        drawing = f"{1000 * seconds / stamps:.2f}"
    if survey in REPEATED and times > 1:
        drawn, archive = archive, archive.with_name(f"{archive.name}-times-{times}")
        stamps *= times
        if not archive.exists():
            repeat(drawn, times, archive)
    megabytes = sum(path.stat().st_size for path in archive.rglob("*") if path.is_file()) / 1e6
    outcomes = {processes: [] for processes in core_counts}
    for _ in range(repeats):  # in turn, so that a change of the machine's speed hits both
        for processes, outcome in outcomes.items():
            arguments = (survey, section, config["stamps"]["size_pixels"], archive, processes)
            outcome.append(in_fresh_process(measure, *arguments))
    for processes, outcome in outcomes.items():
        medians = [statistics.median(values) for values in zip(*outcome, strict=True)]
        print_line(survey, stamps, megabytes, drawing, processes, *medians)


def print_line(survey, stamps, megabytes, drawing, processes, seconds, processor, own, together):
    """Print one line of the table."""
    whole = PUBLISHED[survey] / stamps / 60
    cells = (
        *(survey, stamps, f"{megabytes:.0f}", drawing, processes),
        *(f"{stamps / seconds:.0f}", f"{1000 * processor / stamps:.3f}", f"{own:.0f}", f"{together:.0f}"),
        *(f"{whole * seconds:.1f}", f"{whole * processor / processes:.1f}"),
    )
    print(f"| {' | '.join(map(str, cells))} |", flush=True)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--stamps", type=int, default=5000, help="triplets drawn per survey")
    parser.add_argument("--times", type=int, default=1, help="repeats of the drawn triplets of HiTS and DES")
    parser.add_argument("--surveys", nargs="+", choices=PUBLISHED, default=list(PUBLISHED))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--archives", type=Path, help="folder in which the archives are kept")
    arguments = parser.parse_args()
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    cores = cpu_count()
    print(f"{platform.processor() or platform.machine()}, {cores} cores")
    print(f"| {' | '.join(HEADER)} |\n{'|---' * len(HEADER)}|")
    with tempfile.TemporaryDirectory() as temporary:
        archives = arguments.archives or Path(temporary)
        archives.mkdir(parents=True, exist_ok=True)
        for survey in arguments.surveys:
            benchmark(
                survey,
                config,
                archives,
                stamps=arguments.stamps,
                times=arguments.times,
                repeats=arguments.repeats,
                core_counts=sorted({1, cores}),
            )


if __name__ == "__main__":
    main()
