"""Whether twenty labels help in the tutorial, with other seeds than its own.

    python benchmarks/tutorial.py --seeds 0 1 2 3 4

For every seed all commands of docs/tutorial.md run in a copy of the project, on other simulated stamps to
start from and other nights, so that other alerts get the twenty labels. A line per seed and start (a small
classifier of HiTS, the model of the package) has what the page prints: balanced accuracy of the night, before
and after, and what `adapt` promised. Then means and standard deviations over seeds, and the processor's time.
"""

import argparse
import os
import re
import resource
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

ROOT = Path(__file__).parents[1]
PAGE, START = Path("docs/tutorial.md"), Path("workflow/profiles/tutorial/experiment.yaml")
SERVES = "stampshift review "  # until Ctrl-C: the answers come from the simulator
LINE = re.compile(r"^(not adapted|adapted|promised), \d+ \w+ +([\d.]+)", re.MULTILINE)
LABELS = re.compile(r"labels +real (\d+), bogus (\d+)")


def with_other_seeds(folder, seed):
    """A copy of the project whose start and nights have seeds of their own."""
    for name in ("workflow", "envs", "docs"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Snakefile", "config.yaml"):
        shutil.copy(ROOT / name, folder / name)
    numbers = iter(range(100 * (seed + 1), 100 * (seed + 2)))
    for path, pattern in ((folder / START, r"(seed: )\d+"), (folder / PAGE, r"(--seed )\d+")):
        path.write_text(re.sub(pattern, lambda found: f"{found[1]}{next(numbers)}", path.read_text()))


def commands_of(folder):
    """The page's commands, one after the other."""
    blocks = re.findall(r"```bash\n(.*?)```", (folder / PAGE).read_text(), re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    return [line for line in lines if not line.startswith(("export", SERVES))]


def printed_by(command, folder):
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euc", command], cwd=folder, stdout=subprocess.PIPE, text=True, check=True,
        env=os.environ | {"PYTHONPATH": str(folder / "workflow"), "PATH": path},
    )  # fmt: skip
    return done.stdout


def processor_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def walked(seed):
    """What the page prints with other seeds, a line for each model that it starts from."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        with_other_seeds(folder, seed)
        printed = {command: printed_by(command, folder) for command in commands_of(folder)}
    real, bogus = LABELS.findall("".join(printed.values()))[-1]
    adapted, ends = (
        {command: text for command, text in printed.items() if command.startswith(start)}
        for start in ("stampshift adapt ", "python docs/tutorial/before_and_after.py")
    )
    return [
        {
            "start": command.split()[2],
            "seed": seed,
            "labels (real, bogus)": f"{real}, {bogus}",
            **{name: float(accuracy) for name, accuracy in LINE.findall(end)},
            "model": "as it was" if "The model stays as it was" in text else "adapted",
        }
        for (command, text), end in zip(adapted.items(), ends.values(), strict=True)
    ]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    begin = processor_seconds()
    lines = []
    for seed in (seeds := parser.parse_args().seeds):
        lines += walked(seed)
        print(pd.DataFrame(lines[-2:]).to_string(index=False), flush=True)
    table = pd.DataFrame(lines).sort_values(["start", "seed"])
    print(table.to_markdown(index=False, floatfmt=".3f"))
    table["gain"] = table["adapted"] - table["not adapted"]
    means = table.groupby("start")[["not adapted", "adapted", "promised", "gain"]].agg(["mean", "std"])
    print(means.T.to_markdown(floatfmt=".3f"))
    print(f"processor: {(processor_seconds() - begin) / len(seeds):.0f} s per seed")


if __name__ == "__main__":
    main()
