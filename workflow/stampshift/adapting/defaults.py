"""Defaults of an adaptation. No torch: the command line shows them in its help."""

from typing import Any

EPOCHS, EPOCHS_UNJUDGED = 20, 25
# options of MME: source and shots in every batch, a new head, one step for both losses
MME: dict[str, Any] = {
    "labelled": ["source", "target"],
    "head": "random",
    "steps": "one",
    "epoch": "together",
    "temperature": 0.05,
    "entropy_weight": 0.1,
}
# section `training`, without stopping: held-out labels choose the epoch, by the rule `keep`; None is for the
# highest balanced accuracy, of equals the lowest cross-entropy. With `fallback` the model stays as it was
# where they are called worse.
TRAINING: dict[str, Any] = {
    "optimiser": "sgd",
    "learning_rate": 0.01,
    "momentum": 0.9,
    "halve_every_iterations": None,
    "batch_size": 50,
    "epoch_size": 500,
    "keep": None,
    "fallback": True,
}
# Of `training`, by method: turned, a few labelled stamps are eight times as many. Where nothing but these
# trains, it rather harms (`benchmarks/README.md`, "Adapted to real alerts").
AUGMENTATION = {"mme": "rotations_and_flips", "finetune": "none"}
