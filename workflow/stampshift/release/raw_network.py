"""A released network that takes cutouts as a survey publishes them: its preprocessing is part of the graph.

`stamps.preprocessing` and `preparing.prepare` say what the steps are. Here they are operators of torch that
ONNX has too, in float64 as there.
"""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.onnx.operators import shape_as_tensor

from stampshift.release.contract import Contract
from stampshift.release.onnx_file import ReleasedNetwork, traced
from stampshift.release.preparing import marks_of
from stampshift.stamps.file import BOGUS, CHANNELS, DIFFERENCE, REAL
from stampshift.stamps.preprocessing import CLIPPED_SIGMAS, NORMAL_SIGMA, SMALLEST_SIGMA
from stampshift.stamps.raw_triplets import InvalidPixels

RAW_OUTPUTS = ("score", "similarity", "distance")  # columns of a scores file
RESOLUTION = torch.finfo(torch.float32).eps


class Preprocessing(nn.Module):
    """Crop, normalisation and filling of raw cutouts in torch."""

    def __init__(self, *, size_pixels: int, normalisation: str, marks: Sequence[InvalidPixels]) -> None:
        super().__init__()
        self.size, self.normalise, self.marks = size_pixels, STEPS[normalisation], marks

    def forward(self, template: Tensor, science: Tensor, difference: Tensor) -> tuple[Tensor, Tensor]:
        """Stamps (batch, 3, size, size) of cutouts (batch, height, width), and which can have a score."""
        images = (template, science, difference)
        pixels = torch.stack([_central_crop(image, self.size) for image in images], dim=1)
        pixels = pixels.reshape(-1, len(CHANNELS), self.size * self.size)
        valid = pixels.isfinite()
        for marks in self.marks:
            valid = valid & ~_marked(pixels, marks)
        flat = torch.where(valid, pixels.double(), 0.0)  # (batch, 3, pixels)
        normalised = self.normalise(flat, valid)
        filled = torch.where(valid, normalised, _medians(normalised, valid))
        stamps = filled.float().reshape(-1, len(CHANNELS), self.size, self.size)
        return stamps, _fit(images, self.size) & _informative(pixels, valid)


class RawNetwork(nn.Module):
    """A released network behind the preprocessing of the survey for which it was made."""

    def __init__(self, network: ReleasedNetwork, contract: Contract) -> None:
        super().__init__()
        home = contract.home
        self.preprocessing = Preprocessing(
            size_pixels=contract.size_pixels,
            normalisation=contract.normalisation,
            marks=marks_of(contract, dialect=home, survey=home),
        )
        self.network = network
        self.temperature = contract.calibration["temperature"]

    def forward(self, template: Tensor, science: Tensor, difference: Tensor) -> tuple[Tensor, ...]:
        """`RAW_OUTPUTS` (batch,) of float32 cutouts (batch, height, width); NaN where there is no score."""
        stamps, scored = self.preprocessing(template, science, difference)
        logits, similarity, distance, _ = self.network(stamps)
        logit = (logits[:, REAL] - logits[:, BOGUS]).double()
        score = torch.sigmoid(logit / self.temperature).float()
        return tuple(torch.where(scored, each, torch.nan) for each in (score, similarity, distance))


def raw_onnx_bytes(network: ReleasedNetwork, contract: Contract) -> bytes:
    """The network as an ONNX file: inputs `CHANNELS`, outputs `RAW_OUTPUTS`."""
    return traced_raw(RawNetwork(network, contract), size_pixels=contract.size_pixels, outputs=RAW_OUTPUTS)


def traced_raw(network: nn.Module, *, size_pixels: int, outputs: Sequence[str]) -> bytes:
    """A network that takes any number of cutouts of any size as an ONNX file with the inputs `CHANNELS`."""
    cutouts = torch.zeros(2, size_pixels + 10, size_pixels + 10)
    free = ["batch", "height", "width"]
    return traced(network, dict.fromkeys(CHANNELS, cutouts), outputs=outputs, free=free)


def _fit(images: Sequence[Tensor], size: int) -> Tensor:
    """Whether all images are squares of one size, and large enough."""
    sides = torch.cat([shape_as_tensor(image)[1:] for image in images])
    return (sides.amin() == sides.amax()) & (sides.amin() >= size)


def _central_crop(image: Tensor, size: int) -> Tensor:
    """Central pixels; one too small is filled up with NaN, so that the network can run on its batch."""
    short = (size - shape_as_tensor(image)[1:]).clamp(min=0)
    image = functional.pad(image, [0, short[1], 0, short[0]], value=torch.nan)  # type: ignore[list-item]
    top, left = (side // 2 - size // 2 for side in image.shape[1:])
    return image[:, top : top + size, left : left + size]


def _marked(pixels: Tensor, marks: InvalidPixels) -> Tensor:
    """As `InvalidPixels.mask`, of what is not finite apart."""
    marked = torch.zeros_like(pixels, dtype=torch.bool)
    if marks.equals is not None:
        marked = marked | (pixels == marks.equals)
    if marks.magnitude_above is not None:
        marked = marked | (pixels.abs() >= marks.magnitude_above)
    if marks.nonzero_below is not None:
        marked = marked | ((pixels.abs() < marks.nonzero_below) & (pixels != 0))
    return marked


def _informative(pixels: Tensor, valid: Tensor) -> Tensor:
    """Which triplets have valid pixels in every channel, and a channel that is not constant."""
    high = torch.where(valid, pixels, -torch.inf).amax(dim=2)
    low = torch.where(valid, pixels, torch.inf).amin(dim=2)
    varies = high - low > RESOLUTION * torch.maximum(high, -low)
    return (varies.sum(dim=1) > 0) & (valid.sum(dim=2).amin(dim=1) > 0)


def _medians(values: Tensor, valid: Tensor) -> Tensor:
    """Median (batch, channels, 1) of the valid pixels of each channel; infinite where there is none."""
    ordered = torch.where(valid, values, torch.inf).sort(dim=2).values
    count = valid.sum(dim=2, keepdim=True).clamp(min=1)
    return (ordered.gather(2, (count - 1) // 2) + ordered.gather(2, count // 2)) / 2


def _by_channel(flat: Tensor, valid: Tensor) -> Tensor:
    divisor = valid.sum(dim=2, keepdim=True).clamp(min=1)
    largest = flat.abs().amax(dim=2, keepdim=True)
    centred = torch.where(valid, flat - flat.sum(dim=2, keepdim=True) / divisor, 0.0)
    deviation = ((centred * centred).sum(dim=2, keepdim=True) / divisor).sqrt()
    constant = deviation <= RESOLUTION * largest
    return torch.where(constant, 0.0, centred / torch.where(constant, 1.0, deviation))


def _by_difference(flat: Tensor, valid: Tensor) -> Tensor:
    here = slice(DIFFERENCE, DIFFERENCE + 1)
    difference, known = flat[:, here], valid[:, here]
    sigma = NORMAL_SIGMA * _medians((difference - _medians(difference, known)).abs(), known)
    return flat / torch.where(sigma < SMALLEST_SIGMA, 1.0, sigma)


def _by_difference_clipped(flat: Tensor, valid: Tensor) -> Tensor:
    return _by_difference(flat, valid).clamp(-CLIPPED_SIGMAS, CLIPPED_SIGMAS)


# as `preprocessing.NORMALISATIONS`, of (batch, 3, pixels) in float64 whose invalid pixels are 0
STEPS: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    "channel": _by_channel,
    "difference_mad": _by_difference,
    "difference_mad_clipped": _by_difference_clipped,
}
