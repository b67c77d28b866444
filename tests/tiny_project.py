"""A copy of the project in which a tiny experiment can run."""

import os
import re
import shutil
import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import yaml

from snakemake_server import run_snakemake

ROOT = Path(__file__).parents[1]
TINY = {
    "surveys": {
        name: {"origin": "simulate", "simulate": {"stamps": 150, "seed": seed}}
        for seed, name in enumerate(("HiTS", "DES", "ATLAS", "ZTF"))
    },
    "pairs": ["HiTS-to-ATLAS", "ATLAS-to-HiTS"],
    "splits": {"seeds": [0, 1], "shots": [1, 3], "validation_shots": 2},
    "methods": {"mme": {"entropy_weight": {"grid": [0.1, 0.5]}}},
    "training": {"epoch_size": 100, "patience_epochs": 2, "max_epochs": 2},
    "diagnostics": {"pairs": ["HiTS-to-ATLAS"], "features_per_survey": 20},
    "execution": {"threads": 1, "preprocessing_threads": 2},
}

# what may be trained beside the methods of `TINY`
VARIANTS = {
    "scratch": {},
    "mme_two": {"variant_of": "mme", "label": "MME in two steps", "steps": "two"},
    "mme_zero": {"variant_of": "mme", "label": "MME without entropy", "entropy_weight": 0},
    "mme_own": {
        "variant_of": "mme",
        "label": "MME with a weight of its own",
        "head": "copied",
        "entropy_weight": {"choice": "search", "grid": [0.2], "seed": 0},
    },
}

# of `des_study.new_survey`, but for its training: a survey that simulated raters label
VOTED = {
    "survey": "DECAT",
    "votes": {
        "origin": "simulate",
        "simulate": {"raters": 4, "votes_per_candidate": 3, "error_rate": 0.1, "seed": 0},
    },
    "min_votes": 3,
    "margin": 2,
    "fractions": {"train": 0.5, "validation": 0.1, "test": 0.4, "reserve": 0.0},
}


def with_change(*place: str, value: object) -> dict:
    """The tiny experiment with another value at a place of its configuration."""
    config = deepcopy(TINY)
    section = config
    for key in place[:-1]:
        section = section.setdefault(key, {})
    section[place[-1]] = value
    return config


def with_variants(*names: str, **changes: object) -> dict:
    """The tiny experiment with some of `VARIANTS`, and with other sections."""
    methods = {**deepcopy(TINY["methods"]), **{name: VARIANTS[name] for name in names}}
    return {**deepcopy(TINY), "methods": methods, **changes}


class Project:
    """A checkout that tests may edit, and Snakemake in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def start(self, *arguments: str, program: str = "-msnakemake", **options) -> subprocess.Popen:
        """Snakemake in a process of its own; `program` is what Python runs."""
        return subprocess.Popen(
            [sys.executable, program, *self._arguments(*arguments, **options)],
            cwd=self.folder, env=self._environment(),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def snakemake(
        self, *arguments: str, program: str | None = None, **options
    ) -> subprocess.CompletedProcess:
        """Snakemake until it ends, in a process of its own if another program is to run it."""
        if program is None:
            return run_snakemake(
                self._arguments(*arguments, **options), folder=self.folder, environment=self._environment()
            )
        with self.start(*arguments, program=program, **options) as process:
            output, errors = process.communicate()
        return subprocess.CompletedProcess(process.args, process.returncode, output, errors)

    def run(self, *arguments: str, **options) -> str:
        done = self.snakemake(*arguments, **options)
        assert done.returncode == 0, done.stderr[-5000:]
        return done.stderr

    def jobs(self, *arguments: str, **options) -> dict[str, int]:
        """Number of jobs by rule that a run would execute."""
        done = self.snakemake("--dry-run", *arguments, **options)
        assert done.returncode == 0, done.stderr[-5000:]
        printed = done.stdout + done.stderr
        if "Nothing to be done" in printed:
            return {}
        table = printed.partition("Job stats:")[2].partition("total")[0]
        return {name: int(count) for name, count in re.findall(r"^(\w+) +(\d+)$", table, re.MULTILINE)}

    def _arguments(self, *arguments: str, config: dict | None = None, cores: int = 2) -> list[str]:
        (self.folder / "tiny.yaml").write_text(yaml.safe_dump(config or TINY))
        return ["--cores", str(cores), "--scheduler", "greedy", *arguments, "--configfile", "tiny.yaml"]

    def _environment(self) -> dict[str, str]:
        """The copy's package goes before the installed one."""
        return os.environ | {"PYTHONPATH": str(self.folder / "workflow")}

    def contents(self, pattern: str) -> dict[str, bytes]:
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in self.folder.glob(pattern)}


def copy_of_the_project(folder: Path) -> Project:
    for name in ("workflow", "resources", "envs"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "raw"))
    for name in ("Snakefile", "config.yaml"):
        shutil.copy(ROOT / name, folder / name)
    return Project(folder)
