"""One step of a method on several lanes at once, each with its own batch, options and learning rate.

A method's losses stay what they are, written for one model and one batch: `torch.func.vmap` runs them once
for all lanes, on a classifier whose extractor takes all lanes' stamps together.
"""

from collections.abc import Callable, Mapping
from copy import deepcopy
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from stampshift.methods.method import Batch, Loss, Options, loss_and_hits, part_of
from stampshift.networks.classifier import Classifier
from stampshift.stamps.file import REAL
from stampshift.training.stacked.extractor import DropoutMasks, dropouts, stacked_features
from stampshift.training.stacked.lane import Lane, LaneWeights

ALL_LANES = 1  # dimension of the lanes in stamps and features

Function = Callable[[Tensor], Tensor]


class _Together(torch.autograd.Function):
    """Within `vmap`: a function of all lanes' values at once, where the code around it sees one lane's."""

    @staticmethod
    def forward(values: Tensor, function: Function) -> Tensor:
        raise NotImplementedError("the lanes of a stack exist within torch.func.vmap only")

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        """Nothing to keep: the function's own operations know their gradients."""

    @staticmethod
    def vmap(info: Any, in_dims: Any, values: Tensor, function: Function) -> tuple[Tensor, int]:  # noqa: ARG004
        return function(values.movedim(in_dims[0], ALL_LANES)), ALL_LANES


class _Part(nn.Module):
    """A function in the place of an extractor or a head."""

    def __init__(self, function: Function) -> None:
        super().__init__()
        self._function = function

    def forward(self, values: Tensor) -> Tensor:
        return self._function(values)


class StackedModel:
    """The classifiers of several lanes, all of one method.

    One lane gives their structure and training. Its extractor is a sequence of layers, none of them
    `unstackable`.
    """

    def __init__(self, lane: Lane) -> None:
        self._template = deepcopy(lane.classifier).to("meta")
        self.extractor = nn.Sequential(*self._template.extractor.children())
        self._head = partial(functional_call, self._template.head)  # of weights and features
        self._losses, self._momentum = lane.task.method.losses, lane.task.training["momentum"]
        self.dropouts = dropouts(self.extractor, lane.task.data.source.stamps.shape[1:])

    def step(
        self, weights: LaneWeights, batch: Batch, options: Options, *, masks: DropoutMasks, rates: Tensor
    ) -> tuple[Tensor, Tensor]:
        """One iteration: a step on each loss of the method, one after the other.

        Returns each lane's sum of the losses and number of labelled stamps called right, (lanes,) both.
        The weights change in place. The batch has stamps (batch, lanes, 3, size, size), labels (batch, lanes)
        and unlabelled stamps likewise. All lanes share the method's options but for tensors among them, which
        are (lanes,) as the learning rates are. The masks are those of the epoch.
        """
        self._template.train()
        masks.next_step()
        total, right = torch.zeros_like(rates), torch.zeros_like(rates)
        for loss_of in self._losses:
            losses, hits = self._lanes_losses(loss_of, weights, batch, options, masks)
            # a lane's loss depends on its own weights alone: the gradient of the sum is each lane's own
            (gradient,) = torch.autograd.grad(losses.sum(), weights.parameters)
            weights.descend(gradient, rates, momentum=self._momentum)
            total += losses.detach()
            right += hits
        return total, right

    def _lanes_losses(
        self, loss_of: Loss, weights: LaneWeights, batch: Batch, options: Options, masks: DropoutMasks
    ) -> tuple[Tensor, Tensor]:
        named = weights.named()
        numbers = {name: value for name, value in options.items() if isinstance(value, Tensor)}

        def features(stamps: Tensor) -> Tensor:
            return self.features(named, stamps, masks.take(len(stamps), stamps.dtype))

        def of_one_lane(
            stamps: Tensor, labels: Tensor, unlabelled: Tensor | None, head: Any, own_numbers: Any
        ) -> tuple[Tensor, Tensor]:
            extractor = _Part(lambda stamps: _Together.apply(stamps, features))
            classifier = Classifier(extractor, _Part(partial(self._head, head)))
            own_batch = Batch(stamps, labels, unlabelled)
            return loss_and_hits(loss_of, classifier, own_batch, {**options, **own_numbers})

        lanes_of_unlabelled = None if batch.unlabelled is None else ALL_LANES
        found: tuple[Tensor, Tensor] = vmap(
            of_one_lane, in_dims=(ALL_LANES, ALL_LANES, lanes_of_unlabelled, 0, 0)
        )(batch.stamps, batch.labels, batch.unlabelled, part_of(named, "head"), numbers)
        return found

    def features(self, named: Mapping[str, Tensor], stamps: Tensor, masks: list[Tensor]) -> Tensor:
        """Features (batch, lanes, features) of stamps, given the weights by name and one pass' masks."""
        return stacked_features(self.extractor, stamps, part_of(named, "extractor"), masks)

    def scores(self, weights: LaneWeights, stamps: Tensor) -> Tensor:
        """P(real), (batch, lanes), of stamps (batch, lanes, 3, size, size), in evaluation mode."""
        self._template.eval()
        with torch.no_grad():
            named = weights.named()
            of_lanes = vmap(self._head, in_dims=(0, ALL_LANES), out_dims=ALL_LANES)
            logits: Tensor = of_lanes(part_of(named, "head"), self.features(named, stamps, []))
            return logits.softmax(dim=2)[..., REAL]
