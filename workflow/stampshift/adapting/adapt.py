"""Adapt a model to a new survey and write the run's files."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from stampshift.adapting.gain import Change
from stampshift.adapting.judging import held_out, source_test, target_test
from stampshift.adapting.setting import Setting
from stampshift.adapting.trainings import choose_epochs, final_training, held_out_scores
from stampshift.core.files import atomic_path, write_json, write_parquet
from stampshift.core.provenance import code_digest, file_digest, versions
from stampshift.metrics.metrics import evaluate_predictions
from stampshift.training.model import Model


@dataclass(frozen=True)
class Adaptation:
    """An adapted model and what is known of it.

    Attributes
    ----------
    model
        The adapted model.
    history
        A line per epoch of the final training, and how well the held-out stamps were called after it.
    validation
        The labelled target stamps, each scored by a training that did not see it: columns ``survey``,
        ``row``, ``label`` and ``score``; no line where no stamp could be held out.
    predictions
        Scores of the adapted model, same columns: the source's test part, and the target's test file.
    changes
        What was gained and lost.
    record
        Content of ``metrics.json``.
    """

    model: Model
    history: pd.DataFrame
    validation: pd.DataFrame
    predictions: pd.DataFrame
    changes: list[Change]
    record: dict[str, Any]

    def save(self, folder: Path, *, report: str) -> None:
        """Write the files of a run, ``validation.parquet`` and the report; the record comes last."""
        folder.mkdir(parents=True, exist_ok=True)
        self.model.save(folder / "model.pt")
        for name in ("history", "validation", "predictions"):
            write_parquet(folder / f"{name}.parquet", getattr(self, name))
        with atomic_path(folder / "adaptation.md") as temporary:
            temporary.write_text(report)
        write_json(folder / "metrics.json", self.record)


def adapt(
    setting: Setting,
    *,
    epochs: int,
    epochs_unjudged: int,
    test: Path | None,
    device: torch.device,
    processes: int,
    progress: bool,
) -> Adaptation:
    """Adapt a model to a new survey with a few labels.

    Every labelled stamp is held out of one training: together these say after which epoch to stop, and how
    well stamps are called that a training has not seen. The final training takes all labels.

    Parameters
    ----------
    setting
        Files and options.
    epochs
        Epochs among which the held-out stamps choose.
    epochs_unjudged
        Epochs to train where a class has one label, which leaves none to hold out.
    test
        Stamps file of the target with labels that nothing else uses, to judge the result by; or None.
    device
        Where to train.
    processes
        Trainings at the same time on a CPU; it does not change the result.
    progress
        Whether to show progress bars, if the error stream is a terminal.

    Raises
    ------
    ConfigError, ContractError
        If files and options do not go together (`Setting.check`, `judging.target_test`).
    DivergedError
        If a loss is NaN or infinite.
    """
    setting.check()
    juries = [*source_test(setting), *target_test(setting, test)]
    scores = held_out_scores(setting, epochs=epochs, device=device, processes=processes, progress=progress)
    by_epoch = choose_epochs(scores)
    chosen = int(by_epoch.loc[by_epoch["chosen"], "epoch"].iloc[0]) if len(by_epoch) else epochs_unjudged
    state, history = final_training(setting, epochs=chosen, device=device, progress=progress)
    start = setting.starting_model
    model = Model(
        state=state,
        network=start.network,
        head=setting.recipe.head,
        size_pixels=start.size_pixels,
        temperature=setting.options.get("temperature"),
    )
    validation = scores[scores["epoch"] == chosen].drop(columns="epoch").reset_index(drop=True)
    validation.insert(0, "survey", setting.target_stamps.survey)
    before, after = ([jury.scores(each, device=device) for jury in juries] for each in (start, model))
    changes = held_out(setting, validation, device=device)
    changes += [jury.change(*pair) for jury, *pair in zip(juries, before, after, strict=True)]
    predictions = pd.concat(after, ignore_index=True) if after else validation[:0]
    return Adaptation(
        model=model,
        history=history.merge(by_epoch, on="epoch", how="outer"),
        validation=validation,
        predictions=predictions,
        changes=changes,
        record=_record(setting, changes, chosen=chosen, predictions=predictions, test=test, device=device),
    )


def _record(
    setting: Setting,
    changes: list[Change],
    *,
    chosen: int,
    predictions: pd.DataFrame,
    test: Path | None,
    device: torch.device,
) -> dict[str, Any]:
    labels, target = setting.few_labels, setting.target_stamps
    source = setting.source_stamps
    return {
        "method": setting.method,
        "source": source and source.survey,
        "target": target.survey,
        "shots": {"real": len(labels.real), "bogus": len(labels.bogus)},
        "unlabelled": len(labels.pile),
        "seed": setting.seed,
        "network": setting.starting_model.network,
        "options": dict(setting.options),
        "training": dict(setting.training),
        "epochs": chosen,
        "best_epoch": chosen,
        "files": {
            "source_stamps": setting.source and str(setting.source.stamps.resolve()),
            "source_splits": setting.source and str(setting.source.splits.resolve()),
            "target_stamps": str(setting.target.resolve()),
            "test_stamps": test and str(test.resolve()),
        },
        "code_digest": code_digest("adapting.adapt", f"methods.{setting.method}"),
        "device": "cpu" if device.type == "cpu" else str(device),
        "changes": [change.as_dict() for change in changes],
        "evaluation": evaluate_predictions(predictions) if len(predictions) else {},
        "started_from": {"path": str(setting.model), "sha256": file_digest(setting.model)},
        "stamps": {
            stamps.survey: stamps.attributes["digest"] for stamps in (source, target) if stamps is not None
        },
        "versions": versions(),
    }
