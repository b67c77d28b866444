"""The stamps that judge an adapted model; no training of the adaptation has seen their labels."""

from typing import NamedTuple

import numpy as np
import pandas as pd
import torch

from stampshift.adapting.setting import Setting
from stampshift.core.errors import ContractError
from stampshift.metrics.change import Change
from stampshift.stamps.file import BOGUS, REAL, UNLABELLED, Stamps
from stampshift.stamps.splits import Rows
from stampshift.training.model import Model, predict


class Jury(NamedTuple):
    """Labelled stamps that judge both models: rows of a file, and which they are in words."""

    stamps: Stamps
    rows: Rows
    words: str

    def scores(self, model: Model, device: torch.device) -> pd.DataFrame:
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


def tested_by(setting: Setting) -> list[Jury]:
    """The test part of the model's own survey, and the target's test file: those that there are.

    Raises
    ------
    ContractError
        If the file's stamps do not fit the model, lack a class, or are of candidates or objects that the
        adaptation sees.
    """
    juries = []
    if setting.source_stamps is not None and setting.source_splits is not None:
        juries.append(Jury(setting.source_stamps, setting.source_splits.test, "test part"))
    if setting.test is not None:
        stamps = Stamps.open(setting.test, unlabelled=True)
        setting.check_stamps(stamps)
        rows = np.flatnonzero(stamps.labels != UNLABELLED)  # what people left undecided judges nothing
        _check_unseen(stamps, rows, setting)
        juries.append(Jury(stamps, rows, "test file"))
    return juries


def _check_unseen(stamps: Stamps, rows: Rows, setting: Setting) -> None:
    """Refuse a test file of one class, or with anything that the adaptation sees, labelled or not."""
    reals, bogus = (int((stamps.labels == label).sum()) for label in (REAL, BOGUS))
    if not (reals and bogus):
        raise ContractError(
            f"{setting.test}: expected stamps of both classes, found {reals} real and {bogus} bogus. Add "
            "some of the other class."
        )
    seen = setting.target_stamps
    for words, ours, theirs in (
        ("candidates", stamps.ids[rows], seen.ids),
        ("objects", stamps.groups[rows], seen.groups),
        ("pixels", stamps.fingerprints[rows], seen.fingerprints),
    ):
        shared = np.isin(ours, theirs) & (ours.astype(np.str_) != "")
        if shared.any():
            first = stamps.ids[rows[int(np.argmax(shared))]]
            raise ContractError(
                f"{setting.test}: expected {words} that the adaptation does not see, found "
                f"{int(shared.sum())} stamps whose {words} are in {setting.target} too, such as candidate "
                f"{first}. Take them out of one of the files."
            )


def held_out_change(setting: Setting, scores: pd.DataFrame) -> Change:
    """The labelled stamps of the target, each called by a training that did not see it.

    `scores` has columns ``row``, ``label`` and ``score`` of the chosen epoch.
    """
    jury = Jury(setting.target_stamps, scores["row"].to_numpy(np.int64), "labelled stamps, held out in turn")
    return jury.change(jury.scores(setting.starting_model, setting.device), scores)
