"""Speed of trainings, simulators and readers here: batches of the real loop, small simulated archives."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
import yaml

from stampshift.methods import METHODS
from stampshift.networks import build_classifier
from stampshift.planning.calibration import ArchiveRate, TrainingRate
from stampshift.planning.trainings import Recipe
from stampshift.planning.usage import peak_megabytes
from stampshift.simulation import simulate_survey
from stampshift.stamps.raw_triplets import InvalidPixels
from stampshift.surveys.making import make_stamps
from stampshift.training.data import Labelled, TrainingData, Unlabelled
from stampshift.training.device import set_up_process
from stampshift.training.loop import Trainer
from stampshift.training.model import Model, predict
from stampshift.training.progress import Task
from stampshift.training.stacked.lane import Lane, why_alone
from stampshift.training.stacked.pools import Pools, free_bytes
from stampshift.training.stacked.stack import Stack

PIXELS = 2000 * 21 * 21  # of the synthetic stamps of a survey, in each of three images
FEW = 20
MOST_BATCHES = 200  # an epoch of the published experiment
LANES = 10  # of a stack, the seeds of most cohorts
DRAWN = 200  # candidates of a small archive


def measure_trainings(recipes: list[Recipe], device: torch.device, seconds: float) -> dict[str, TrainingRate]:
    """Speed of each recipe in this process, on synthetic stamps, in about `seconds` each."""
    set_up_process()
    return {recipe.name: _measure_training(recipe, device, seconds) for recipe in recipes}


def _measure_training(recipe: Recipe, device: torch.device, seconds: float) -> TrainingRate:
    data = synthetic_data(recipe.size_pixels)
    batch = recipe.training["batch_size"]
    clock = time.perf_counter if device.type == "cuda" else time.process_time
    begin, began = clock(), time.perf_counter()
    trainer = _trainer(recipe, data, device, batches=1)
    trainer.run_epoch()
    first = clock() - begin
    batches = int(np.clip(seconds / first, 1, MOST_BATCHES))
    run_epoch, lanes = _epoch_of(recipe, data, device, batches=batches)
    middle = clock()
    run_epoch()
    later = (clock() - middle) / (batches * batch * lanes)
    scored = data.source.rows[: max(FEW, min(1000, PIXELS // (4 * recipe.size_pixels**2)))]
    predict(trainer.classifier, data.source.stamps, scored[:FEW], device=device)
    middle = clock()
    predict(trainer.classifier, data.source.stamps, scored, device=device)
    scoring = (clock() - middle) / len(scored)
    return TrainingRate(
        first_step_seconds=max(0.0, first - later * batch),
        seconds_per_stamp=later,
        seconds_per_scored=scoring,
        megabytes=peak_megabytes(),
        model_bytes=_model_bytes(trainer, recipe),
        free_share=min(1.0, (clock() - begin) / (time.perf_counter() - began)),
    )


def _epoch_of(
    recipe: Recipe, data: TrainingData, device: torch.device, *, batches: int
) -> tuple[Callable[[], object], int]:
    """What trains an epoch there, and how many runs it trains: on a GPU a stack, if they have that form."""
    trainer = _trainer(recipe, data, device, batches=batches)
    if device.type != "cuda" or why_alone(trainer.task) is not None:
        return trainer.run_epoch, 1
    stack = stack_of([trainer.task] * LANES, device=device)
    stack.run_epoch()  # the first one warms up
    return stack.run_epoch, LANES


def stack_of(tasks: list[Task], *, device: torch.device) -> Stack:
    """Stack of trainings of one kind, as a cohort has it."""
    lanes = [Lane.start(task, None) for task in tasks]
    pools = Pools(tasks, device=device, free=free_bytes)
    return Stack(lanes, pools=pools, device=device, precision="float32", compiled=False)


def synthetic_data(size_pixels: int) -> TrainingData:
    """White noise in place of stamps; a step costs the same whatever it learns."""
    count = max(2 * FEW, PIXELS // size_pixels**2)
    generator = np.random.default_rng(0)
    stamps = generator.standard_normal((2, count, 3, size_pixels, size_pixels), dtype=np.float32)
    labels = (np.arange(count) % 2).astype(np.uint8)
    rows, few = np.arange(count), np.arange(FEW)
    return TrainingData(
        source=Labelled(stamps[0], rows, labels),
        target=Labelled(stamps[1], few, labels[few]),
        unlabelled=Unlabelled(stamps[1], rows[FEW:]),
        source_validation=Labelled(stamps[0], few, labels[few]),
        target_validation=Labelled(stamps[1], few, labels[few]),
    )


def _trainer(recipe: Recipe, data: TrainingData, device: torch.device, *, batches: int) -> Trainer:
    baseline = build_classifier(
        network=recipe.network, head="linear", size_pixels=recipe.size_pixels, temperature=None
    )
    return Trainer(
        Task(
            name=f"calibration of {recipe.name}",
            method=METHODS[recipe.method](recipe.options),
            network=recipe.network,
            data=data,
            entropy=1,
            options=recipe.options,
            training={**recipe.training, "epoch_size": batches * recipe.training["batch_size"]},
            baseline=baseline.state_dict(),
            device=device,
        )
    )


def _model_bytes(trainer: Trainer, recipe: Recipe) -> int:
    model = Model(
        state={name: value.cpu() for name, value in trainer.classifier.state_dict().items()},
        network=recipe.network,
        head=trainer.task.method.head,
        size_pixels=recipe.size_pixels,
        temperature=recipe.options.get("temperature"),
    )
    with TemporaryDirectory() as folder:
        model.save(Path(folder) / "model.pt")
        return (Path(folder) / "model.pt").stat().st_size


def mean_rate(rates: list[TrainingRate]) -> TrainingRate:
    """Rate of a recipe from processes that trained side by side."""
    names = ("first_step_seconds", "seconds_per_stamp", "seconds_per_scored", "free_share")
    means = {name: sum(getattr(rate, name) for rate in rates) / len(rates) for name in names}
    return replace(rates[0], megabytes=max(rate.megabytes for rate in rates), **means)


def measure_archives(
    surveys: Mapping[str, tuple[str, Mapping[str, Any], Path]], size_pixels: int, normalisation: str
) -> dict[str, ArchiveRate]:
    """Speed of the simulator and the reader of each survey, one after the other in this process.

    Parameters
    ----------
    surveys
        By name: the survey that is simulated for it, its section of the configuration, and the file of the
        simulator's constants.
    size_pixels, normalisation
        Of the stamps.
    """
    rates = {}
    for name, (drawn, section, constants) in surveys.items():
        with TemporaryDirectory() as folder:
            rates[name] = _measure_archive(
                drawn,
                section,
                yaml.safe_load(constants.read_text()),
                Path(folder),
                size_pixels,
                normalisation,
            )
    return rates


def _measure_archive(
    survey: str,
    section: Mapping[str, Any],
    constants: Mapping[str, Any],
    folder: Path,
    size_pixels: int,
    normalisation: str,
) -> ArchiveRate:
    archive = folder / "archive"
    # a process draws its first candidate later than the others
    simulate_survey(survey, stamps=1, seed=0, constants=constants, folder=folder / "first", processes=1)
    begin = time.process_time()
    simulate_survey(survey, stamps=DRAWN, seed=0, constants=constants, folder=archive, processes=1)
    drawn = time.process_time()
    make_stamps(
        [archive],
        survey=survey,
        reader=section["reader"],
        options={},
        # a survey of one's own in this format may call its classes otherwise
        classes={name: section["classes"].get(name, "bogus") for name in constants["archive_counts"]},
        invalid=InvalidPixels(**section["invalid"]),
        size_pixels=size_pixels,
        normalisation=normalisation,
        unlabelled="drop",
        processes=1,
        origin={"simulate": {"stamps": DRAWN, "seed": 0}},
        checksums={},
        output=folder / "stamps.h5",
        progress=False,
    )
    read = time.process_time()
    size = sum(path.stat().st_size for path in archive.rglob("*") if path.is_file())
    return ArchiveRate((drawn - begin) / DRAWN, (read - drawn) / DRAWN, size / DRAWN)
