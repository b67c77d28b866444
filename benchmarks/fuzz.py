"""Every command on damaged copies of every kind of file that it reads, in bounded memory and time.

    python benchmarks/fuzz.py [COMMAND ...] [--copies 100] [--seed 1] [--folder fuzz]

The cases are those of ``tests/unit/test_damaged_files.py``, of which the suite runs a few copies each: wrong
bytes, and files that can be read but hold other things than they should. Wrong is a traceback, a crash, more
than 1 GB of memory, no end, an exit status or half-written output that is not documented, an error that does
not name the file, and a packet without a line. A copy depends on the seed, its case and its number alone.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

from stampshift.simulation import read_constants, simulate_survey

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from damaged_cases import ARCHIVES, ENVIRONMENT, write_archive, write_cases  # noqa: E402 - a module of the tests


def simulate(survey, **options):
    constants = read_constants(survey)
    simulate_survey(survey, seed=7, constants=constants, processes=1, **options)


def run(cases, folder):
    """How the command of each copy of each case ended, as it ends."""
    (folder / "cases.json").write_text(json.dumps(cases))
    path = os.pathsep.join([str(ROOT / "tests"), str(ROOT / "workflow")])
    with subprocess.Popen(
        [sys.executable, ROOT / "tests" / "damaged_runs.py", folder / "cases.json"],
        env=os.environ | ENVIRONMENT | {"PYTHONPATH": path}, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        yield from map(json.loads, process.stdout)
    assert process.returncode == 0


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("commands", nargs="*", metavar="COMMAND", help="all of them if none is given")
    parser.add_argument("--copies", type=int, default=100, help="of each file")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=Path("fuzz"))
    arguments = parser.parse_args()
    shutil.rmtree(arguments.folder, ignore_errors=True)
    folder = arguments.folder.resolve()
    folder.mkdir(parents=True)
    archives = {name: write_archive(name, folder / f"of-{name}", simulate) for name in ARCHIVES}
    cases = write_cases(folder, archives, copies=lambda _: arguments.copies, seed=arguments.seed)
    chosen = [case for case in cases if case["arguments"][0] in (arguments.commands or case["arguments"])]
    ends, faults = Counter(), Counter()
    for end in run(chosen, folder):
        ends[end["command"]] += end["copy"] >= 0
        if end["fault"]:
            faults[end["command"]] += 1
            print(f"{end['name']}, copy {end['copy']}: {end['fault']}\n", flush=True)
    for command, copies in ends.items():
        print(f"{command}: {copies} copies, {faults[command]} faults")


if __name__ == "__main__":
    main()
