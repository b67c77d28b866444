"""One run: what decides its result, how it is executed, and the record that is kept."""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from stampshift.config.experiment import Run
from stampshift.core.bars import job_bar
from stampshift.core.provenance import code_digest, digest, file_digest, versions
from stampshift.methods import METHODS
from stampshift.methods.method import Options
from stampshift.metrics.metrics import evaluate, evaluate_predictions, mean_evaluation
from stampshift.networks import network_module
from stampshift.stamps.file import read_attributes
from stampshift.stamps.splits import Splits
from stampshift.training.data import SurveyFiles, TrainingData, open_survey
from stampshift.training.loop import fit
from stampshift.training.model import Model, predict
from stampshift.training.precision import FLOAT32
from stampshift.training.progress import VALIDATED, Progress, Task
from stampshift.training.run_folder import write_run
from stampshift.training.stopping import stop_if_asked
from stampshift.training.store import Store

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Plan:
    """One run, with everything that decides its result."""

    run: Run
    folder: str  # of its files among the results; it names the run in messages
    method: str  # module of `stampshift.methods`: the run's method, or the one that it is a variant of
    network: str  # key of `stampshift.networks.NETWORKS`
    files: Mapping[str, SurveyFiles]  # of the source's surveys and then, for an adaptation, of the target
    baseline: Path | None  # model file that the training starts from; None for random weights
    options: Options  # the method's, with a number as ``entropy_weight`` where it has one
    training: Options  # section of the configuration
    # target stamps per class that choose the epoch; 0 where the source's validation part does: for a baseline
    # and for an adaptation without labels
    validation_shots: int
    precision: str = FLOAT32  # of the training's arithmetic: `stampshift.training.precision`
    surveys: tuple[str, ...] | None = None  # of a source of several; None where the source is a survey

    @property
    def sources(self) -> tuple[str, ...]:
        """Surveys of the source."""
        return self.surveys or (self.run.source,)

    @property
    def code(self) -> str:
        """Digest of the code that decides the result: the loop's, the method's and the network's."""
        return code_digest(
            "training.execute", "training.device", f"methods.{self.method}", network_module(self.network)
        )

    @property
    def entropy(self) -> int:
        """Seed of the run's random streams, from its identity alone.

        Options such as the entropy weight are no part of it, and a variant has the identity of its method:
        runs that differ in an option only are compared on the same draws, from the same random weights.
        """
        identity = replace(self.run, method=self.method)
        return int.from_bytes(hashlib.sha256(str(identity).encode()).digest()[:16])

    def key(self, device: torch.device) -> str:
        """Digest of everything that decides the result; on a CPU equal keys mean equal bytes."""
        files = list(self.files.values())
        stacked = {"stacked": code_digest("training.stacked.train")} if device.type == "cuda" else {}
        return digest(
            {
                **stacked,
                "run": str(self.run),
                "sources": self.sources,
                "method": self.method,
                "network": self.network,
                "options": dict(self.options),
                "training": dict(self.training),
                "validation_shots": self.validation_shots,
                "code": self.code,
                "device": device.type,
                "precision": self.precision,
                "torch": torch.__version__,
                "stamps": [read_attributes(each.stamps)["digest"] for each in files],
                "splits": [file_digest(each.splits) for each in files],
                "labels": [each.labels and file_digest(each.labels) for each in files],
                "baseline": self.baseline and file_digest(self.baseline),
            }
        )


@dataclass(frozen=True)
class Job:
    """How and where some runs are executed; none of it changes a result."""

    results: Path  # where the runs' folders and the store of finished runs are
    device: torch.device
    threads: int  # runs trained at the same time on a CPU
    checkpoint_epochs: int  # epochs between two checkpoints
    log_file: Path | None  # that worker processes append to

    @property
    def store(self) -> Store:
        """Store of finished runs."""
        return Store(self.results / "store")

    def record(self, plan: Plan) -> Path:
        """Folder of a finished plan's files in the store."""
        return self.store.record(plan.key(self.device))


def execute(plan: Plan, *, job: Job, bar_position: int) -> None:
    """Train a plan unless its record is there already, and keep its record in the store.

    The progress bar has the terminal's line `bar_position`. Errors are those of `fit`.
    """
    key, store = plan.key(job.device), job.store
    if store.has(key):
        log.info("%s: already finished, kept", plan.folder)
        return
    stop_if_asked()
    task, checkpoint = prepare(plan, device=job.device), store.load_checkpoint(key)
    done = 0 if checkpoint is None else len(checkpoint["progress"]["history"])
    if done:
        log.info("%s: continues after epoch %d", task.name, done)
    with job_bar(desc=task.name, unit="epoch", initial=done, position=bar_position, leave=False) as bar:

        def show(progress: Progress) -> None:
            bar.total = progress.end(task.training)
            bar.update(progress.epoch - bar.n)
            kept = progress.kept[plan.training["keep"]]
            bar.set_postfix(kept=f"{progress.after(kept)['validation_balanced_accuracy']:.3f} at {kept}")

        progress = fit(
            task,
            checkpoint=checkpoint,
            save_checkpoint=lambda content: store.save_checkpoint(key, content),
            checkpoint_epochs=job.checkpoint_epochs,
            on_epoch=show,
        )
    keep(plan, task, progress, store=store)


