"""Runs of two fake surveys as the workflow leaves them, and released models of them."""

import json
from collections.abc import Sequence
from pathlib import Path

import h5py
import pandas as pd
import torch

from fake_surveys import FRACTIONS, flip_labels, write_survey
from fake_training import TRAINING as SHORT
from stampshift.config.experiment import Run
from stampshift.core.provenance import code_digest
from stampshift.methods import METHODS
from stampshift.release.exporting import export
from stampshift.release.released import ReleasedModel
from stampshift.stamps.file import Stamps
from stampshift.stamps.splits import make_splits
from stampshift.training.data import SurveyFiles, TrainingData
from stampshift.training.execute import describe, score_test_parts
from stampshift.training.loop import Task, fit
from stampshift.training.model import Model
from stampshift.training.run_folder import write_run as write_files

TRAINING = SHORT | {"halve_every_iterations": None, "epoch_size": 400}
CPU = torch.device("cpu")


def write_results(folder: Path, source: str = "A", target: str = "B") -> None:
    """Stamps and splits of two surveys among some results, the source being simulated."""
    for name, width in ((source, 1.5), (target, 3.0)):
        path = write_survey(folder / "stamps", name, width=width)
        with h5py.File(path, "r+") as file:
            attributes = json.loads(str(file.attrs["preprocessing"]))
            attributes |= {
                "normalisation": "channel",
                "invalid": {"equals": -31415.0 if name == target else None},
                "origin": {"simulate": {"seed": 1}} if name == source else {"path": "archive"},
            }
            file.attrs["preprocessing"] = json.dumps(attributes)
        splits = make_splits(Stamps.open(path), fractions=FRACTIONS, seed=0)
        splits.save(folder / "splits" / name / "seed-0.npz")
        # a wrong label of each kind: where all are called rightly no temperature can be fitted
        flip_labels(path, [splits.validation_real[0], splits.validation_bogus[0]])


def write_run(
    results: Path,
    run: Run,
    *,
    validation_shots: int = 10,
    sources: Sequence[str] | None = None,
    network: str = "bolivar",
) -> Path:
    """Train a run for two epochs and write its files; `sources` are the surveys of a source of several."""
    several, sources = sources, sources or [run.source]
    names = dict.fromkeys([*sources, *([run.target] if run.target else [])])
    files = {
        name: SurveyFiles(results / "stamps" / f"{name}.h5", results / "splits" / name / "seed-0.npz", None)
        for name in names
    }
    method = METHODS["baseline" if run.target is None else "scratch"]({})
    data = TrainingData.open(run, files, sources=sources, validation_shots=validation_shots)
    task = Task(str(run), method, network, data, 1, {}, TRAINING, None, CPU)
    progress = fit(
        task,
        checkpoint=None,
        save_checkpoint=lambda content: None,
        checkpoint_epochs=10,
        on_epoch=lambda progress: None,
    )
    kept = progress.kept[TRAINING["keep"]]
    model = Model(progress.states[kept], network, "linear", 21, None)
    folder = results / run.folder
    predictions = score_test_parts(model, files, device=CPU)
    metrics = describe(run, predictions, device=CPU, sources=sources) | {
        **({"source_surveys": several} if several else {}),
        "trained_by": "baseline" if run.target is None else "scratch",
        "network": network,
        "options": {},
        "validation_shots": validation_shots,
        "code_digest": code_digest("training.execute"),
        "kept_epoch": kept,
        "epochs": progress.epoch,
        "validation_balanced_accuracy": progress.after(kept)["validation_balanced_accuracy"],
    }
    history = pd.DataFrame(progress.history)
    write_files(folder, model=model, history=history, predictions=predictions, metrics=metrics)
    return folder


def release_of(run: Path, output: Path, **options) -> ReleasedModel:
    return export(run, output, **options)
