"""The labelled stamps of a target, few and of unequal numbers: shots, and folds that judge a training.

No training sees another stamp of a group (`groups.groups_of`) that judges it, labelled or not.
"""

from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from stampshift.core.errors import ContractError
from stampshift.stamps.file import BOGUS, REAL, UNLABELLED, Stamps
from stampshift.stamps.groups import groups_of
from stampshift.stamps.splits import Rows

MOST_FOLDS = 10
HELD_BACK = 10  # every tenth
STUDIED_SHOTS = 40  # the most per class in Cabrera-Vives et al. (2023)


class Fold(NamedTuple):
    """Stamps that a training sees, and those that judge it: rows, ascending, no group on both sides."""

    shots: Rows
    held_out: Rows
    pile: Rows  # unlabelled


@dataclass(frozen=True)
class FewLabels:
    """Rows of a target's stamps file by what is known of them; arrays of rows are int64, ascending."""

    real: Rows
    bogus: Rows
    pile: Rows  # unlabelled stamps that the trainings see
    # every tenth unlabelled stamp with its group, unseen: these say what the survey's stamps look like
    held_back: Rows
    groups: NDArray[np.str_] | None  # of every stamp of the file, None where each is its own

    @classmethod
    def of(cls, target: Stamps) -> Self:
        """Sort the stamps of a file; a `ContractError` is raised if only one of the classes has a label."""
        real, bogus, unlabelled = (
            np.flatnonzero(target.labels == label) for label in (REAL, BOGUS, UNLABELLED)
        )
        if (len(real) > 0) != (len(bogus) > 0):
            raise ContractError(
                f"{target.survey}: expected at least one stamp labelled real and one labelled bogus, or no "
                f"label at all, found {len(real)} and {len(bogus)}. Label one more of the class that has "
                "none (`stampshift review` opens a page for it), or keep the model as it is."
            )
        groups = groups_of(target)
        if groups is None:
            held_back = unlabelled[HELD_BACK - 1 :: HELD_BACK]
        else:
            seen = groups[np.concatenate([real, bogus])]
            unseen = unlabelled[~np.isin(groups[unlabelled], seen)]
            held_back = unseen[np.isin(groups[unseen], groups[unseen[HELD_BACK - 1 :: HELD_BACK]])]
        return cls(real, bogus, np.setdiff1d(unlabelled, held_back), held_back, groups)

    @property
    def labelled(self) -> Rows:
        """Rows of all labelled stamps, ascending."""
        return np.sort(np.concatenate([self.real, self.bogus]))

    def folds(self, *, seed: int) -> list[Fold]:
        """Folds that hold every labelled stamp out once, each with both classes on either side.

        With up to ten labels of the rarer class, every fold holds one of them out, and its share of the other
        class: with equal numbers, one of each. All stamps of a group are held out together, and there are at
        most as many folds as the rarer class has groups. With one of a class there is no fold.
        """
        rows, real = self.labelled, np.isin(self.labelled, self.real)
        groups = None if self.groups is None else self.groups[rows]
        splitter = StratifiedKFold if self.groups is None else StratifiedGroupKFold
        for count in range(min(*self._groups_by_class(), MOST_FOLDS), 1, -1):
            parts = splitter(count, shuffle=True, random_state=seed).split(rows, real, groups)
            found = [self._fold(rows[shots], rows[held]) for shots, held in parts]
            sides = [side for fold in found for side in (fold.shots, fold.held_out)]
            if all(len(np.unique(np.isin(side, self.real))) == 2 for side in sides):
                return found
        return []

    def _fold(self, shots: Rows, held_out: Rows) -> Fold:
        if self.groups is None:
            return Fold(shots, held_out, self.pile)
        judges = np.isin(self.groups[self.pile], self.groups[held_out])
        return Fold(shots, held_out, self.pile[~judges])

    def _groups_by_class(self) -> tuple[int, int]:
        """Numbers of groups of the real and of the bogus labels."""
        real, bogus = (
            len(rows) if self.groups is None else len(np.unique(self.groups[rows]))
            for rows in (self.real, self.bogus)
        )
        return real, bogus

    def how_judged(self, *, seed: int, epochs_unjudged: int) -> str:
        """How many labels there are, and what can be known of a model that they make."""
        if not len(self.labelled):
            return (
                f"No labels, {len(self.pile)} unlabelled stamps, {len(self.held_back)} more held back. The "
                "epoch is chosen on the model's own survey, and the gain on the target stays unknown. Two "
                "labels of each class would show it."
            )
        groups, folds = self._groups_by_class(), len(self.folds(seed=seed))
        one = "label" if groups == (len(self.real), len(self.bogus)) else "object"
        text = (
            f"{len(self.real)} real and {len(self.bogus)} bogus labels, {len(self.pile)} unlabelled "
            f"stamps, {len(self.held_back)} more held back. "
        )
        if one == "object":
            text += (
                f"The labels are of {groups[0]} real and {groups[1]} bogus objects; stamps of one object, "
                "and identical stamps, are held out together. "
            )
        if not folds:
            text += (
                f"With one {one} of a class none can be held out for validation: the training takes "
                f"{epochs_unjudged} epochs, and its gain on the target stays unknown. A second {one} of each "
                "class would show it."
            )
        elif folds < MOST_FOLDS:
            text += (
                f"Too few to set some aside for validation: {folds} trainings each leave one"
                f"{' object' if one == 'object' else ''} of the rarer class out, with its share of the "
                "other, and together choose the epoch."
            )
        else:
            text += f"{MOST_FOLDS} trainings each hold a tenth of them out, and together choose the epoch."
        if max(len(self.real), len(self.bogus)) > STUDIED_SHOTS:
            text += f" More than {STUDIED_SHOTS} per class have not been studied; all are used."
        return text
