"""Adapt a model to a new survey, and write the run's files and a report."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from joblib import cpu_count

from stampshift.adapting.choosing import START, choose_epochs, chosen_of, judged_scores
from stampshift.adapting.defaults import EPOCHS, EPOCHS_UNJUDGED
from stampshift.adapting.judging import held_out_change, tested_by
from stampshift.adapting.setting import Setting
from stampshift.adapting.trainings import final_training, held_out_scores, training_without_labels
from stampshift.core.digests import write_digests
from stampshift.core.files import write_parquet
from stampshift.core.folders import new_folder, refuse_existing
from stampshift.core.provenance import code_digest, file_digest, versions
from stampshift.metrics.change import Change
from stampshift.metrics.metrics import evaluate_predictions
from stampshift.stamps.file import verify_stamps
from stampshift.tables.wording import counted
from stampshift.training.device import choose_device
from stampshift.training.model import Model
from stampshift.training.run_folder import FILES, write_run

VALIDATION, REPORT = "validation.parquet", "adaptation.md"
WRITTEN = (*FILES, VALIDATION, REPORT)
COLUMNS = {"survey": str, "row": np.int64, "label": np.uint8, "score": np.float32}  # of predictions
ADVICE = "give another --output, or --overwrite"
HELD_OUT_NOTE = (
    "Each held-out stamp was scored by a training that did not see it, after the epoch that the other "
    "labelled stamps chose. Few stamps say little: trust the intervals. A file of labels that nothing else "
    "uses (`--test`) judges the model itself."
)
KEPT_NOTE = (
    "**The model stays as it was**: adapted ones called the held-out stamps worse. `--no-fallback` gives the "
    "adapted model all the same."
)
DOUBT_NOTE = (
    "**Doubt this model**: held-out stamps, each judged by what the others chose, are called worse than "
    "before, although all of them together chose to adapt. Compare both models on other labels (`--test`), "
    "or go on with the one that you had."
)
WITHOUT_LABELS_NOTE = (
    "No label of the new survey was used: the epoch was chosen on the validation part of the model's own "
    "survey, and no verdict on held-out stamps can be given: the gain on the target is unknown. A file of "
    "labels that nothing else uses (`--test`) would show it."
)
NOT_HELD_OUT_NOTE = (
    "No labelled stamp could be held out, which takes two of each class, of two objects: the gain on the "
    "target is unknown."
)


@dataclass(frozen=True)
class Adaptation:
    """An adapted model and what is known of it."""

    model: Model
    history: pd.DataFrame  # a line per epoch: the final training, and the calls on held-out stamps
    # Columns survey, epoch, row, label and score of the labelled target stamps, each scored by a training
    # that did not see it, after the epoch that the others chose, 0 for the model as it was; no line where no
    # stamp could be held out.
    # The predictions are of the source's test part and the target's test file.
    validation: pd.DataFrame
    predictions: pd.DataFrame
    changes: list[Change]  # what was gained and lost
    record: dict[str, Any]  # content of metrics.json

    def save(self, folder: Path | str, *, overwrite: bool = False) -> None:
        """Write a run's files, ``validation.parquet`` and the report ``adaptation.md``: all, or none.

        Raises a `ContractError` if the folder exists (`check_output`).
        """
        with new_folder(Path(folder), advice=ADVICE, replaced=WRITTEN if overwrite else ()) as temporary:
            write_parquet(temporary / VALIDATION, self.validation)
            (temporary / REPORT).write_text(self.report())
            write_run(
                temporary,
                model=self.model,
                history=self.history,
                predictions=self.predictions,
                metrics=self.record,
            )
            write_digests(temporary)

    def report(self) -> str:
        """What was trained on what, and what it gained and lost, in Markdown."""
        record, shots = self.record, self.record["shots"]
        blocks = [
            f"# {record['source'] or 'A model'} adapted to {record['target']}",
            f"{record['method']} with {shots['real']} real and {shots['bogus']} bogus labels and "
            f"{record['unlabelled']} unlabelled stamps, trained for {counted(record['epochs'], 'epoch')}.",
        ]
        if record["epochs"] == START:
            blocks.append(KEPT_NOTE)
        elif len(self.validation) and self.changes[0].gain < 0:
            blocks.append(DOUBT_NOTE)
        if self.changes:
            table = pd.DataFrame([change.line() for change in self.changes]).set_index("judged on")
            # upright and with short heads, it fits 100 columns
            upright = table.T.rename(columns=lambda head: head.replace("labelled stamps, ", ""))
            blocks.append(upright.rename_axis("judged on").to_markdown(disable_numparse=True))
        without_labels = not any(shots.values())
        not_held_out = WITHOUT_LABELS_NOTE if without_labels else NOT_HELD_OUT_NOTE
        blocks.append(HELD_OUT_NOTE if len(self.validation) else not_held_out)
        if record["files"]["source_stamps"] is None:
            blocks[-1] += "\nThe loss on the model's own survey is unknown: its stamps were not available."
        return "\n\n".join(blocks) + "\n"


def check_output(folder: Path, *, overwrite: bool) -> None:
    """Raise a `ContractError` if the folder exists, or holds other files than those to be overwritten."""
    refuse_existing(folder, advice=ADVICE, replaced=WRITTEN if overwrite else ())


def adapt_model(
    setting: Setting, *, epochs: int, epochs_unjudged: int, processes: int, progress: bool
) -> Adaptation:
    """Adapt a model to a new survey with a few labels.

    Every labelled stamp is held out of one training: together these say after which of `epochs` to stop, or
    that the model had better stay as it was (`choosing.choose_epochs`). How well unseen stamps are called is
    judged by each after the epoch that the others choose. The final training takes all labels; where a class
    has one, none can be held out, and it takes `epochs_unjudged`. Without any
    label minimax entropy adapts on the unlabelled stamps alone, and the model's own survey chooses the epoch.
    `processes` trainings run at the same time, which does not change the result.

    Raises
    ------
    ConfigError, ContractError
        If files and options do not go together (`Setting.check`, `judging.tested_by`), or a stamps file is
        not as it was written.
    DivergedError
        If a loss is NaN or infinite.
    """
    setting.check()
    for path in (setting.target, setting.test, setting.source and setting.source.stamps):
        if path is not None:
            verify_stamps(path)
    juries = tested_by(setting)
    scores = held_out_scores(setting, epochs=epochs, processes=processes, progress=progress)
    rules = {name: setting.training[name] for name in ("keep", "fallback")}
    by_epoch = choose_epochs(scores, **rules)
    if setting.without_labels:
        model, history = training_without_labels(setting, epochs=epochs, progress=progress)
        chosen = chosen_of(history)
    else:
        chosen = chosen_of(by_epoch) if len(by_epoch) else epochs_unjudged
        model, history = final_training(setting, epochs=chosen, progress=progress)
        history = history.merge(by_epoch, on="epoch", how="outer")
    validation = judged_scores(scores, **rules).drop(columns="fold")
    validation.insert(0, "survey", setting.target_stamps.survey)
    changes, tables = [held_out_change(setting, validation)] if len(validation) else [], []
    for jury in juries:
        before, after = (jury.scores(each, setting.device) for each in (setting.starting_model, model))
        changes.append(jury.change(before, after))
        tables.append(after)
    none = pd.DataFrame(columns=list(COLUMNS)).astype(COLUMNS)
    predictions = pd.concat(tables, ignore_index=True) if tables else none
    record = _described(setting) | {
        "epochs": chosen,
        "kept_epoch": chosen,
        "changes": [change.as_dict() for change in changes],
        "evaluation": evaluate_predictions(predictions) if tables else {},
    }
    return Adaptation(model, history, validation, predictions, changes, record)


def _described(setting: Setting) -> dict[str, Any]:
    """What of ``metrics.json`` is known before the training."""
    few, target, source = setting.few_labels, setting.target_stamps, setting.source_stamps
    files = {
        "source_stamps": setting.source and setting.source.stamps,
        "source_splits": setting.source and setting.source.splits,
        "source_labels": setting.source and setting.source.labels,
        "target_stamps": setting.target,
        "test_stamps": setting.test,
    }
    return {
        "method": setting.method,
        "source": setting.seen.title if source is None or setting.seen.name else source.survey,
        "target": target.survey,
        "shots": {"real": len(few.real), "bogus": len(few.bogus)},
        "unlabelled": len(few.pile),
        "seed": setting.seed,
        "network": setting.starting_model.network,
        "options": dict(setting.used_options),
        "training": dict(setting.training),
        "device": "cpu" if setting.device.type == "cpu" else str(setting.device),
        "files": {name: path and str(path.resolve()) for name, path in files.items()},
        "code_digest": code_digest("adapting.adapt", f"methods.{setting.method}"),
        "started_from": {"path": str(setting.model), "sha256": file_digest(setting.model)}
        | asdict(setting.seen),
        "stamps": {each.survey: each.attributes["digest"] for each in (source, target) if each is not None},
        "versions": versions(),
    }


def adapt(
    model: Path | str,
    target: Path | str,
    *,
    method: str = "mme",
    test: Path | str | None = None,
    epochs: int = EPOCHS,
    seed: int = 0,
    device: str = "auto",
    **options: Any,
) -> Adaptation:
    """Adapt a trained model to a new survey with 0 to 40 labels per class, as `stampshift adapt` does.

    It trains in several processes. Each imports the calling script, which needs the ``__main__`` guard.

    Parameters
    ----------
    model
        Folder of a trained run, among the results that hold the stamps and splits of its survey; or folder of
        a released model, or name of one that comes with the package. Of these there are no stamps:
        ``method="finetune"`` needs none, ``"mme"`` those given as `source_stamps` and `source_splits`.
    target, test
        Stamps files of the new survey: one in which a few stamps of each class, or none at all, have labels,
        and one with labels that judge the result and do nothing else.
    method, device
        ``"mme"`` or ``"finetune"``; and ``"auto"``, ``"cpu"`` or ``"cuda"``.
    epochs
        Epochs among which the labels choose.
    options
        Others of `Setting.of_model`, such as ``entropy_weight`` and ``source_stamps``.

    Examples
    --------
    >>> from stampshift import adapt
    >>> adapted = adapt("results/baseline/HiTS/seed-0", "Rubin.h5", epochs=2)
    >>> [change.stamps for change in adapted.changes]
    ['labelled stamps, held out in turn', 'test part']
    >>> adapted.save("adapted")

    A model that comes with the package:

    >>> adapted = adapt("generalist", "Rubin.h5", method="finetune", epochs=2)
    >>> adapted.record["source"]
    'generalist (HiTS, DES, ATLAS, ZTF)'
    """
    options |= {"device": choose_device(device), "test": None if test is None else Path(test)}
    return adapt_model(
        Setting.of_model(model, Path(target), method=method, seed=seed, **options),
        epochs=epochs,
        epochs_unjudged=EPOCHS_UNJUDGED,
        processes=cpu_count(),
        progress=False,
    )
