"""Optimisers, and the course of their learning rate."""

from collections.abc import Iterable
from inspect import unwrap
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import Parameter
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from stampshift.methods.method import Options


class _Uncompiled:
    """Optimisers of torch without the wrappers around their methods, which serve `torch.compile` alone.

    These wrappers import the compiler at their first call, which takes longer than a short training.
    """

    def __init_subclass__(cls) -> None:
        for name in ("add_param_group", "zero_grad", "state_dict", "load_state_dict"):
            setattr(cls, name, unwrap(getattr(cls, name)))
        step: Any = unwrap(cls.step)  # type: ignore[attr-defined]
        cls.step = torch.no_grad()(step)  # type: ignore[attr-defined]


class _SGD(_Uncompiled, torch.optim.SGD): ...


class _Adam(_Uncompiled, torch.optim.Adam): ...


def build_optimiser(parameters: Iterable[Parameter], training: Options) -> Optimizer:
    """Stochastic gradient descent with momentum, or Adam (Kingma & Ba 2015) with its usual moments."""
    rate = training["learning_rate"]
    if training["optimiser"] == "adam":
        return _Adam(parameters, lr=rate)
    return _SGD(parameters, lr=rate, momentum=training["momentum"])


def build_schedule(optimiser: Optimizer, training: Options, *, iterations: int) -> LRScheduler:
    """Learning rate halved as in `halving`, or constant where that is None; a step of it per iteration."""
    every = halving(training, iterations=iterations)
    if every is None:
        return torch.optim.lr_scheduler.ConstantLR(optimiser, factor=1.0, total_iters=0)
    return torch.optim.lr_scheduler.StepLR(optimiser, every, gamma=0.5)


def learning_rates(training: Options, *, first: int, count: int, iterations: int) -> NDArray[np.float64]:
    """Learning rates of `count` iterations after the `first` ones: those of `build_schedule`, (count,)."""
    numbers = np.arange(first, first + count)
    halvings = numbers // (halving(training, iterations=iterations) or first + count + 1)
    return np.asarray(training["learning_rate"] * 0.5**halvings, np.float64)


def halving(training: Options, *, iterations: int) -> int | None:
    """Iterations between two halvings of the learning rate, given those of an epoch; None for no halving."""
    epochs: int | None = training.get("halve_every_epochs")
    every: int | None = training["halve_every_iterations"]
    return every if epochs is None else epochs * iterations
