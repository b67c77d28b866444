"""What a method of training is: written for one model and one batch, as in its paper."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from stampshift.networks.classifier import Classifier

State = dict[str, Tensor]  # weights by name
Options = Mapping[str, Any]  # by name: a method's, or those of a section `training` of the configuration


@dataclass(frozen=True)
class Batch:
    """One step's stamps; the unlabelled ones are the target's, None for methods that use none."""

    stamps: Tensor  # float32 (batch, 3, size, size), labelled
    labels: Tensor  # int64 (batch,), 1 real and 0 bogus
    unlabelled: Tensor | None  # float32 (batch, 3, size, size)


# loss(classifier, batch, options), a scalar; options as for one run, a number in place of a search
Loss = Callable[[Classifier, Batch, Options], Tensor]
# all unlabelled stamps once, in blocks (n, 3, size, size): anew with every call
UnlabelledStamps = Callable[[], Iterator[Tensor]]


def cross_entropy(classifier: Classifier, batch: Batch, options: Options) -> Tensor:  # noqa: ARG001
    """Cross-entropy of the labelled batch, the loss of methods that have no other."""
    return functional.cross_entropy(classifier(batch.stamps), batch.labels)


def unlabelled_of(batch: Batch) -> Tensor:
    """Unlabelled stamps of a batch that must have some."""
    if batch.unlabelled is None:
        raise ValueError("the method needs an unlabelled batch")
    return batch.unlabelled


def both_of(batch: Batch) -> Tensor:
    """Labelled and then unlabelled stamps: what goes through the extractor together has common statistics."""
    return torch.cat([batch.stamps, unlabelled_of(batch)])


def loss_and_hits(
    loss_of: Loss, classifier: Classifier, batch: Batch, options: Options
) -> tuple[Tensor, Tensor]:
    """A loss, and how many labelled stamps the classifier called right on the way to it: both scalars.

    0 are right for a loss that does not call the classifier, or its extractor and then its head, on the
    labelled stamps alone or on `both_of` a batch.
    """
    hits, labelled = batch.labels.new_zeros(()), None

    def note(module: nn.Module, arguments: tuple[Tensor], features: Tensor) -> None:  # noqa: ARG001
        nonlocal labelled
        if arguments[0] is batch.stamps or len(arguments[0]) > len(batch.labels):  # of both, labelled first
            labelled = features

    def count(module: nn.Module, arguments: tuple[Tensor], logits: Tensor) -> None:  # noqa: ARG001
        nonlocal hits
        if arguments[0] is labelled:
            hits = (logits.detach()[: len(batch.labels)].argmax(dim=1) == batch.labels).sum()

    hooks = classifier.extractor.register_forward_hook(note), classifier.head.register_forward_hook(count)
    try:
        return loss_of(classifier, batch, options), hits
    finally:
        for hook in hooks:
            hook.remove()


@dataclass(frozen=True)
class Method:
    """One way to train a classifier, its options resolved: what a method's ``build(options)`` returns.

    The losses are descended on every batch, one after the other, with a step of the optimiser each, so that
    the second one sees the weights that the first one left. On a GPU `torch.func.vmap` runs a loss once for
    several runs: it calls the classifier, its extractor, its head and its parts, does not look into them, and
    does not branch on a tensor or on a number of the options.
    """

    name: str  # of the module
    labelled: tuple[str, ...]  # of the batch, in equal shares: "source" (its train part), "target" (shots)
    validation: str  # whose validation stamps choose the best epoch: "source", or "target" (shots)
    # puts starting weights, in place, into a classifier with random weights; the state is that of the
    # source's baseline, None for the baseline itself
    initialise: Callable[[Classifier, State | None], None]
    uses_unlabelled: bool = False  # whether a step also takes an unlabelled batch of the target
    head: str = "linear"  # or "prototype"
    losses: tuple[Loss, ...] = (cross_entropy,)
    # whether the configuration's number of labelled stamps of an epoch is of each origin, not of all together
    epoch_of_each: bool = False
    # what the method adds to the classifier: names of parts, which a loss calls as `classifier.parts[name]`,
    # and what builds each, for features of that number
    parts: tuple[tuple[str, Callable[[int], nn.Module]], ...] = ()
    # changes a classifier in place once, by all unlabelled stamps, in place of a training; then losses and
    # the number of epochs do not count
    without_training: Callable[[Classifier, UnlabelledStamps], None] | None = None

    def epoch_stamps(self, epoch_size: int) -> int:
        """Labelled stamps of an epoch, of all origins together, by the configuration's number."""
        return epoch_size * (len(self.labelled) if self.epoch_of_each else 1)

    def section(self, training: Options) -> Options:
        """A section `training` of the configuration as this method follows it."""
        return {**training, "max_epochs": 1} if self.without_training else training


def copy_weights(classifier: Classifier, baseline: State | None) -> None:
    """Start from all weights of a baseline."""
    for part in ("extractor", "head"):
        getattr(classifier, part).load_state_dict(baseline_part(baseline, part))


def keep_random_weights(classifier: Classifier, baseline: State | None) -> None:
    """Start from the random weights as they are."""


def copied_to_cpu(state: State) -> State:
    """A copy in the computer's memory, which later training steps leave as it is."""
    return {name: value.detach().cpu().clone() for name, value in state.items()}


def baseline_part(state: State | None, part: str) -> State:
    """Weights of one part (``"extractor"`` or ``"head"``) of a baseline's state."""
    if state is None:
        raise ValueError("adaptation starts from a baseline, but none was given")
    return part_of(state, part)


def part_of(state: Mapping[str, Tensor], part: str) -> State:
    """Values whose names begin with a part's, without it."""
    prefix = f"{part}."
    return {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
