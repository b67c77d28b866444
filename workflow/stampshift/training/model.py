"""Model files: weights with what is needed to build the classifier again."""

import io
import pickle
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from stampshift.core.errors import ContractError
from stampshift.core.files import REMEDY, atomic_path
from stampshift.methods.method import State
from stampshift.networks import build_classifier
from stampshift.networks.classifier import Classifier, place


@dataclass(frozen=True)
class Model:
    """Weights of a trained classifier.

    Attributes
    ----------
    state
        Weights by name.
    network
        Key of `stampshift.networks.NETWORKS`.
    head
        ``"linear"`` or ``"prototype"``.
    size_pixels
        Side of the stamps.
    temperature
        Of the prototype head, None for the linear one.
    """

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
        """Read a model file.

        Raises
        ------
        ContractError
            If the file is no model file.
        """
        content = load_tensors(path)
        try:
            return cls(**content)
        except TypeError as error:
            raise ContractError(f"{path}: not a model file of stampshift ({error}).") from error


def save_tensors(path: Path | str, content: dict[str, Any]) -> None:
    """Write tensors and plain types, atomically."""
    buffer = io.BytesIO()  # torch writes the file's name into the file: a buffer has none
    torch.save(content, buffer)
    with atomic_path(path) as temporary:
        temporary.write_bytes(buffer.getbuffer())


def load_tensors(path: Path | str) -> dict[str, Any]:
    """Read tensors and plain types, never code.

    Raises
    ------
    ContractError
        If the file cannot be read.
    """
    try:
        _check(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, pickle.UnpicklingError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise ContractError(
            f"{path}: not a readable file of weights ({type(error).__name__}: {error}). {REMEDY}"
        ) from error


def _check(path: Path | str) -> None:
    """Compare the file with the checksums in it, which `torch.load` does not."""
    with zipfile.ZipFile(path) as archive:
        damaged = archive.testzip()
    if damaged is not None:
        raise zipfile.BadZipFile(f"{damaged} differs from its checksum")
