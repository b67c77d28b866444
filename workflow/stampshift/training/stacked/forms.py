"""How the extractor of a stack is computed: by the fastest form that works on the device."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn

from stampshift.methods.method import part_of
from stampshift.training.device import is_out_of_memory
from stampshift.training.precision import BFLOAT16, FLOAT32, TF32, tensor_float32
from stampshift.training.stacked.blocks import of_blocks
from stampshift.training.stacked.extractor import stacked_features
from stampshift.training.stacked.lane import Lane
from stampshift.training.stacked.lane_weights import LaneWeights
from stampshift.training.stacked.masks import Dropout
from stampshift.training.stacked.replay import first_line, say_once

log = logging.getLogger(__name__)

LANES = 2  # of a rehearsal
# of a norm: far below what a mistake changes, and above rounding, which now and then moves a maximum
TOLERANCES = {FLOAT32: 0.02, TF32: 0.3, BFLOAT16: 0.3}


class Features(Protocol):
    """`stacked_features` of one extractor."""

    def __call__(
        self,
        stamps: Tensor,
        weights: Mapping[str, Tensor],
        masks: Sequence[Tensor],
        *,
        training: bool,
        dtype: torch.dtype,
    ) -> Tensor:
        """Features (lanes, batch, features)."""


class Form(NamedTuple):
    """How an extractor is computed."""

    name: str
    features: Features


Rehearsal = Callable[[Features], Mapping[str, Tensor]]


def choose_form(
    extractor: nn.Sequential, lane: Lane, *, dropouts: Sequence[Dropout], dtype: torch.dtype
) -> Form:
    """The first of the fast forms that works on the lane's device and agrees there with the plain one.

    It serves stacks of any number of lanes. The plain form is the last resort; then the log says why. On a
    CPU it is the only one, and nothing is compiled.
    """
    precision = lane.task.precision
    if lane.task.device.type != "cuda":
        return Form("plain", plain(extractor))
    forms = {name: partial(make, extractor) for name, make in FORMS.items()}
    if not of_blocks(extractor):
        del forms["fused"]
    rehearsal = partial(rehearse, lane=lane, dropouts=dropouts, dtype=dtype)
    with tensor_float32(precision):
        return first_that_agrees(forms, rehearsal, tolerance=TOLERANCES[precision])


def first_that_agrees(
    forms: Mapping[str, Callable[[], Features]], rehearsal: Rehearsal, *, tolerance: float
) -> Form:
    """The first of the forms, by name, whose rehearsal ends as that of the last one, the plain one, does."""
    *fast, last = forms
    plain_form = Form(last, forms[last]())
    expected = rehearsal(plain_form.features)
    for name in fast:
        try:
            form = Form(name, forms[name]())
            differing = list(_differing(rehearsal(form.features), expected, tolerance))
        except Exception as error:
            if is_out_of_memory(error):
                raise
            say_once(f"the {name} form of a stack does not work here ({first_line(error)})")
            continue
        if not differing:
            log.info("the stack has its %s form", name)
            return form
        say_once(f"the {name} form of a stack is wrong here, in {differing[0]}")
    say_once(f"the stack has its {last} form, which is slower")
    return plain_form


def _differing(
    found: Mapping[str, Tensor], expected: Mapping[str, Tensor], tolerance: float
) -> Iterator[str]:
    """Names of values that differ by more than rounding; what is nothing but rounding has no norm."""
    norms = {name: float(torch.linalg.vector_norm(value.double())) for name, value in expected.items()}
    for name, value in expected.items():
        difference = float(torch.linalg.vector_norm((found[name] - value).double()))
        if not difference <= tolerance * (norms[name] + tolerance * max(norms.values())):
            yield name


def rehearse(
    features: Features, *, lane: Lane, dropouts: Sequence[Dropout], dtype: torch.dtype
) -> dict[str, Tensor]:
    """Features, gradients by parameter and moved statistics of a lane's extractor on white noise."""
    task, device = lane.task, lane.task.device
    stream = torch.Generator(device).manual_seed(0)
    channels, *side = task.data.source.stamps.shape[1:]
    shape = (LANES, task.training["batch_size"])

    def noise(*shape: int) -> Tensor:
        return torch.randn(shape, generator=stream, device=device)

    weights = LaneWeights.of([lane.first_state()] * LANES, device=device)
    masks = [(noise(*shape, *each.shape) > 0).to(torch.get_default_dtype()) * 2 for each in dropouts]
    named = weights.named()
    stamps = noise(*shape, *side, channels)
    found = features(stamps, part_of(named, "extractor"), masks, training=True, dtype=dtype)
    names = [name for name in weights.shapes if name.startswith("extractor.")]
    gradients = torch.autograd.grad((found * noise(*found.shape)).sum(), [named[name] for name in names])
    statistics = {name: value for name, value in weights.buffers.items() if value.is_floating_point()}
    return {"features": found.detach(), **dict(zip(names, gradients, strict=True)), **statistics}


def fused(extractor: nn.Sequential) -> Features:
    """By kernels of this project's own, which Triton compiles once for a machine."""
    from stampshift.training.stacked.fused import fused_features  # imports Triton: never on a CPU

    return partial(fused_features, extractor)


def compiled(extractor: nn.Sequential) -> Features:
    """By PyTorch's compiler, forward and backward, at once for all numbers of lanes."""
    from torch import _dynamo  # takes more than a second: never on a CPU

    of_any_lanes = torch.compile(stacked_features)

    def features(
        stamps: Tensor, weights: Mapping[str, Tensor], masks: Sequence[Tensor], **options: Any
    ) -> Tensor:
        for tensor in (stamps, *weights.values(), *masks):
            _dynamo.maybe_mark_dynamic(tensor, 0)
        found: Tensor = of_any_lanes(extractor, stamps, weights, masks, **options)
        return found

    return features


def plain(extractor: nn.Sequential) -> Features:
    """Layer by layer, as it is written."""
    return partial(stacked_features, extractor)


# from the fastest to the last resort
FORMS: dict[str, Callable[[nn.Sequential], Features]] = {"fused": fused, "compiled": compiled, "plain": plain}
