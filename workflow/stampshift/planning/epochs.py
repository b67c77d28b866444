"""How many epochs early stopping will let a training run: from finished runs, or as assumed."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

from stampshift.config.experiment import BASELINE
from stampshift.core.files import read_json
from stampshift.planning.trainings import Recipe

# best epoch, in units of the patience: about what the trainings on simulated surveys took
ASSUMED_BEST = {BASELINE: 2.0}
ASSUMED_BEST_OF_ADAPTATION = 0.5
UNBOUNDED = 5  # times the patience: the end of the range where no max_epochs ends a training


@dataclass(frozen=True)
class Epochs:
    """Epochs of one training.

    Attributes
    ----------
    low, expected, high
        Of the range: the least is the patience after a best first epoch, the most is `max_epochs`.
    finished
        Number of finished runs that the expectation comes from; 0 where it is an assumption.
    """

    low: float
    expected: float
    high: float
    finished: int


@dataclass(frozen=True)
class Finished:
    """A finished run's best epoch, and whether its validation was perfect: then no patience is spent."""

    best_epoch: int
    perfect: bool


def read_finished(results: Path) -> dict[tuple[str, str], list[Finished]]:
    """Finished runs in the results' store, by method and network; empty where there are none."""
    found = defaultdict(list)
    for path in sorted(results.glob("store/*/*/metrics.json")):
        metrics = read_json(path)
        found[metrics["trained_by"], metrics["network"]].append(
            Finished(metrics["best_epoch"], metrics["validation_balanced_accuracy"] == 1)
        )
    return dict(found)


def expected_epochs(recipe: Recipe, finished: Mapping[tuple[str, str], Sequence[Finished]]) -> Epochs:
    """Epochs of a training: the patience and a typical best epoch, at most `max_epochs`.

    The typical best epoch is that of the finished runs of the method; without any, it is assumed to come
    after twice the patience in a baseline and after half of it in an adaptation.
    """
    patience, most = recipe.training["patience_epochs"], recipe.training["max_epochs"]
    runs = finished.get((recipe.method, recipe.network), ())
    low = _bounded(patience + 1, most)
    high = most or UNBOUNDED * patience
    if not runs:
        best = max(1.0, ASSUMED_BEST.get(recipe.method, ASSUMED_BEST_OF_ADAPTATION) * patience)
        return Epochs(low, _bounded(patience + best, most), high, 0)
    epochs = [_bounded(run.best_epoch + (0 if run.perfect else patience), most) for run in runs]
    return Epochs(min(low, mean(epochs)), mean(epochs), max(high, *epochs), len(runs))


def _bounded(epochs: float, most: Any) -> float:
    return min(epochs, most) if most else epochs
