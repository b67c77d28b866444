"""Optimisers and the course of their learning rate, from the section `training` of the configuration."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.optim.lr_scheduler import LRScheduler


def build_optimiser(
    parameters: Iterable[torch.nn.Parameter], training: Mapping[str, Any]
) -> torch.optim.Optimizer:
    """Stochastic gradient descent with momentum, or Adam (Kingma & Ba 2015) with its usual moments.

    Parameters
    ----------
    parameters
        What to train.
    training
        Section `training` of the configuration: ``optimiser``, ``learning_rate``, ``momentum``.
    """
    rate = training["learning_rate"]
    if training["optimiser"] == "adam":
        return torch.optim.Adam(parameters, lr=rate)
    return torch.optim.SGD(parameters, lr=rate, momentum=training["momentum"])


def build_schedule(optimiser: torch.optim.Optimizer, training: Mapping[str, Any]) -> LRScheduler:
    """Learning rate halved every ``halve_every_iterations`` iterations, or constant where that is None."""
    if training["halve_every_iterations"] is None:
        return torch.optim.lr_scheduler.ConstantLR(optimiser, factor=1.0, total_iters=0)
    return torch.optim.lr_scheduler.StepLR(optimiser, training["halve_every_iterations"], gamma=0.5)


def learning_rates(training: Mapping[str, Any], *, first: int, count: int) -> NDArray[np.float64]:
    """Learning rates of `count` iterations after the `first` ones: those of `build_schedule`, (count,)."""
    iterations = np.arange(first, first + count)
    halvings = iterations // (training["halve_every_iterations"] or first + count + 1)
    return np.asarray(training["learning_rate"] * 0.5**halvings, np.float64)
