"""The trainings behind each job, and how many epochs early stopping will let them run.

A job's trainings show in the files that it makes: models of runs, and weights that are searched.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from statistics import mean
from typing import Any

from stampshift.config.experiment import BASELINE, Pair, Run
from stampshift.methods import METHODS
from stampshift.planning.dry_run import PlannedWorkflow
from stampshift.training.precision import FLOAT32
from stampshift.training.run_folder import METRICS, MODEL, read_metrics

ASSUMED_WEIGHT = 0.1  # where the weight is searched; any but 0 costs the same
# best epoch, in units of the patience: about what the trainings on simulated surveys took
ASSUMED_BEST_OF_BASELINE, ASSUMED_BEST = 2.0, 0.5
UNBOUNDED = 5  # times the patience: the end of the range where no max_epochs ends a training
Finished = Mapping[tuple[str, str], Sequence[int]]  # epochs of finished runs, by method and network


@dataclass(frozen=True)
class Recipe:
    """What decides the speed of a training."""

    name: str  # method, variant or network of the second study
    method: str  # module of `stampshift.methods`
    network: str
    size_pixels: int
    options: Mapping[str, Any]  # of the method
    training: Mapping[str, Any]  # section of the configuration
    precision: str = FLOAT32


@dataclass(frozen=True)
class Training:
    """One training of a job, `reused` if the job takes the run over from the lambda search."""

    recipe: Recipe
    epoch_stamps: float  # labelled, of an epoch
    validation_stamps: float  # scored after each epoch
    test_stamps: float  # scored at its end
    reused: bool = False


def trainings_by_job(workflow: PlannedWorkflow) -> list[list[Training]]:
    """Trainings of each of the workflow's jobs."""
    experiment = workflow.experiment
    runs = {run.folder: run for run in (*experiment.baseline_runs(), *experiment.adaptations())}
    return [
        [part for path in workflow.result_files(job) for part in _trainings_of(path, runs, workflow)]
        for job in workflow.jobs
    ]


def _trainings_of(path: PurePath, runs: Mapping[str, Run], workflow: PlannedWorkflow) -> list[Training]:
    """Trainings behind a file among the results."""
    run, experiment = runs.get(path.parent.as_posix()), workflow.experiment
    if path.parts[0] == "lambda" and path.suffix == ".json":  # of a pair, or of a variant and a pair
        name = path.parts[1] if len(path.parts) == 3 else "mme"
        search = experiment.sections[name].search or {}
        weights = search["grid"] if search.get("choice") == "search" else ()
        labelled = len([shots for shots in experiment.shots if shots])
        return [_adaptation(workflow, name, *path.stem.split("-to-"))] * len(weights) * labelled
    if path.name == MODEL and path.parts[0] == "des_study":
        return [_of_second_study(workflow, path)]
    if path.name == MODEL and run and run.target:
        search = experiment.sections[run.method].search or {}
        training = _adaptation(workflow, run.method, run.source, run.target)
        if run.shots == 0:  # the source's validation part chooses the epoch, and no search its weight
            surveys = experiment.surveys_of(run.source)
            validated = workflow.count(*surveys) * workflow.config["splits"]["fractions"]["validation"]
            return [replace(training, validation_stamps=validated)]
        reused = search.get("choice") == "search" and search["seed"] == run.seed
        return [replace(training, reused=reused)]
    if path.name == MODEL and run:
        return [_baseline(workflow, BASELINE, workflow.config["network"], run.source)]
    if path.name == MODEL and path.parts[0] == "networks":
        _, network, source, *_ = path.parts
        return [_baseline(workflow, f"{BASELINE}, {network}", network, source)]
    return []


def _baseline(workflow: PlannedWorkflow, name: str, network: str, source: str) -> Training:
    config = workflow.config
    size, precision = config["stamps"]["size_pixels"], config["execution"]["precision"]
    recipe = Recipe(name, BASELINE, network, size, {}, config["training"], precision)
    surveys = workflow.experiment.surveys_of(source)
    return _on_labels(workflow, recipe, surveys, config["splits"]["fractions"])


def _adaptation(workflow: PlannedWorkflow, name: str, source: str, target: str) -> Training:
    config, section = workflow.config, workflow.experiment.sections[name]
    size, splits, training = config["stamps"]["size_pixels"], config["splits"], config["training"]
    options = {**section.options, **({"entropy_weight": ASSUMED_WEIGHT} if section.weights_of else {})}
    precision = config["execution"]["precision"]
    method, network = METHODS[section.method](options), config["network"]
    recipe = Recipe(name, section.method, network, size, options, method.section(training), precision)
    surveys = workflow.experiment.surveys_in(Pair(source, target))
    tested = workflow.count(*surveys) * splits["fractions"]["test"]
    epoch = method.epoch_stamps(training["epoch_size"])
    return Training(recipe, epoch, 2 * splits["validation_shots"], tested)


def _of_second_study(workflow: PlannedWorkflow, path: PurePath) -> Training:
    """Training of ``des_study/<part>/.../<network>/model.pt``, on one of its folds, or on the new survey."""
    study, part = workflow.config["des_study"], path.parts[1]
    own, search, method, network = study, study["search"], BASELINE, study["search"]["network"]
    if part == "new-survey":
        own, method = study["new_survey"], "further"
        shares = own["fractions"]
    elif part == "search":
        network = path.parts[2]
        others, validation = 1 - 1 / search["folds"], search["validation"]
        shares = {"train": others * (1 - validation), "validation": others * validation, "test": 1 - others}
    else:
        network, shares = path.parent.name, study["fractions"][part]
    name = network if method == BASELINE else method
    precision = workflow.config["execution"]["precision"]
    recipe = Recipe(name, method, network, study["size_pixels"], {}, own["training"], precision)
    return _on_labels(workflow, recipe, [own["survey"]], shares)


def _on_labels(
    workflow: PlannedWorkflow, recipe: Recipe, surveys: Sequence[str], shares: Mapping[str, float]
) -> Training:
    count = workflow.count(*surveys)
    epoch = recipe.training["epoch_size"] or count * shares["train"]
    return Training(recipe, epoch, count * shares["validation"], count * shares["test"])


def read_finished(results: Path) -> Finished:
    """Finished runs in the results' store; empty where there are none."""
    found = defaultdict(list)
    for path in sorted(results.glob(f"store/*/*/{METRICS}")):
        metrics = read_metrics(path.parent, needed=("trained_by", "network", "epochs"))
        found[metrics["trained_by"], metrics["network"]].append(metrics["epochs"])
    return dict(found)


def expected_epochs(recipe: Recipe, finished: Finished) -> dict[str, float]:
    """Epochs of a training by scenario, and the number of ``finished`` runs that say so: 0 if assumed.

    No more are expected than the configuration allows. Without finished runs of the method, the best epoch is
    assumed to come after twice the patience in a baseline and after half of it in an adaptation.
    """
    patience, most = recipe.training["patience_epochs"], recipe.training["max_epochs"]
    runs = finished.get((recipe.method, recipe.network), ())
    best = patience * (ASSUMED_BEST_OF_BASELINE if recipe.method == BASELINE else ASSUMED_BEST)
    expected = mean(min(epochs, most or epochs) for epochs in runs or [max(1.0, best) + patience])
    low, high = min(patience + 1, most or math.inf, expected), max(most or UNBOUNDED * patience, expected)
    return {"low": low, "expected": expected, "high": high, "finished": len(runs)}
