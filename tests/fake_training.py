"""Section `training` of short trainings."""

from typing import Any

TRAINING: dict[str, Any] = {
    "optimiser": "sgd",
    "learning_rate": 0.01,
    "momentum": 0.9,
    "halve_every_iterations": 100_000,
    "batch_size": 20,
    "epoch_size": 100,
    "patience_epochs": 2,
    "max_epochs": 2,
    "keep": "first_best",
}
