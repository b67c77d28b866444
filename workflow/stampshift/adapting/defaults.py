"""Defaults of an adaptation. No torch: the command line shows them in its help."""

from typing import Any

EPOCHS, EPOCHS_UNJUDGED = 20, 5
ENTROPY_WEIGHT = 0.1
TEMPERATURE = 0.05
EPOCH_SIZE = 2500
BATCH_SIZE = 50
LEARNING_RATE = 0.01
MOMENTUM = 0.9


def mme_options(
    *, entropy_weight: float = ENTROPY_WEIGHT, temperature: float = TEMPERATURE
) -> dict[str, Any]:
    """Options of MME: source and shots in every batch, a new head, one step for both losses."""
    return {
        "labelled": ["source", "target"],
        "head": "random",
        "steps": "one",
        "temperature": temperature,
        "entropy_weight": entropy_weight,
    }


def training_options(
    *,
    learning_rate: float = LEARNING_RATE,
    momentum: float = MOMENTUM,
    batch_size: int = BATCH_SIZE,
    epoch_size: int = EPOCH_SIZE,
) -> dict[str, Any]:
    """Section `training` of an adaptation, without stopping: the held-out labels choose the epoch."""
    return {
        "optimiser": "sgd",
        "learning_rate": learning_rate,
        "momentum": momentum,
        "halve_every_iterations": None,
        "batch_size": batch_size,
        "epoch_size": epoch_size,
    }
