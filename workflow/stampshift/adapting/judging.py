"""The stamps that judge an adapted model; no training of the adaptation has seen their labels."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch

from stampshift.adapting.setting import Setting
from stampshift.core.errors import ContractError
from stampshift.metrics.change import Change
from stampshift.stamps.file import Stamps
from stampshift.stamps.splits import Rows
from stampshift.training.model import Model, predict


class Jury(NamedTuple):
    """Labelled stamps that judge both models: rows of a file, and which they are in words."""

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


def tested_by(setting: Setting, test: Path | None) -> list[Jury]:
    """The test part of the model's own survey, and the target's test file: those that there are.

    Raises
    ------
    ContractError
        If the file's stamps do not fit the model, or it has a candidate that the adaptation sees.
    """
    juries = []
    if setting.source_stamps is not None and setting.source_splits is not None:
        juries.append(Jury(setting.source_stamps, setting.source_splits.test, "test part"))
    if test is not None:
        stamps = Stamps.open(test)
        setting.check_stamps(stamps)
        shared = np.intersect1d(stamps.ids, setting.target_stamps.ids)
        if len(shared):
            raise ContractError(
                f"{test}: expected candidates that the adaptation does not see, found {len(shared)} that are "
                f"in {setting.target} too, such as {shared[0]}. Take them out of one of the files."
            )
        juries.append(Jury(stamps, np.arange(len(stamps)), "test file"))
    return juries


def held_out_change(setting: Setting, scores: pd.DataFrame, *, device: torch.device) -> list[Change]:
    """The labelled stamps of the target, each called by a training that did not see it.

    `scores` has columns ``row``, ``label`` and ``score`` of the chosen epoch; without a line there is no
    change.
    """
    if scores.empty:
        return []
    jury = Jury(setting.target_stamps, scores["row"].to_numpy(np.int64), "labelled stamps, held out in turn")
    return [jury.change(jury.scores(setting.starting_model, device=device), scores)]
