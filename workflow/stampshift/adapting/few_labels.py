"""The labelled stamps of a target, few and of unequal numbers: shots, and folds that judge a training."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from sklearn.model_selection import StratifiedKFold

from stampshift.core.errors import ContractError
from stampshift.stamps.file import BOGUS, REAL, UNLABELLED, Stamps
from stampshift.stamps.splits import Rows

MOST_FOLDS = 10
HELD_BACK = 10  # every tenth
STUDIED_SHOTS = 40  # the most per class in Cabrera-Vives et al. (2023)


@dataclass(frozen=True)
class Fold:
    """Labelled stamps that a training sees, and those that judge it.

    Attributes
    ----------
    shots, held_out
        Rows of the target's stamps file, int64, ascending; no row is in both.
    """

    shots: Rows
    held_out: Rows


@dataclass(frozen=True)
class FewLabels:
    """Rows of a target's stamps file by what is known of them; every array is int64, ascending.

    Attributes
    ----------
    real, bogus
        Labelled stamps.
    pile
        Unlabelled stamps that the trainings see.
    held_back
        Every tenth unlabelled stamp, which no training sees: they say what stamps of this survey look like to
        the finished model.
    """

    real: Rows
    bogus: Rows
    pile: Rows
    held_back: Rows

    @classmethod
    def of(cls, target: Stamps) -> Self:
        """Sort the stamps of a file that has labels for some of them.

        Raises
        ------
        ContractError
            If a class has no label at all.
        """
        real, bogus, unlabelled = (
            np.flatnonzero(target.labels == label) for label in (REAL, BOGUS, UNLABELLED)
        )
        held_back = unlabelled[HELD_BACK - 1 :: HELD_BACK]
        found = cls(real, bogus, np.setdiff1d(unlabelled, held_back), held_back)
        if not len(found.real) or not len(found.bogus):
            raise ContractError(
                f"{target.survey}: expected at least one stamp labelled real and one labelled bogus, found "
                f"{len(found.real)} and {len(found.bogus)}. Label one more of the class that has none "
                "(`stampshift review` opens a page for it), or keep the model as it is."
            )
        return found

    @property
    def labelled(self) -> Rows:
        """Rows of all labelled stamps, ascending."""
        return np.sort(np.concatenate([self.real, self.bogus]))

    @property
    def fewest(self) -> int:
        """Number of labels of the class that has fewer."""
        return min(len(self.real), len(self.bogus))

    def folds(self, *, seed: int) -> list[Fold]:
        """Folds such that every labelled stamp is held out once, each with both classes on either side.

        Up to ten labels of the rarer class every fold holds one of them out, and its share of the other
        class: with equal numbers, one of each. With one label of a class there is no fold.

        Parameters
        ----------
        seed
            Of the random assignment.
        """
        if self.fewest < 2:
            return []
        rows = self.labelled
        is_real = np.isin(rows, self.real)
        parts = StratifiedKFold(min(self.fewest, MOST_FOLDS), shuffle=True, random_state=seed)
        return [Fold(rows[shots], rows[held]) for shots, held in parts.split(rows, is_real)]

    def how_judged(self, *, epochs_unjudged: int) -> str:
        """How many labels there are, and what can be known of a model that they make."""
        told = (
            f"{len(self.real)} real and {len(self.bogus)} bogus labels, {len(self.pile)} unlabelled "
            f"stamps, {len(self.held_back)} more held back. "
        )
        if self.fewest < 2:
            told += (
                "With one label of a class none can be held out for validation: the training takes "
                f"{epochs_unjudged} epochs, and what it gains on the target cannot be told. A second label "
                "of each class would tell."
            )
        elif self.fewest < MOST_FOLDS:
            told += (
                f"Too few to set some aside for validation: {self.fewest} trainings each leave one of the "
                "rarer class out, with its share of the other, and together choose the epoch."
            )
        else:
            told += f"{MOST_FOLDS} trainings each hold a tenth of them out, and together choose the epoch."
        if max(len(self.real), len(self.bogus)) > STUDIED_SHOTS:
            told += f" More than {STUDIED_SHOTS} per class have not been studied; all are used."
        return told
