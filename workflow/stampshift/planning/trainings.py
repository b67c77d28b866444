"""The trainings behind each job: how many, of which kind, on how many stamps."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from stampshift.config.experiment import BASELINE, Experiment
from stampshift.networks import MAIN_NETWORK
from stampshift.planning.workflow import PlannedJob, PlannedWorkflow

FURTHER = "further"
ASSUMED_WEIGHT = 0.1  # where the weight is searched; any but 0 costs the same
KINDS = (BASELINE, "lambda search", "adaptation", "second study")


@dataclass(frozen=True)
class Recipe:
    """What decides the speed of a training.

    Attributes
    ----------
    name
        Method, variant or network of the second study.
    method
        Module of `stampshift.methods`.
    network
        Key of `stampshift.networks.NETWORKS`.
    size_pixels
        Side of the stamps.
    options
        Of the method.
    training
        Section `training` of the study.
    """

    name: str
    method: str
    network: str
    size_pixels: int
    options: Mapping[str, Any]
    training: Mapping[str, Any]


@dataclass(frozen=True)
class Trainings:
    """The trainings of one job that are alike.

    Attributes
    ----------
    kind
        One of `KINDS`.
    recipe
        How each is trained.
    count
        Trainings, those left out that the lambda search has done.
    reused
        Trainings that the job takes over from the lambda search.
    epoch_stamps, validation_stamps, test_stamps
        Of one training: labelled stamps of an epoch, stamps scored after each, stamps scored at its end.
    """

    kind: str
    recipe: Recipe
    count: int
    reused: int
    epoch_stamps: float
    validation_stamps: float
    test_stamps: float


def trainings_of(job: PlannedJob, workflow: PlannedWorkflow, *, stamps: Mapping[str, int]) -> list[Trainings]:
    """Trainings of a job; none for a job that trains nothing.

    Parameters
    ----------
    job
        One of the workflow's.
    workflow
        With the configuration.
    stamps
        Number of stamps by survey.
    """
    if job.rule in _ACROSS_SURVEYS:
        return _ACROSS_SURVEYS[job.rule](job.wildcards, workflow, stamps)
    return _OF_DES[job.rule](workflow, stamps) if job.rule in _OF_DES else []


def _recipe(name: str, workflow: PlannedWorkflow) -> Recipe:
    size, training = workflow.config["stamps"]["size_pixels"], workflow.config["training"]
    if name == BASELINE:
        return Recipe(name, BASELINE, MAIN_NETWORK, size, {}, training)
    section = workflow.experiment.sections[name]
    chosen = {"entropy_weight": ASSUMED_WEIGHT} if section.weights_of else {}
    return Recipe(name, section.method, MAIN_NETWORK, size, {**section.options, **chosen}, training)


def _baseline(
    wildcards: Mapping[str, str], workflow: PlannedWorkflow, stamps: Mapping[str, int]
) -> list[Trainings]:
    fractions, total = workflow.config["splits"]["fractions"], stamps[wildcards["source"]]
    recipe, seeds = _recipe(BASELINE, workflow), len(workflow.experiment.seeds)
    epoch = recipe.training["epoch_size"] or total * fractions["train"]
    return [
        Trainings(
            BASELINE, recipe, seeds, 0, epoch, total * fractions["validation"], total * fractions["test"]
        )
    ]


def _adaptations(
    kind: str, name: str, count: int, reused: int, wildcards: Mapping[str, str], workflow: PlannedWorkflow,
    stamps: Mapping[str, int],
) -> list[Trainings]:  # fmt: skip
    splits, recipe = workflow.config["splits"], _recipe(name, workflow)
    tested = (stamps[wildcards["source"]] + stamps[wildcards["target"]]) * splits["fractions"]["test"]
    epoch, validation = recipe.training["epoch_size"], 2 * splits["validation_shots"]
    return [Trainings(kind, recipe, count - reused, reused, epoch, validation, tested)]


def _search(
    wildcards: Mapping[str, str], workflow: PlannedWorkflow, stamps: Mapping[str, int]
) -> list[Trainings]:
    name, experiment = wildcards.get("variant", "mme"), workflow.experiment
    grid = (experiment.sections[name].search or {"grid": []})["grid"]
    count = len(grid) * len(experiment.shots)
    return _adaptations("lambda search", name, count, 0, wildcards, workflow, stamps)


def _adapt(
    wildcards: Mapping[str, str], workflow: PlannedWorkflow, stamps: Mapping[str, int]
) -> list[Trainings]:
    name, experiment = wildcards["method"], workflow.experiment
    search = experiment.sections[name].search or {}
    searched = search.get("choice") == "search"  # on one of the splits
    return _adaptations("adaptation", name, len(experiment.seeds), int(searched), wildcards, workflow, stamps)


def _network(network: str, workflow: PlannedWorkflow, total: int, shares: Mapping[str, float]) -> Trainings:
    study = workflow.config["des_study"]
    recipe = Recipe(network, BASELINE, network, study["size_pixels"], {}, study["training"])
    return _second(recipe, total, shares)


def _second(recipe: Recipe, total: int, shares: Mapping[str, float]) -> Trainings:
    epoch = recipe.training["epoch_size"] or total * shares["train"]
    return Trainings(
        "second study", recipe, 1, 0, epoch, total * shares["validation"], total * shares["test"]
    )


def _part(part: str, workflow: PlannedWorkflow, stamps: Mapping[str, int]) -> list[Trainings]:
    study = workflow.config["des_study"]
    total, shares = stamps[study["survey"]], study["fractions"][part]
    return [_network(network, workflow, total, shares) for network in study["networks"]]


def _folds(workflow: PlannedWorkflow, stamps: Mapping[str, int]) -> list[Trainings]:
    study = workflow.config["des_study"]
    search, total = study["search"], stamps[study["survey"]]
    others = 1 - 1 / search["folds"]
    shares = {
        "train": others * (1 - search["validation"]),
        "validation": others * search["validation"],
        "test": 1 / search["folds"],
    }
    return [_network(search["network"], workflow, total, shares) for _ in range(search["folds"])]


def _further(workflow: PlannedWorkflow, stamps: Mapping[str, int]) -> list[Trainings]:
    study = workflow.config["des_study"]
    new, network = study["new_survey"], study["search"]["network"]
    recipe = Recipe(f"{network}, {FURTHER}", FURTHER, network, study["size_pixels"], {}, new["training"])
    return [_second(recipe, stamps[new["survey"]], new["fractions"])]


_ACROSS_SURVEYS: Mapping[
    str, Callable[[Mapping[str, str], PlannedWorkflow, Mapping[str, int]], list[Trainings]]
] = {
    "baseline": _baseline,
    "select_lambda": _search,
    "select_variant_lambda": _search,
    "adapt": _adapt,
}
_OF_DES: Mapping[str, Callable[[PlannedWorkflow, Mapping[str, int]], list[Trainings]]] = {
    "des_study_first": partial(_part, "first"),
    "des_study_second": partial(_part, "second"),
    "des_study_search": _folds,
    "des_study_further": _further,
}


def runs_of(experiment: Experiment) -> dict[str, int]:
    """Number of runs that the experiment asks for, by kind, whatever is there already."""
    searches = [section.search for section in experiment.sections.values() if section.search]
    tried = sum(len(search["grid"]) for search in searches if search["choice"] == "search")
    return {
        BASELINE: sum(1 for _ in experiment.baseline_runs()),
        "lambda search": tried * len(experiment.shots) * len(experiment.pairs),
        "adaptation": sum(1 for _ in experiment.adaptations()),
    }
