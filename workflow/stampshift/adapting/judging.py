"""The stamps that judge an adapted model; no training of the adaptation has seen their labels."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from stampshift.adapting.gain import Change
from stampshift.adapting.setting import Setting
from stampshift.core.errors import ContractError
from stampshift.stamps.file import Stamps
from stampshift.stamps.splits import Rows
from stampshift.training.model import Model, predict


@dataclass(frozen=True)
class Jury:
    """Labelled stamps that judge both models.

    Attributes
    ----------
    stamps
        The file that they are in.
    rows
        int64 (n,), ascending.
    words
        Which they are, for print.
    """

    stamps: Stamps
    rows: Rows
    words: str

    def scores(self, model: Model, *, device: torch.device) -> pd.DataFrame:
        """Columns ``survey``, ``row``, ``label`` and ``score`` of a model."""
        scores = predict(model.classifier(device), self.stamps.stamps, self.rows, device=device)
        labels = self.stamps.labels[self.rows]
        return pd.DataFrame(
            {"survey": self.stamps.survey, "row": self.rows, "label": labels, "score": scores}
        )

    def change(self, before: pd.DataFrame, after: pd.DataFrame) -> Change:
        """Compare the scores of two models."""
        return Change.between(
            before["score"],
            after["score"],
            labels=before["label"],
            survey=self.stamps.survey,
            stamps=self.words,
        )


def source_test(setting: Setting) -> list[Jury]:
    """The test part of the model's own survey, in a list that is empty without its files."""
    if setting.source_stamps is None or setting.source_splits is None:
        return []
    return [Jury(setting.source_stamps, setting.source_splits.test, "test part")]


def target_test(setting: Setting, path: Path | None) -> list[Jury]:
    """A file of labelled stamps of the target, in a list that is empty without one.

    Raises
    ------
    ContractError
        If it is of another size, or has a candidate that the adaptation sees, labelled or not.
    """
    if path is None:
        return []
    test, target = Stamps.open(path), setting.target_stamps
    setting.check_stamps(test)
    shared = np.intersect1d(test.ids, target.ids)
    if len(shared):
        raise ContractError(
            f"{path}: expected candidates that the adaptation does not see, found {len(shared)} that are in "
            f"{setting.target} too, such as {shared[0]}. Take them out of one of the files."
        )
    return [Jury(test, np.arange(len(test)), "test file")]


def held_out(setting: Setting, scores: pd.DataFrame, *, device: torch.device) -> list[Change]:
    """The labelled stamps of the target, each called by a training that did not see it.

    Parameters
    ----------
    setting
        Files and options.
    scores
        Of the chosen epoch: columns ``row``, ``label`` and ``score``; empty where no stamp could be held out.
    device
        Where to score.
    """
    if scores.empty:
        return []
    jury = Jury(setting.target_stamps, scores["row"].to_numpy(np.int64), "labelled stamps, held out in turn")
    return [jury.change(jury.scores(setting.starting_model, device=device), scores)]
