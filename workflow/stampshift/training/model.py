"""Model files, weights with what is needed to build the classifier again, and what a classifier scores."""

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from stampshift.core.errors import ContractError, system_fault, unreadable_now
from stampshift.core.files import REMEDY, atomic_path
from stampshift.methods.method import State
from stampshift.networks import build_classifier
from stampshift.networks.classifier import Classifier, place
from stampshift.stamps.file import REAL
from stampshift.stamps.splits import Rows

# 1,000 stamps of 21 x 21: large enough to be fast, small enough to stay in cache
BATCH_PIXELS = 1000 * 21 * 21
LARGEST = 2**63  # number by which torch divides


@dataclass(frozen=True)
class Model:
    """Weights of a trained classifier, by name, and what `build_classifier` needs beside them."""

    state: State
    network: str
    head: str
    size_pixels: int
    temperature: float | None

    def classifier(self, device: torch.device) -> Classifier:
        """Classifier with these weights, in evaluation mode."""
        classifier = build_classifier(
            network=self.network,
            head=self.head,
            size_pixels=self.size_pixels,
            temperature=self.temperature,
        )
        classifier.load_state_dict(self.state)
        return place(classifier, device).eval()

    def save(self, path: Path | str) -> None:
        """Write a model file; the same weights give the same bytes."""
        save_tensors(path, vars(self))

    @classmethod
    def open(cls, path: Path | str) -> "Model":
        """Read a model file; a `ContractError` if it is none."""
        content = load_tensors(path)
        try:
            model = cls(**content)
            model._check()
        except Exception as error:  # of weights that are none, torch raises anything
            raise ContractError(f"{path}: not a model file of stampshift ({error}).") from error
        return model

    @property
    def trainable_parameters(self) -> int:
        """Number of weights that a training changes."""
        return sum(weights.numel() for weights in self._without_memory().parameters())

    def _without_memory(self) -> Classifier:
        """The classifier without memory for weights, and without random numbers."""
        with torch.device("meta"):
            return build_classifier(
                network=self.network,
                head=self.head,
                size_pixels=self.size_pixels,
                temperature=self.temperature,
            )

    def _check(self) -> None:
        """Raise any exception unless the weights are those of the network, all of them finite."""
        expected = self._without_memory().state_dict()
        scale = self.temperature
        if scale is not None and not (isinstance(scale, int | float) and 0 < scale < LARGEST):
            raise ValueError(f"the temperature {scale!r:.60}")
        kinds = [
            {name: (tensor.shape, tensor.dtype) for name, tensor in state.items()}
            for state in (expected, self.state)
        ]
        wrong = [name for name in set().union(*kinds) if kinds[0].get(name) != kinds[1].get(name)]
        if wrong:
            raise ValueError(f"the weights '{min(wrong)}' are not those of {self.network}")
        infinite = [name for name, tensor in self.state.items() if not tensor.isfinite().all()]
        if infinite:
            raise ValueError(f"the weights '{infinite[0]}' are not finite")


def save_tensors(path: Path | str, content: dict[str, Any]) -> None:
    """Write tensors and plain types, atomically."""
    buffer = io.BytesIO()  # torch writes the file's name into the file: a buffer has none
    torch.save(content, buffer)
    with atomic_path(path) as temporary:
        temporary.write_bytes(buffer.getbuffer())


def load_tensors(path: Path | str) -> dict[str, Any]:
    """Read tensors and plain types, never code; a `ContractError` if the file cannot be read."""
    try:
        with zipfile.ZipFile(path) as archive:  # torch.load does not compare with the checksums in the file
            damaged = archive.testzip()
        if damaged is not None:
            raise zipfile.BadZipFile(f"{damaged} differs from its checksum")
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file makes torch raise anything
        if system_fault(error) and not isinstance(error, FileNotFoundError):
            raise ContractError(unreadable_now(path, error)) from error
        raise ContractError(
            f"{path}: not a readable file of weights ({type(error).__name__}: {error}). {REMEDY}"
        ) from error


def predict(
    classifier: Classifier, stamps: NDArray[np.float32], rows: Rows, *, device: torch.device
) -> NDArray[np.float32]:
    """Score P(real) of every row (n,) of stamps (N, 3, size, size), float32 (n,).

    The classifier, which is on `device`, is left in evaluation mode.
    """
    classifier.eval()
    return in_batches(
        lambda block: classifier(block).softmax(dim=1)[:, REAL], stamps, rows, outputs=(), device=device
    )


def block_size(stamps: NDArray[np.float32]) -> int:
    """Number of stamps (N, 3, size, size) that go through a network at once outside of training."""
    return max(1, BATCH_PIXELS // (stamps.shape[-2] * stamps.shape[-1]))


def in_batches(
    function: Callable[[Tensor], Tensor],
    stamps: NDArray[np.float32],
    rows: Rows,
    *,
    outputs: tuple[int, ...],
    device: torch.device,
) -> NDArray[np.float32]:
    """What a function makes of every row's stamp, batch by batch: float32 (n, and `outputs`)."""
    found = np.empty((len(rows), *outputs), np.float32)
    batch = block_size(stamps)
    with torch.inference_mode():
        for start in range(0, len(rows), batch):
            block = torch.from_numpy(stamps[rows[start : start + batch]]).to(device)
            values = function(block.contiguous(memory_format=torch.channels_last))
            found[start : start + batch] = values.cpu().numpy()
    return found
