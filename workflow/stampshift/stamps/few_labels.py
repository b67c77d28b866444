"""The labelled stamps of a target, few and of unequal numbers: shots, and folds that judge a training."""

from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from sklearn.model_selection import StratifiedKFold

from stampshift.core.errors import ContractError
from stampshift.stamps.file import BOGUS, REAL, UNLABELLED, Stamps
from stampshift.stamps.splits import Rows

MOST_FOLDS = 10
HELD_BACK = 10  # every tenth
STUDIED_SHOTS = 40  # the most per class in Cabrera-Vives et al. (2023)


class Fold(NamedTuple):
    """Labelled stamps that a training sees, and those that judge it: rows, ascending, none in both."""

    shots: Rows
    held_out: Rows


@dataclass(frozen=True)
class FewLabels:
    """Rows of a target's stamps file by what is known of them; every array is int64, ascending."""

    real: Rows
    bogus: Rows
    pile: Rows  # unlabelled stamps that the trainings see
    held_back: Rows  # every tenth unlabelled stamp, unseen: these say what the survey's stamps look like

    @classmethod
    def of(cls, target: Stamps) -> Self:
        """Sort the stamps of a file in which some have labels.

        Raises
        ------
        ContractError
            If a class has no label at all.
        """
        real, bogus, unlabelled = (
            np.flatnonzero(target.labels == label) for label in (REAL, BOGUS, UNLABELLED)
        )
        if not len(real) or not len(bogus):
            raise ContractError(
                f"{target.survey}: expected at least one stamp labelled real and one labelled bogus, found "
                f"{len(real)} and {len(bogus)}. Label one more of the class that has none "
                "(`stampshift review` opens a page for it), or keep the model as it is."
            )
        held_back = unlabelled[HELD_BACK - 1 :: HELD_BACK]
        return cls(real, bogus, np.setdiff1d(unlabelled, held_back), held_back)

    @property
    def labelled(self) -> Rows:
        """Rows of all labelled stamps, ascending."""
        return np.sort(np.concatenate([self.real, self.bogus]))

    @property
    def fewest(self) -> int:
        """Number of labels of the class that has fewer."""
        return min(len(self.real), len(self.bogus))

    def folds(self, *, seed: int) -> list[Fold]:
        """Folds that hold every labelled stamp out once, each with both classes on either side.

        With up to ten labels of the rarer class, every fold holds one of them out, and its share of the other
        class: with equal numbers, one of each. With one label of a class there is no fold.
        """
        if self.fewest < 2:
            return []
        rows = self.labelled
        parts = StratifiedKFold(min(self.fewest, MOST_FOLDS), shuffle=True, random_state=seed)
        return [Fold(rows[shots], rows[held]) for shots, held in parts.split(rows, np.isin(rows, self.real))]

    def how_judged(self, *, epochs_unjudged: int) -> str:
        """How many labels there are, and what can be known of a model that they make."""
        text = (
            f"{len(self.real)} real and {len(self.bogus)} bogus labels, {len(self.pile)} unlabelled "
            f"stamps, {len(self.held_back)} more held back. "
        )
        if self.fewest < 2:
            text += (
                "With one label of a class none can be held out for validation: the training takes "
                f"{epochs_unjudged} epochs, and its gain on the target stays unknown. A second label of each "
                "class would show it."
            )
        elif self.fewest < MOST_FOLDS:
            text += (
                f"Too few to set some aside for validation: {self.fewest} trainings each leave one of the "
                "rarer class out, with its share of the other, and together choose the epoch."
            )
        else:
            text += f"{MOST_FOLDS} trainings each hold a tenth of them out, and together choose the epoch."
        if max(len(self.real), len(self.bogus)) > STUDIED_SHOTS:
            text += f" More than {STUDIED_SHOTS} per class have not been studied; all are used."
        return text
