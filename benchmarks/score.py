"""Candidates per second and core that `stampshift score` scores from end to end, and where the time goes.

    stampshift export results/demo/baseline/HiTS/seed-0 --output released
    python benchmarks/score.py released

The packets are synthetic, like ZTF's and Rubin's, as in packets.py, one container of each; a stamps file
has as many random stamps as --stamps says. Parts are microseconds of the processor per candidate, unit by
unit as `score` works: reading the file, decoding packets into images, preparing them for the network, and
the network with its checks. The rest of what `stampshift score` takes in one process is opening the model,
the table of scores, its parts on disk and the scores file. With --processes N the rate by the clock is
measured too, in N processes.
"""

import argparse
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np

from packets import made_by_hand, write
from stampshift import alerts
from stampshift.release.preparing import prepare
from stampshift.release.released import ReleasedModel
from stampshift.scoring.score import score, score_units
from stampshift.scoring.units import StampRows, open_stamps
from stampshift.stamps.file import REAL
from stampshift.stamps.writer import stamps_writer

HEADER = "| input | candidates | read | decode | prepare | network | rest | candidates/s per core |"
QUIET = {"schemas": None, "survey": None, "threshold": 0.5, "overwrite": True, "progress": False}
QUIET |= {"unit_minutes": 10}


def processor_seconds(work, rounds):
    """The least of several rounds, since others' load only ever adds; and what the last returned."""
    taken = []
    for _ in range(rounds):
        begin = time.process_time()
        result = work()
        taken.append(time.process_time() - begin)
    return min(taken), result


def random_stamps(path, *, count, contract):
    generator = np.random.default_rng(0)
    size = contract.size_pixels
    with stamps_writer(path, survey=contract.home, size_pixels=size) as writer:
        for start in range(0, count, 1000):
            ids = [f"candidate-{number}" for number in range(start, min(start + 1000, count))]
            writer.append(
                generator.standard_normal((len(ids), 3, size, size), dtype=np.float32),
                labels=np.full(len(ids), REAL, np.uint8),
                classes=["real"] * len(ids),
                ids=ids,
                groups=ids,
            )
        writer.describe({"normalisation": contract.normalisation, "counts": {}, "origin": {}})
    return path


def pieces(path, release):
    """Processor seconds of reading, decoding, preparing and of the network, unit by unit as `score` works."""
    begin, taken = time.process_time(), np.zeros(4)
    stamps_file = path.suffix == ".h5"
    sizes = {path: len(open_stamps(path))} if stamps_file else {}
    units = score_units([] if stamps_file else [path], sizes, schemas=None)
    while unit := next(units, None):
        read = time.process_time()
        if isinstance(unit, StampRows):
            stamps = np.array(open_stamps(unit.path).stamps[unit.start : unit.stop])
            decoded = prepared = time.process_time()
        else:
            found = list(alerts.decode(unit))
            decoded = time.process_time()
            stamps = prepare(found, contract=release.contract, survey=None)[1]
            prepared = time.process_time()
        release.score_stamps(stamps)
        end = time.process_time()
        taken += read - begin, decoded - read, prepared - decoded, end - prepared
        begin = end
    return taken


def line(name, path, *, release, rounds, processes, folder):
    whole = partial(score, release.folder, [path], output=folder / "scores.parquet", **QUIET)
    total, scored = processor_seconds(lambda: whole(processes=1), rounds)
    parts = np.min([pieces(path, release) for _ in range(rounds)], axis=0)
    cells = [f"{1e6 * each / scored.lines:.0f}" for each in (*parts, total - parts.sum())]
    print(f"| {name} | {scored.lines} | {' | '.join(cells)} | {scored.lines / total:.0f} |", flush=True)
    if processes:
        rates = [scored.lines / whole(processes=processes).seconds for _ in range(rounds)]
        print(
            f"| {name}, {processes} processes by the clock | {scored.lines} ||||||{max(rates):.0f} in all |"
        )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("release", type=Path, help="folder of a released model")
    parser.add_argument("--count", type=int, default=2000, help="packets of each form")
    parser.add_argument("--stamps", type=int, default=200_000, help="stamps of the stamps file")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--processes", type=int)
    arguments = parser.parse_args()
    release = ReleasedModel.open(arguments.release)
    print(HEADER)
    print("|---" * (HEADER.count("|") - 1) + "|")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        measured = partial(
            line, release=release, rounds=arguments.rounds, processes=arguments.processes, folder=folder
        )
        for survey, history in (("ZTF", 30), ("Rubin", 100), ("Rubin", 700)):
            packets = folder / f"{survey}-{history}"
            packets.mkdir()
            schema, alike = made_by_hand(survey, history, arguments.count)
            files = dict(write(schema, alike, packets))
            measured(f"packets of {survey}'s form, history of {history}", files["one container"])
        stamps = random_stamps(folder / "stamps.h5", count=arguments.stamps, contract=release.contract)
        measured(f"stamps file, {release.contract.size_pixels} pixels", stamps)


if __name__ == "__main__":
    main()
