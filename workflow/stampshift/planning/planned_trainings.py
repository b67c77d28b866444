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

from stampshift.config.experiment import BASELINE
from stampshift.networks import MAIN_NETWORK
from stampshift.planning.dry_run import PlannedWorkflow
from stampshift.training.run_folder import METRICS, MODEL, read_metrics

SEARCH, ADAPTATION, SECOND_STUDY, FURTHER = "lambda search", "adaptation", "second study", "further"
ASSUMED_WEIGHT = 0.1  # where the weight is searched; any but 0 costs the same
# best epoch, in units of the patience: about what the trainings on simulated surveys took
ASSUMED_BEST = {BASELINE: 2.0}
ASSUMED_BEST_OF_ADAPTATION = 0.5
UNBOUNDED = 5  # times the patience: the end of the range where no max_epochs ends a training
NEEDED = ("trained_by", "network", "best_epoch", "validation_balanced_accuracy")
# by method and network: best epoch, and whether the validation was perfect, so that no patience is spent
Finished = Mapping[tuple[str, str], Sequence[tuple[float, bool]]]


@dataclass(frozen=True)
class Recipe:
    """What decides the speed of a training."""

    name: str  # method, variant or network of the second study
    method: str  # module of `stampshift.methods`
    network: str
    size_pixels: int
    options: Mapping[str, Any]  # of the method
    training: Mapping[str, Any]  # section of the configuration


@dataclass(frozen=True)
class Training:
    """One training of a job, `reused` if the job takes the run over from the lambda search."""

    kind: str  # ``"baseline"``, ``"lambda search"``, ``"adaptation"`` or ``"second study"``
    recipe: Recipe
    surveys: tuple[str, ...]  # whose stamps it reads
    epoch_stamps: float  # labelled, of an epoch
    validation_stamps: float  # scored after each epoch
    test_stamps: float  # scored at its end
    reused: bool = False


def trainings_by_job(workflow: PlannedWorkflow) -> list[list[Training]]:
    """Trainings of each of the workflow's jobs."""
    experiment, found = workflow.experiment, []
    runs = {run.folder: run for run in (*experiment.baseline_runs(), *experiment.adaptations())}
    for job in workflow.jobs:
        trainings: list[Training] = []
        for path in workflow.result_files(job):
            run = runs.get(path.parent.as_posix())
            if path.parts[0] == "lambda" and path.suffix == ".json":
                trainings += _of_search(workflow, path)
            elif path.name == MODEL and path.parts[0] == "des_study":
                trainings.append(_of_second_study(workflow, path))
            elif path.name == MODEL and run and run.target:
                search = experiment.sections[run.method].search or {}
                reused = search.get("choice") == "search" and search["seed"] == run.seed
                training = _adaptation(workflow, ADAPTATION, run.method, (run.source, run.target))
                trainings.append(replace(training, reused=reused))
            elif path.name == MODEL and run:
                trainings.append(_baseline(workflow, run.source))
        found.append(trainings)
    return found


def _baseline(workflow: PlannedWorkflow, survey: str) -> Training:
    config, shares = workflow.config, workflow.config["splits"]["fractions"]
    recipe = Recipe(BASELINE, BASELINE, MAIN_NETWORK, config["stamps"]["size_pixels"], {}, config["training"])
    return Training(BASELINE, recipe, (survey,), *_stamps(recipe, shares, workflow.count(survey)))


def _adaptation(workflow: PlannedWorkflow, kind: str, name: str, surveys: Sequence[str]) -> Training:
    config, section = workflow.config, workflow.experiment.sections[name]
    options = {**section.options, **({"entropy_weight": ASSUMED_WEIGHT} if section.weights_of else {})}
    size, splits, training = config["stamps"]["size_pixels"], config["splits"], config["training"]
    recipe = Recipe(name, section.method, MAIN_NETWORK, size, options, training)
    tested = workflow.count(*surveys) * splits["fractions"]["test"]
    stamps = (training["epoch_size"], 2 * splits["validation_shots"], tested)
    return Training(kind, recipe, tuple(surveys), *stamps)


def _of_search(workflow: PlannedWorkflow, path: PurePath) -> list[Training]:
    """Weights times shots of ``lambda/<pair>.json`` or ``lambda/<variant>/<pair>.json``."""
    name = path.parts[1] if len(path.parts) == 3 else "mme"
    search = workflow.experiment.sections[name].search or {}
    weights = search["grid"] if search.get("choice") == "search" else ()
    training = _adaptation(workflow, SEARCH, name, path.stem.split("-to-"))
    return [training] * (len(weights) * len(workflow.experiment.shots))


def _of_second_study(workflow: PlannedWorkflow, path: PurePath) -> Training:
    """Training of ``des_study/<part>/.../<network>/model.pt``, on a fold, or on the new survey."""
    study, part = workflow.config["des_study"], path.parts[1]
    network = name = study["search"]["network"]
    survey, training, method = study["survey"], study["training"], BASELINE
    if part == "new-survey":
        survey, training, shares = (study["new_survey"][key] for key in ("survey", "training", "fractions"))
        name, method = f"{network}, {FURTHER}", FURTHER
    elif part == "search":
        others, validation = 1 - 1 / study["search"]["folds"], study["search"]["validation"]
        shares = {"train": others * (1 - validation), "validation": others * validation, "test": 1 - others}
    else:
        network = name = path.parent.name
        shares = study["fractions"][part]
    recipe = Recipe(name, method, network, study["size_pixels"], {}, training)
    return Training(SECOND_STUDY, recipe, (survey,), *_stamps(recipe, shares, workflow.count(survey)))


def _stamps(recipe: Recipe, shares: Mapping[str, float], total: int) -> tuple[float, float, float]:
    epoch = recipe.training["epoch_size"] or total * shares["train"]
    return epoch, total * shares["validation"], total * shares["test"]


@dataclass(frozen=True)
class Epochs:
    """Epochs of one training, and the number of finished runs that say so: 0 where they are assumed."""

    low: float  # the patience after a best first epoch
    expected: float
    high: float  # `max_epochs`
    finished: int


def read_finished(results: Path) -> Finished:
    """Finished runs in the results' store; empty where there are none."""
    found = defaultdict(list)
    for path in sorted(results.glob(f"store/*/*/{METRICS}")):
        metrics = read_metrics(path.parent, needed=NEEDED)
        perfect = metrics["validation_balanced_accuracy"] == 1
        found[metrics["trained_by"], metrics["network"]].append((metrics["best_epoch"], perfect))
    return dict(found)


def expected_epochs(recipe: Recipe, finished: Finished) -> Epochs:
    """Epochs of a training: the patience, unless validation is perfect, after a typical best epoch.

    The typical best epoch is that of the finished runs of the method. Without any, it is assumed to come
    after twice the patience in a baseline and after half of it in an adaptation.
    """
    patience, most = recipe.training["patience_epochs"], recipe.training["max_epochs"]
    runs = finished.get((recipe.method, recipe.network), ())
    assumed = max(1.0, ASSUMED_BEST.get(recipe.method, ASSUMED_BEST_OF_ADAPTATION) * patience)
    epochs = [best + (0 if perfect else patience) for best, perfect in runs or [(assumed, False)]]
    bounded = [min(each, most or each) for each in epochs]
    low = min(patience + 1, most or math.inf, mean(bounded))
    return Epochs(low, mean(bounded), max(most or UNBOUNDED * patience, *bounded), len(runs))
