"""Which epoch's weights a training keeps, read off its history. No torch.

One training serves every rule: weights are copied as it goes, and the rules choose among the same epochs.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

FIRST_BEST, LOWEST_LOSS = "first_best", "lowest_validation_loss"
# columns that the rules choose by
ACCURACY, LOSS = "validation_balanced_accuracy", "validation_loss"
Choose = Callable[[NDArray[np.float64], NDArray[np.float64]], int]  # from accuracies and losses to an index

RULES: dict[str, Choose] = {
    FIRST_BEST: lambda accuracies, losses: int(accuracies.argmax()),  # noqa: ARG005
    "last_best": lambda accuracies, losses: len(losses) - 1 - int(accuracies[::-1].argmax()),
    LOWEST_LOSS: lambda accuracies, losses: int(losses.argmin()),  # noqa: ARG005
    "last": lambda accuracies, losses: len(losses) - 1,  # noqa: ARG005
}

# by `training.stop_on`, the rule whose epoch the patience counts from: the first one of the best value
PATIENCE = {ACCURACY: FIRST_BEST, LOSS: LOWEST_LOSS}


def kept_epochs(accuracies: ArrayLike, losses: ArrayLike) -> dict[str, int]:
    """Epoch, numbered from 1, that each rule keeps of those of a history, at least one.

    Parameters
    ----------
    accuracies, losses
        Validation balanced accuracy and cross-entropy (nats) after each epoch, of equal length.

    Returns
    -------
    dict
        ``first_best`` and ``last_best``, the first and the last epoch of the highest accuracy;
        ``lowest_validation_loss``, the first of the lowest loss; ``last``, the last epoch.
    """
    reached, lost = np.asarray(accuracies, float), np.asarray(losses, float)
    return {rule: 1 + choose(reached, lost) for rule, choose in RULES.items()}
