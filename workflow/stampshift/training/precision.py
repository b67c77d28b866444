"""The arithmetic of a training: float32, or fewer bits in products on a GPU. Scores are always float32's."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch

from stampshift.core.errors import ConfigError

FLOAT32, TF32, BFLOAT16 = "float32", "tf32", "bfloat16"
AMPERE = (8, 0)  # compute capability of the first GPUs with tensor cores for both


def check_precision(precision: str, device: torch.device) -> None:
    """Raise a `ConfigError` unless a device has the arithmetic that the configuration asks for."""
    if precision == FLOAT32:
        return
    if device.type == "cuda":
        if torch.cuda.get_device_capability(device) < AMPERE:
            _refuse(precision, f"the GPU {torch.cuda.get_device_name(device)} has no arithmetic of that kind")
    elif precision == TF32:
        _refuse(precision, "which only GPUs have, and the training runs on a CPU")
    elif not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        _refuse(precision, "and the training runs on a CPU without instructions for it")


def _refuse(precision: str, reason: str) -> None:
    raise ConfigError(f"config: execution.precision is '{precision}', {reason}; set it to '{FLOAT32}'.")


@contextmanager
def tensor_float32(precision: str) -> Iterator[None]:
    """Within the block products of float32 on a GPU are TF32's, of ten bits, if that is the precision."""
    backends: tuple[Any, ...] = (torch.backends.cuda.matmul, torch.backends.cudnn)
    before = [backend.allow_tf32 for backend in backends]
    for backend in backends:
        backend.allow_tf32 = precision == TF32
    try:
        yield
    finally:
        for backend, allowed in zip(backends, before, strict=True):
            backend.allow_tf32 = allowed


def autocast(precision: str, device: torch.device) -> AbstractContextManager[object]:
    """Context of a loss: convolutions and dense layers in bfloat16, if that is the precision.

    Weights, their gradients, batch statistics, the loss and the optimiser stay float32.
    """
    return torch.autocast(device.type, torch.bfloat16) if precision == BFLOAT16 else nullcontext()
