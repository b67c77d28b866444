"""The same jobs on a GPU and on the CPU: what their runs score on the test parts, run by run.

A GPU draws other masks of dropout and rounds otherwise, so that a run differs; the mean over runs must not.
The two surveys are noise, and noise with a source of a random brightness, the faintest of them lost in it.
"""

import math
import statistics
from typing import NamedTuple

import numpy as np
import torch

from stampshift.stamps.preprocessing import Counts
from stampshift.stamps.splits import Splits
from stampshift.stamps.writer import stamps_writer
from stampshift.training.execute import Job
from stampshift.training.jobs import Cohort, adapt, train_baselines
from stampshift.training.run_folder import read_metrics
from training import OPTIONS, TRAINING

SOURCE, TARGET = "A", "B"
WIDTHS = {SOURCE: 1.5, TARGET: 3.0}  # of the sources, pixels
BRIGHTEST = 1.5  # at the centre, in units of the noise
SHOTS, VALIDATION_SHOTS = (1, 10), 10  # per class
FEW_ERRORS = 4  # standard errors: a mean difference beyond them is none of chance


class Comparison(NamedTuple):
    """Test balanced accuracies of one kind of runs, on the GPU (or what stands for it) and on the CPU."""

    kind: str
    runs: int
    there: float
    here: float
    difference: float  # mean over runs
    error: float  # its standard error
    largest: float

    @property
    def agrees(self) -> bool:
        return abs(self.difference) <= FEW_ERRORS * self.error + 1e-6


def write_survey(folder, name, count):
    """Stamps file of a survey, half of it real, in random order."""
    generator = np.random.default_rng(ord(name))
    labels = generator.permutation(np.arange(count) % 2)
    y, x = np.indices((21, 21)) - 10
    source = np.exp(-(x**2 + y**2) / (2 * WIDTHS[name] ** 2)).astype(np.float32)
    stamps = generator.standard_normal((count, 3, 21, 21), dtype=np.float32)
    brightness = generator.uniform(0, BRIGHTEST, count).astype(np.float32) * labels
    stamps[:, 1:] += brightness[:, None, None, None] * source
    path = folder / f"{name}.h5"
    with stamps_writer(path, survey=name, size_pixels=21) as writer:
        writer.append(
            stamps,
            labels=labels,
            classes=np.where(labels, "star", "noise").tolist(),
            ids=[f"{name}-{row}" for row in range(count)],
            groups=[""] * count,
        )
        raw = {"files": 1, "bytes": 1, "sha256": "0"}
        counts = vars(Counts(read=count, kept=count))
        writer.describe({"counts": counts, "invalid": {}, "origin": {"path": "none"}, "raw": raw})
    return path, labels


def write_splits(folder, name, labels, seed):
    """Parts at random: 80% train, 10% validation, 10% test."""
    order = np.random.default_rng([ord(name), seed]).permutation(len(labels))
    train, validation, test = np.split(order, [8 * len(order) // 10, 9 * len(order) // 10])
    of_class = {
        f"{part}_{kind}": rows[labels[rows] == label]
        for part, rows in (("train", train), ("validation", validation))
        for kind, label in (("real", 1), ("bogus", 0))
    }
    path = folder / f"{name}-{seed}.npz"
    Splits(survey=name, test=np.sort(test), **of_class).save(path)
    return path


def run_jobs(device, results, stamps, splits, *, seeds, training, threads):
    """Test balanced accuracy by kind of run, survey of the test part, and run."""
    job = Job(results, device, threads, checkpoint_epochs=training["max_epochs"], log_file=None)
    shared = {"training": training, "precision": "float32"}
    train_baselines(
        job,
        network="bolivar",
        source=SOURCE,
        seeds=range(seeds),
        stamps={SOURCE: stamps[SOURCE]},
        splits=splits,
        **shared,
    )
    baselines = [results / "baseline" / SOURCE / f"seed-{seed}" for seed in range(seeds)]
    found = {("baseline", SOURCE): baselines}
    for method, options in (("finetune", {}), ("mme", OPTIONS["mme"])):
        cohort = Cohort(
            method, method, "bolivar", SOURCE, TARGET, [SOURCE], stamps, options,
            validation_shots=VALIDATION_SHOTS, **shared,
        )  # fmt: skip
        adapt(
            job,
            cohort,
            shots=SHOTS,
            seeds=range(seeds),
            splits=splits,
            baselines=[folder / "model.pt" for folder in baselines],
            entropy_weight_files=[],
            weight_without_labels=None,
        )
        pair = results / method / f"{SOURCE}-to-{TARGET}"
        runs = [pair / f"shots-{shots}" / f"seed-{seed}" for shots in SHOTS for seed in range(seeds)]
        found |= {(method, survey): runs for survey in (SOURCE, TARGET)}
    return {
        (method, survey): [
            read_metrics(folder)["evaluation"][survey]["balanced_accuracy"] for folder in folders
        ]
        for (method, survey), folders in found.items()
    }


def compare_jobs(device, folder, *, stamps_per_survey, seeds, epochs, epoch_size, threads):
    """Comparisons of the jobs on a device with the same on the CPU."""
    surveys = {name: write_survey(folder, name, stamps_per_survey) for name in (SOURCE, TARGET)}
    stamps = {name: path for name, (path, _) in surveys.items()}
    splits = [
        {name: write_splits(folder, name, labels, seed) for name, (_, labels) in surveys.items()}
        for seed in range(seeds)
    ]
    training = TRAINING | {
        "epoch_size": epoch_size,
        "patience_epochs": epochs,
        "max_epochs": epochs,
        "keep": "last",
    }
    given = {"seeds": seeds, "training": training, "threads": threads}
    there, here = (
        run_jobs(each, folder / name, stamps, splits, **given)
        for name, each in (("there", device), ("here", torch.device("cpu")))
    )
    return [comparison(f"{method} on {survey}", there[method, survey], here[method, survey])
            for method, survey in here]  # fmt: skip


def comparison(kind, there, here):
    """Of runs in the same order."""
    differences = [a - b for a, b in zip(there, here, strict=True)]
    error = statistics.stdev(differences) / math.sqrt(len(differences)) if len(differences) > 1 else math.inf
    mean = statistics.mean
    return Comparison(
        kind, len(there), mean(there), mean(here), mean(differences), error, max(map(abs, differences))
    )