def prepare(plan: Plan, *, device: torch.device) -> Task:
    """Open all that a plan's training needs; errors as for `TrainingData.open`."""
    method = METHODS[plan.method](plan.options)
    return Task(
        name=plan.folder,
        method=method if plan.validation_shots else replace(method, validation="source"),
        network=plan.network,
        data=TrainingData.open(
            plan.run, plan.files, sources=plan.sources, validation_shots=plan.validation_shots
        ),
        entropy=plan.entropy,
        options=plan.options,
        training=method.section(plan.training),
        baseline=Model.open(plan.baseline).state if plan.baseline else None,
        device=device,
        precision=plan.precision,
    )


def keep(plan: Plan, task: Task, progress: Progress, *, store: Store) -> None:
    """Score the test parts with the weights that each rule keeps, and put the record into the store.

    Model and predictions are those of the configured rule. Of the others the record has what they would have
    scored.
    """
    device, key = task.device, plan.key(task.device)
    models = {epoch: task.model(state) for epoch, state in progress.states.items()}
    predictions = {
        epoch: score_test_parts(model, plan.files, device=device) for epoch, model in models.items()
    }
    chosen, history = progress.kept[plan.training["keep"]], pd.DataFrame(progress.history)
    metrics = describe(plan.run, predictions[chosen], device=device, sources=plan.sources) | {
        "source_surveys": plan.sources,
        "trained_by": plan.method,
        "network": plan.network,
        "trainable_parameters": models[chosen].trainable_parameters,
        "options": dict(plan.options),
        "entropy_weight": plan.options.get("entropy_weight"),
        "validation_shots": plan.validation_shots,
        "code_digest": plan.code,
        "precision": plan.precision,
        "keep": plan.training["keep"],
        "kept_epoch": chosen,
        "epochs": progress.epoch,
        "training_balanced_accuracy": accuracy_on_shots(task, models[chosen]),
        **_validated(progress, chosen),
        "kept": {
            rule: {
                "epoch": epoch,
                **_validated(progress, epoch),
                "evaluation": evaluate_predictions(predictions[epoch]),
            }
            for rule, epoch in progress.kept.items()
        },
        "seconds": round(sum(row["seconds"] for row in progress.history), 3),
        "key": key,
    }
    with store.writing(key) as folder:
        write_run(
            folder,
            model=models[chosen],
            history=history.assign(kept=history["epoch"] == chosen),
            predictions=predictions[chosen],
            metrics=metrics,
        )
    log.info(
        "%s: %d epochs, kept %d with validation balanced accuracy %.3f, %.1f s",
        plan.folder, progress.epoch, chosen, metrics["validation_balanced_accuracy"], metrics["seconds"],
    )  # fmt: skip


def accuracy_on_shots(task: Task, model: Model) -> float | None:
    """Balanced accuracy of a model on the labelled target stamps of its training; None without any."""
    shots = task.data.target
    if shots is None or not len(shots.rows) or "target" not in task.method.labelled:
        return None
    scores = predict(model.classifier(task.device), shots.stamps, shots.rows, device=task.device)
    return float(evaluate(shots.labels, scores)["balanced_accuracy"])


def _validated(progress: Progress, epoch: int) -> dict[str, float]:
    return {name: progress.after(epoch)[name] for name in VALIDATED}


def score_test_parts(model: Model, files: Mapping[str, SurveyFiles], *, device: torch.device) -> pd.DataFrame:
    """Scores of the test part of every survey: columns survey, row, label, score."""
    classifier = model.classifier(device)
    tables = []
    for survey, own in files.items():
        splits = Splits.open(own.splits)
        rows = splits.test
        data = open_survey(own, rows=rows)
        splits.check_stamps(data, own.splits)
        scores = predict(classifier, data.stamps, rows, device=device)
        tables.append(
            pd.DataFrame({"survey": survey, "row": rows, "label": data.labels[rows], "score": scores})
        )
    return pd.concat(tables, ignore_index=True)


def describe(
    run: Run, predictions: pd.DataFrame, *, device: torch.device, sources: Sequence[str] = ()
) -> dict[str, Any]:
    """Factors of a run, what it scored, and what it ran on: the common part of ``metrics.json``.

    Where the `sources` are several surveys, the evaluation has the mean over them under the source's name.
    """
    evaluation = evaluate_predictions(predictions)
    if len(sources) > 1:
        evaluation[run.source] = mean_evaluation([evaluation[name] for name in sources])
    return {
        **vars(run),
        "evaluation": evaluation,
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        "versions": versions(),
    }
