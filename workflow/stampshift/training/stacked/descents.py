"""The optimisers of a stack: one step for all lanes, in place, of what torch's own would do to each.

Torch's own have one learning rate and one number of steps; every lane has its own.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from stampshift.methods.method import Options

ADAM, SGD = "adam", "sgd"
BETAS, EPSILON = (0.9, 0.999), 1e-8  # of `torch.optim.Adam` unless it is given others

# of parameters and their gradient (lanes, total), moments by name (likewise), learning rates and numbers of
# this step, from 1 (lanes,)
Step = Callable[[Tensor, Tensor, Mapping[str, Tensor], Tensor, Tensor], None]


class Descent(NamedTuple):
    """An optimiser of lanes."""

    moments: tuple[str, ...]  # what it keeps of a parameter, by torch's names
    counts: bool  # whether torch's own keeps the number of its steps, too
    step_of: Callable[[Options], Step]  # given a section `training` of the configuration


def sgd(
    parameters: Tensor,
    gradient: Tensor,
    moments: Mapping[str, Tensor],
    rates: Tensor,
    steps: Tensor,  # noqa: ARG001
    *,
    momentum: float,
) -> None:
    """A step of stochastic gradient descent with momentum."""
    kept = moments["momentum_buffer"]
    torch.add(gradient, kept, alpha=momentum, out=kept)
    parameters.addcmul_(kept, rates.unsqueeze(1), value=-1)


def adam(
    parameters: Tensor, gradient: Tensor, moments: Mapping[str, Tensor], rates: Tensor, steps: Tensor
) -> None:
    """A step of Adam (Kingma & Ba 2015)."""
    mean, square = moments["exp_avg"], moments["exp_avg_sq"]
    mean.lerp_(gradient, 1 - BETAS[0])
    square.mul_(BETAS[1]).addcmul_(gradient, gradient, value=1 - BETAS[1])
    # in double precision: in single, 1 - 0.999 is wrong in its fifth digit
    first, second = (1 - beta ** steps.double() for beta in BETAS)
    size, root = (each.to(parameters.dtype).unsqueeze(1) for each in (rates / first, second.sqrt()))
    parameters.addcdiv_(mean * size, (square.sqrt() / root).add_(EPSILON), value=-1)


DESCENTS = {
    SGD: Descent(("momentum_buffer",), False, lambda training: partial(sgd, momentum=training["momentum"])),
    ADAM: Descent(("exp_avg", "exp_avg_sq"), True, lambda training: adam),  # noqa: ARG005
}
