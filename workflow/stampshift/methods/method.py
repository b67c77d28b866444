"""What a method of training is: written for one model and one batch, as in its paper."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor
from torch.nn import functional

from stampshift.networks.classifier import Classifier

State = dict[str, Tensor]


@dataclass(frozen=True)
class Batch:
    """One step's stamps; the unlabelled ones are the target's, None for methods that use none."""

    stamps: Tensor  # float32 (batch, 3, size, size), labelled
    labels: Tensor  # int64 (batch,), 1 real and 0 bogus
    unlabelled: Tensor | None  # float32 (batch, 3, size, size)


Loss = Callable[[Classifier, Batch, Mapping[str, Any]], Tensor]


def cross_entropy(classifier: Classifier, batch: Batch, options: Mapping[str, Any]) -> Tensor:  # noqa: ARG001
    """Cross-entropy of the labelled batch, the loss of methods that have no other."""
    return functional.cross_entropy(classifier(batch.stamps), batch.labels)


@dataclass(frozen=True)
class Method:
    """One way to train a classifier, its options resolved: what a method's ``build(options)`` returns.

    Attributes
    ----------
    name
        Of the module.
    labelled
        Where the labelled batch comes from: ``"source"`` (its train part), ``"target"`` (the shots), or
        both, in equal shares.
    validation
        Whose validation stamps choose the best epoch: the ``"source"`` part, or the ``"target"`` shots.
    initialise
        ``initialise(classifier, baseline)`` puts starting weights, in place, into a classifier with
        random weights; `baseline` is the state of the source's baseline, None for the baseline itself.
    uses_unlabelled
        Whether a step also takes an unlabelled batch of the target.
    head
        Head of the network, ``"linear"`` or ``"prototype"``.
    losses
        ``loss(classifier, batch, options)``: scalars to descend on every batch, one after the other, with
        a step of the optimiser each, so that the second one sees the weights that the first one left.
        `options` are as for one run in the configuration, with a number in place of a search.

        On a GPU `torch.func.vmap` runs a loss once for several runs: it calls the classifier, its extractor
        and its head, does not look into them, and does not branch on a tensor or on a number of the options.
    """

    name: str
    labelled: tuple[str, ...]
    validation: str
    initialise: Callable[[Classifier, State | None], None]
    uses_unlabelled: bool = False
    head: str = "linear"
    losses: tuple[Loss, ...] = (cross_entropy,)


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
