"""The trainings of an adaptation: one per fold, which say for how long to train, and the final one."""

from collections.abc import Iterator
from functools import partial

import pandas as pd
import torch

from stampshift.adapting.choosing import START, best_epoch
from stampshift.adapting.setting import Setting
from stampshift.core.bars import job_bar
from stampshift.core.parallel import ordered_map
from stampshift.methods.method import copied_to_cpu
from stampshift.networks.classifier import Classifier
from stampshift.stamps.few_labels import Fold
from stampshift.stamps.splits import Rows
from stampshift.training.device import set_up_process
from stampshift.training.loop import Trainer
from stampshift.training.model import Model, predict
from stampshift.training.progress import VALIDATED

HELD_OUT_COLUMNS = ["fold", "epoch", "row", "label", "score"]
HISTORY_COLUMNS = ["epoch", "train_loss", "train_accuracy", "learning_rate"]


def held_out_scores(setting: Setting, *, epochs: int, processes: int, progress: bool) -> pd.DataFrame:
    """Score every labelled stamp before and after every epoch of a training that did not see it.

    `processes` folds train at the same time, each in its own process; it does not change the result.

    Returns
    -------
    pandas.DataFrame
        Columns ``fold`` (from 1), ``epoch`` (from `choosing.START`, the model as it was), ``row``, ``label``
        and ``score``: a line per epoch and labelled stamp. Empty where there is no fold.
    """
    folds = list(enumerate(setting.few_labels.folds(seed=setting.seed), start=1))
    work = partial(_fold_scores, setting=setting, folds=len(folds), epochs=epochs, progress=progress)
    tables = ordered_map(work, folds, processes=min(processes, max(1, len(folds))))
    bar = job_bar(tables, total=len(folds), desc="folds", shown=progress)
    return pd.concat([pd.DataFrame(columns=HELD_OUT_COLUMNS), *bar], ignore_index=True)


def _fold_scores(
    numbered: tuple[int, Fold], *, setting: Setting, folds: int, epochs: int, progress: bool
) -> pd.DataFrame:
    number, fold = numbered
    target = setting.target_stamps

    def scored(classifier: Classifier, epoch: int) -> pd.DataFrame:
        scores = predict(classifier, target.stamps, fold.held_out, device=setting.device)
        columns = {"row": fold.held_out, "label": target.labels[fold.held_out], "score": scores}
        return pd.DataFrame({"fold": number, "epoch": epoch} | columns)

    steps = trained_epochs(setting, fold.shots, fold.pile, number=number, epochs=epochs)
    before = scored(setting.starting_model.classifier(setting.device), START)
    # folds that train at the same time end together: without these lines nothing would be told till then
    bar = job_bar(
        steps, total=epochs, desc=f"fold {number} of {folds}", unit="epoch", shown=progress, on_terminal=False
    )
    after = [scored(trainer.classifier, epoch) for epoch, trainer, _ in bar]
    return pd.concat([before, *after], ignore_index=True)


def final_training(setting: Setting, *, epochs: int, progress: bool) -> tuple[Model, pd.DataFrame]:
    """Train on all labelled stamps: the model after the last epoch, and a line per epoch.

    Its columns are ``epoch``, ``train_loss``, ``train_accuracy`` and ``learning_rate``. After no epoch it is
    the model that the adaptation starts from, with its own head.
    """
    if epochs == START:
        return setting.starting_model, pd.DataFrame(columns=HISTORY_COLUMNS)
    few = setting.few_labels
    steps = trained_epochs(setting, few.labelled, few.pile, number=0, epochs=epochs)
    bar = job_bar(steps, total=epochs, desc="final training", unit="epoch", shown=progress)
    rows = []
    for epoch, trained, row in bar:
        rows.append({"epoch": epoch} | row)
        trainer = trained
    history = pd.DataFrame(rows, columns=HISTORY_COLUMNS)
    return trainer.task.model(copied_to_cpu(trainer.classifier.state_dict())), history


def training_without_labels(setting: Setting, *, epochs: int, progress: bool) -> tuple[Model, pd.DataFrame]:
    """Train with no label of the target; the source's validation part chooses one of the epochs.

    Returns its model, and a line for each of the epochs, with the columns of `final_training`,
    ``validation_balanced_accuracy`` and ``validation_loss`` (on the source), and ``chosen``.
    """
    few = setting.few_labels
    steps = trained_epochs(setting, few.labelled, few.pile, number=0, epochs=epochs)
    bar = job_bar(steps, total=epochs, desc="training", unit="epoch", shown=progress)
    rows, states = [], []
    for epoch, trainer, row in bar:
        task = trainer.task
        scores = predict(
            trainer.classifier, task.validation.stamps, task.validation.rows, device=setting.device
        )
        validated = task.row(scores, epoch=epoch, seconds=0.0, **row)
        rows.append({"epoch": epoch} | row | {name: validated[name] for name in VALIDATED})
        states.append(copied_to_cpu(trainer.classifier.state_dict()))
    history = pd.DataFrame(rows)
    accuracies, losses = (history[name] for name in VALIDATED)
    chosen = best_epoch(accuracies, losses, keep=setting.training["keep"])
    history = history.assign(chosen=history["epoch"] == chosen)
    return task.model(states[chosen - 1]), history


def trained_epochs(
    setting: Setting, shots: Rows, pile: Rows, *, number: int, epochs: int
) -> Iterator[tuple[int, Trainer, dict[str, float]]]:
    """Train on some labelled and unlabelled target stamps, and pause after every epoch.

    Yields
    ------
    epoch, trainer, losses
        The epoch's number, from 1; the training as it is then; and what `Trainer.train_epoch` returns.
    """
    set_up_process()
    with torch.random.fork_rng(devices=[setting.device] if setting.device.type == "cuda" else []):
        trainer = Trainer(setting.task(shots, pile, number=number))
        for epoch in range(1, epochs + 1):
            yield epoch, trainer, trainer.train_epoch(epoch)
