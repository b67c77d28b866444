"""One step of a method on several lanes at once, each with its own batch, options and learning rate.

A method's losses stay what they are, written for one model and one batch: `torch.func.vmap` runs them once
for all lanes, on a classifier whose extractor takes all lanes' stamps together.
"""

from collections.abc import Callable
from copy import copy, deepcopy
from functools import partial
from itertools import count
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from stampshift.methods.method import Batch, Loss, loss_and_hits, part_of
from stampshift.networks.classifier import Classifier
from stampshift.stamps.file import REAL
from stampshift.training.precision import BFLOAT16
from stampshift.training.stacked.forms import Form, choose_form, plain
from stampshift.training.stacked.lane import Lane
from stampshift.training.stacked.lane_weights import LaneWeights
from stampshift.training.stacked.masks import DropoutMasks, dropouts
from stampshift.training.stacked.step_tensors import StepTensors

ALL_LANES = 0  # dimension of the lanes in stamps and features

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
        task, template = lane.task, deepcopy(lane.classifier).to("meta")
        self.extractor = nn.Sequential(*template.extractor.children())
        self._head = partial(functional_call, template.head)  # of weights and features
        self._parts = {name: partial(functional_call, part) for name, part in template.parts.items()}
        self._losses, self._descend = task.method.losses, lane.descent.step_of(task.training)
        self._dtype = torch.bfloat16 if task.precision == BFLOAT16 else torch.get_default_dtype()
        self.dropouts = dropouts(self.extractor, task.data.source.stamps.shape[1:])
        self.form = choose_form(self.extractor, lane, dtype=self._dtype, dropouts=self.dropouts)

    def plainly(self) -> "StackedModel":
        """The same in the plain form, which is compiled for no number of lanes or stamps."""
        own = copy(self)
        own.form = Form("plain", plain(self.extractor))
        return own

    def step(self, weights: LaneWeights, tensors: StepTensors, masks: DropoutMasks) -> None:
        """One iteration: a step on each loss of the method, one after the other.

        Weights, losses and hits change in place.
        """
        passes = count()
        for loss_of in self._losses:
            losses, hits = self._lanes_losses(loss_of, weights, tensors, masks, passes)
            # a lane's loss depends on its own weights alone: the gradient of the sum is each lane's own
            (gradient,) = torch.autograd.grad(losses.sum(), weights.parameters)
            weights.descend(gradient, tensors.rates, step=self._descend)
            tensors.losses.add_(losses.detach())
            tensors.hits.add_(hits)

    def _lanes_losses(
        self,
        loss_of: Loss,
        weights: LaneWeights,
        tensors: StepTensors,
        masks: DropoutMasks,
        passes: "count[int]",
    ) -> tuple[Tensor, Tensor]:
        named, batch = weights.named(), tensors.batch
        own_extractor, options = part_of(named, "extractor"), dict(tensors.options)
        numbers = {name: value for name, value in options.items() if isinstance(value, Tensor)}
        parts = {name: part_of(named, f"parts.{name}") for name in self._parts}

        def features(stamps: Tensor) -> Tensor:
            own_masks = masks.take(next(passes), stamps.shape[1])
            return self.form.features(
                _channels_last(stamps), own_extractor, own_masks, training=True, dtype=self._dtype
            )

        def of_one_lane(
            stamps: Tensor, labels: Tensor, unlabelled: Tensor | None, head: Any, parts: Any, own_numbers: Any
        ) -> tuple[Tensor, Tensor]:
            extractor = _Part(lambda stamps: _Together.apply(stamps, features))
            own_parts = {name: _Part(partial(call, parts[name])) for name, call in self._parts.items()}
            classifier = Classifier(extractor, _Part(partial(self._head, head)), own_parts)
            own_batch = Batch(stamps, labels, unlabelled)
            return loss_and_hits(loss_of, classifier, own_batch, {**options, **own_numbers})

        lanes_of_unlabelled = None if batch.unlabelled is None else ALL_LANES
        found: tuple[Tensor, Tensor] = vmap(
            of_one_lane, in_dims=(ALL_LANES, ALL_LANES, lanes_of_unlabelled, 0, 0, 0)
        )(batch.stamps, batch.labels, batch.unlabelled, part_of(named, "head"), parts, numbers)
        return found

    def scores(self, weights: LaneWeights, stamps: Tensor) -> Tensor:
        """P(real), (lanes, batch), of stamps (lanes, batch, size, size, 3), in evaluation mode."""
        with torch.no_grad():
            named = weights.named()
            features = self.form.features(
                stamps, part_of(named, "extractor"), [], training=False, dtype=stamps.dtype
            )
            logits: Tensor = vmap(self._head)(part_of(named, "head"), features)
            return logits.softmax(dim=2)[..., REAL]


def _channels_last(stamps: Tensor) -> Tensor:
    return stamps.movedim(2, -1)
