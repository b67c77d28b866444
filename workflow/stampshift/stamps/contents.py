"""What a stamps file holds beside its pixels, compared with what it should hold."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stampshift.core.errors import ContractError
from stampshift.core.shapes import check_shape

REMEDY = (
    "If the workflow made it, delete it and run the workflow again; `stampshift stamps` makes one from other "
    "data."
)


@dataclass
class _ByChannel:
    template: int
    science: int
    difference: int


@dataclass
class _Counts:
    read: int
    dropped: dict[str, int]
    classes_read: dict[str, int]
    filled_pixels: _ByChannel
    filled_stamps: _ByChannel
    constant: _ByChannel
    empty: _ByChannel


@dataclass
class _Raw:
    files: int
    bytes: int
    sha256: str


@dataclass
class _Shown:
    digest: str
    metadata: bool
    context_pixels: int


@dataclass
class _Attributes:
    """The attribute `preprocessing`; what has no default is in every file."""

    digest: str
    # a file may lack these, but they are never null
    counts: _Counts = field(default=None)  # type: ignore[assignment]
    raw: _Raw = field(default=None)  # type: ignore[assignment]
    shown: _Shown = field(default=None)  # type: ignore[assignment]
    origin: dict[str, Any] = field(default_factory=dict)
    invalid: dict[str, float | None] = field(default_factory=dict)
    class_map: dict[str, str] = field(default_factory=dict)
    normalisation: str = ""


def check_attributes(attributes: Any, path: Path | str) -> None:
    """Raise a `ContractError` if what a stamps file says of its making is not as it should be.

    Trainings, which need the digest alone, do without.
    """
    check_shape(attributes, _Attributes, path=f"{path}, attribute 'preprocessing'", remedy=REMEDY)


def check_arrays(arrays: Mapping[str, NDArray[Any]], path: Path | str, *, labels: set[int]) -> None:
    """Raise a `ContractError` unless each array has a value of its type for every stamp.

    The arrays are `label` (uint8, of the `labels` that there are), `fingerprint` (uint64), and texts.
    """
    shape, types = (arrays["label"].size,), {"label": np.uint8, "fingerprint": np.uint64}
    for name, array in arrays.items():
        dtype = types.get(name, np.str_)
        if array.shape != shape or not np.issubdtype(array.dtype, dtype):
            raise ContractError(
                f"{path}: expected '{name}' as {np.dtype(dtype).name} of shape {shape}, found {array.dtype} "
                f"of shape {array.shape}. {REMEDY}"
            )
    strange = set(np.unique(arrays["label"]).tolist()) - labels
    if strange:
        raise ContractError(
            f"{path}: expected labels {', '.join(map(str, sorted(labels)))}, found {min(strange)}. {REMEDY}"
        )
