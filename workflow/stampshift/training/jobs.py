"""The training jobs of the workflow: from input files to the runs' files among the results."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from stampshift.config.experiment import BASELINE, Run
from stampshift.core.files import read_json, write_json
from stampshift.networks import MAIN_NETWORK
from stampshift.training.cohort import train_cohort
from stampshift.training.device import choose_device, set_up_process
from stampshift.training.execute import describe, score_test_parts
from stampshift.training.lambda_search import search_record
from stampshift.training.model import Model
from stampshift.training.plan import Plan
from stampshift.training.run_folder import copy_run, read_metrics, write_run
from stampshift.training.store import Store

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """How and where a job's cohort is executed; none of it changes a result."""

    results: Path  # where the runs' folders and the store of finished runs are
    device: str  # "auto", "cpu" or "cuda"
    threads: int  # runs trained at the same time on a CPU
    checkpoint_epochs: int  # epochs between two checkpoints
    log_file: Path  # that worker processes append to

    @cached_property
    def torch_device(self) -> torch.device:
        """The device chosen; the choice is logged once."""
        return choose_device(self.device)

    @property
    def store(self) -> Store:
        """Store of finished runs."""
        return Store(self.results / "store")

    def record(self, plan: Plan) -> Path:
        """Folder of a finished plan's files in the store."""
        return self.store.record(plan.key(self.torch_device))

    def execute(self, plans: Sequence[Plan]) -> None:
        """Finish every plan."""
        train_cohort(
            plans,
            store=self.store,
            device=self.torch_device,
            threads=self.threads,
            checkpoint_epochs=self.checkpoint_epochs,
            log_file=self.log_file,
        )

    def execute_and_publish(self, plans: Sequence[Plan]) -> None:
        """Finish every plan and copy its files to its folder among the results."""
        self.execute(plans)
        for plan in plans:
            copy_run(self.record(plan), self.results / plan.folder)


def train_baselines(
    job: Job,
    *,
    source: str,
    seeds: Sequence[int],
    stamps: Path,
    splits: Sequence[Path],
    training: Mapping[str, Any],
) -> None:
    """Train the baselines of a source, one per seed; `splits` go with `seeds`."""
    job.execute_and_publish(
        [
            _plan(
                Run(BASELINE, source, None, 0, seed),
                method=BASELINE,
                stamps=(stamps,),
                splits=(split,),
                baseline=None,
                options={},
                training=training,
                validation_shots=0,
            )
            for seed, split in zip(seeds, splits, strict=True)
        ]
    )


def adapt(
    job: Job,
    *,
    name: str,
    method: str,
    source: str,
    target: str,
    shots: int,
    seeds: Sequence[int],
    stamps: tuple[Path, Path],
    splits: Sequence[tuple[Path, Path]],
    baselines: Sequence[Path],
    options: Mapping[str, Any],
    entropy_weight_files: Sequence[Path],
    training: Mapping[str, Any],
    validation_shots: int,
) -> None:
    """Adapt the baselines of a source to a target, one run per seed.

    `name` is that of the runs, `method` the one that trains them: the same, or the one that `name` is a
    variant of. `stamps` and each of `splits` are those of source and target; `splits` and `baselines` go with
    `seeds`; `entropy_weight_files` holds the pair's lambda file, or nothing where no weight is chosen.
    """
    weights = [read_json(path)["chosen"] for path in entropy_weight_files]
    chosen = {"entropy_weight": weights[0]} if weights else {}
    job.execute_and_publish(
        [
            _plan(
                Run(name, source, target, shots, seed),
                method=method,
                stamps=stamps,
                splits=split,
                baseline=baseline,
                options={**options, **chosen},
                training=training,
                validation_shots=validation_shots,
            )
            for seed, split, baseline in zip(seeds, splits, baselines, strict=True)
        ]
    )


def search_entropy_weight(
    job: Job,
    *,
    name: str,
    method: str,
    source: str,
    target: str,
    shots: Sequence[int],
    stamps: tuple[Path, Path],
    splits: tuple[Path, Path],
    baseline: Path,
    options: Mapping[str, Any],
    search: Mapping[str, Any],
    training: Mapping[str, Any],
    validation_shots: int,
    output: Path,
) -> None:
    """Train a method with every entropy weight of a search's grid and every number of shots, and choose.

    `name` and `method` are as for `adapt`; `options` hold no entropy weight. The choice sees validation
    stamps alone. The runs stay in the store, where those with the chosen weight serve the experiment itself.
    """
    plans = [
        _plan(
            Run(name, source, target, per_class, search["seed"]),
            method=method,
            stamps=stamps,
            splits=splits,
            baseline=baseline,
            options={**options, "entropy_weight": float(weight)},
            training=training,
            validation_shots=validation_shots,
        )
        for weight in search["grid"]
        for per_class in shots
    ]
    job.execute(plans)
    metrics = [read_metrics(job.record(plan)) for plan in plans]
    record = search_record(source, target, seed=search["seed"], metrics=metrics)
    log.info("%s to %s: entropy weight %g", source, target, record["chosen"])
    write_json(output, record)


def transfer_baselines(
    job: Job,
    *,
    source: str,
    target: str,
    seeds: Sequence[int],
    stamps: Path,
    splits: Sequence[Path],
    models: Sequence[Path],
    metrics: Sequence[Path],
) -> None:
    """Score the target's test parts with the baselines of a source; all sequences go with `seeds`."""
    set_up_process()
    device = job.torch_device
    for seed, split, model, baseline in zip(seeds, splits, models, metrics, strict=True):
        run = Run(BASELINE, source, target, 0, seed)
        predictions = score_test_parts(
            Model.open(model), stamps={target: stamps}, splits={target: split}, labels={}, device=device
        )
        record = read_metrics(baseline.parent) | describe(run, predictions, device=device)
        write_run(job.results / run.folder, predictions=predictions, metrics=record)


def _plan(run: Run, *, stamps: Sequence[Path], splits: Sequence[Path], **decisions: Any) -> Plan:
    """Plan of the study across surveys; `stamps` and `splits` are those of the source and of any target."""
    surveys = [run.source] if run.target is None else [run.source, run.target]
    return Plan(
        run=run,
        folder=run.folder,
        network=MAIN_NETWORK,
        stamps=dict(zip(surveys, stamps, strict=True)),
        splits=dict(zip(surveys, splits, strict=True)),
        labels=None,
        **decisions,
    )
