"""The training jobs of the study across surveys: from input files to the runs' files among the results."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from stampshift.config.experiment import BASELINE, Run
from stampshift.core.files import read_json, write_json
from stampshift.methods.method import Options
from stampshift.stamps.file import verify_stamps
from stampshift.training.cohort import train_and_publish, train_cohort
from stampshift.training.data import SurveyFiles
from stampshift.training.device import set_up_process
from stampshift.training.execute import Job, Plan, describe, score_test_parts
from stampshift.training.lambda_search import search_record
from stampshift.training.model import Model
from stampshift.training.run_folder import read_metrics, write_run

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Neighbour:
    """Another target of a source, whose runs a job trains ahead, for that target's own job to find."""

    target: str
    stamps: Path
    splits: Sequence[Path]  # one for each seed
    entropy_weight_files: Sequence[Path]  # as for `adapt`


@dataclass(frozen=True)
class Cohort:
    """What all runs of one name from a source, to a target if they are adaptations, share."""

    name: str  # of the runs
    method: str  # that trains them: the same, or the one that `name` is a variant of
    network: str
    source: str
    target: str | None
    surveys: Sequence[str]  # of the source
    stamps: Mapping[str, Path]  # by survey, of the source's and of the target
    options: Options  # of the method, without an entropy weight that is chosen
    training: Options
    validation_shots: int
    precision: str

    def plan(
        self,
        *,
        shots: int,
        seed: int,
        splits: Mapping[str, Path],
        baseline: Path | None,
        weight: float | None,
    ) -> Plan:
        """Plan of one run, with the splits of every survey and any chosen entropy weight.

        An adaptation with 0 shots trains on the source's labels and chooses its epoch on the source's
        validation part: no label of the target is used.
        """
        run = Run(self.name, self.source, self.target, shots, seed)
        no_label = {"labelled": ["source"]} if "labelled" in self.options and shots == 0 else {}
        return Plan(
            run=run,
            folder=run.folder,
            method=self.method,
            network=self.network,
            files={
                survey: SurveyFiles(stamps, splits[survey], None) for survey, stamps in self.stamps.items()
            },
            baseline=baseline,
            options={**self.options, **no_label, **({} if weight is None else {"entropy_weight": weight})},
            training=self.training,
            validation_shots=self.validation_shots if shots else 0,
            precision=self.precision,
            surveys=tuple(self.surveys) if len(self.surveys) > 1 else None,
        )

    def towards(self, neighbour: Neighbour) -> "Cohort":
        """The cohort of another target."""
        source = {survey: self.stamps[survey] for survey in self.surveys}
        return replace(self, target=neighbour.target, stamps={**source, neighbour.target: neighbour.stamps})


def train_baselines(
    job: Job,
    *,
    network: str,
    source: str,
    seeds: Sequence[int],
    stamps: Mapping[str, Path],
    splits: Sequence[Mapping[str, Path]],
    training: Options,
    precision: str,
    folder: str | None = None,
) -> None:
    """Train the baselines of a source, one per seed; stamps, and `splits` of each seed, are by its survey.

    Those of another network than the study's are below `folder`; they have the draws of the study's.
    """
    surveys = list(stamps)
    cohort = Cohort(BASELINE, BASELINE, network, source, None, surveys, stamps, {}, training, 0, precision)
    plans = [
        cohort.plan(shots=0, seed=seed, splits=split, baseline=None, weight=None)
        for seed, split in zip(seeds, splits, strict=True)
    ]
    if folder is not None:
        plans = [replace(plan, folder=f"{folder}/{source}/seed-{plan.run.seed}") for plan in plans]
    train_and_publish(plans, job)


def adapt(
    job: Job,
    cohort: Cohort,
    *,
    shots: Sequence[int],
    seeds: Sequence[int],
    splits: Sequence[Mapping[str, Path]],
    baselines: Sequence[Path],
    entropy_weight_files: Sequence[Path],
    weight_without_labels: float | None,
    neighbours: Sequence[Neighbour] = (),
) -> None:
    """Adapt the baselines of a source to a target, one run per number of shots and seed.

    `splits`, by survey, and `baselines` go with `seeds`; `entropy_weight_files` holds the
    pair's lambda file, or nothing where no weight is chosen. With 0 shots the weight is the one without
    labels, if there is one: that of the pair was chosen by labels of the target. The runs of the
    `neighbours` train beside these (`train_cohort`).
    """

    def plans(
        of: Cohort, own_splits: Sequence[Mapping[str, Path]], weight_files: Sequence[Path]
    ) -> list[Plan]:
        chosen = next((read_json(path)["chosen"] for path in weight_files), None)
        return [
            of.plan(
                shots=per_class,
                seed=seed,
                splits=split,
                baseline=baseline,
                weight=chosen if per_class else weight_without_labels,
            )
            for per_class in shots
            for seed, split, baseline in zip(seeds, own_splits, baselines, strict=True)
        ]

    ahead = [
        plan
        for each in neighbours
        for plan in plans(cohort.towards(each), _towards(each, splits), each.entropy_weight_files)
    ]
    train_and_publish(plans(cohort, splits, entropy_weight_files), job, ahead=ahead)


def _towards(neighbour: Neighbour, splits: Sequence[Mapping[str, Path]]) -> list[dict[str, Path]]:
    """Splits by survey, those of another target among them."""
    return [{**own, neighbour.target: other} for own, other in zip(splits, neighbour.splits, strict=True)]


def search_entropy_weight(
    job: Job,
    cohort: Cohort,
    *,
    shots: Sequence[int],
    splits: Mapping[str, Path],
    baseline: Path,
    search: Options,
    output: Path,
    neighbours: Sequence[Neighbour] = (),
) -> None:
    """Train a method with every entropy weight of a search's grid and every number of shots, and choose.

    The choice sees validation stamps alone. The runs stay in the store, where those with the chosen weight
    serve the experiment itself. The runs of the `neighbours` train beside these (`train_cohort`).
    """
    seed, grid = search["seed"], [float(weight) for weight in search["grid"]]

    def searched(of: Cohort, own_splits: Mapping[str, Path]) -> list[Plan]:
        return [
            of.plan(shots=per_class, seed=seed, splits=own_splits, baseline=baseline, weight=weight)
            for weight in grid
            for per_class in shots
        ]

    plans = searched(cohort, splits)
    ahead = [
        plan
        for each in neighbours
        for own_splits in _towards(each, [splits])
        for plan in searched(cohort.towards(each), own_splits)
    ]
    train_cohort(plans, job, ahead=ahead)
    metrics = [read_metrics(job.record(plan)) for plan in plans]
    record = search_record(metrics)
    log.info("%s to %s: entropy weight %g", cohort.source, cohort.target, record["chosen"])
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
    verify_stamps(stamps)
    for seed, split, model, baseline in zip(seeds, splits, models, metrics, strict=True):
        run = Run(BASELINE, source, target, 0, seed)
        files = {target: SurveyFiles(stamps, split, None)}
        predictions = score_test_parts(Model.open(model), files, device=job.device)
        record = read_metrics(baseline.parent) | describe(run, predictions, device=job.device)
        record.pop("kept", None)  # of the source: the baseline's other weights are gone
        write_run(job.results / run.folder, predictions=predictions, metrics=record)
