"""The network of a release in ONNX Runtime, on the CPU."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stampshift.core.errors import ContractError
from stampshift.release.contract import AGAIN, ONNX
from stampshift.release.quiet_runtime import onnxruntime
from stampshift.stamps.splits import Rows

BATCH_PIXELS = 256 * 21 * 21  # activations of 256 stamps of 21 x 21 stay in the processor's cache
INPUT, FEATURES = "stamps", "features"  # of `model.onnx`, beside its `Outputs`
ERRORS_ONLY = 3  # log level of ONNX Runtime

Floats = NDArray[np.float32]


class Outputs(NamedTuple):
    """Outputs of a released network for n stamps, float32; the ONNX file uses the same names."""

    logits: Floats  # (n, 2), of bogus and real, not calibrated
    similarity: Floats  # (n,), cosine of the features with the nearer class prototype
    distance: Floats  # (n,), Mahalanobis distance to the nearer class


class OnnxNetwork:
    """The network of a `model.onnx` on the CPU.

    Where processes work side by side, one thread each is the most efficient.
    """

    def __init__(self, model: bytes | Path, *, threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = ERRORS_ONLY
        content = str(model) if isinstance(model, Path) else model
        try:
            self._session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime has a class of its own for each fault
            refusal = f"{_named(model)}: not a network that can be run ({error}). {AGAIN}"
            raise ContractError(refusal) from error
        self._model = model
        self.inputs = [each.name for each in self._session.get_inputs()]
        self.metadata: dict[str, str] = self._session.get_modelmeta().custom_metadata_map

    def run(self, stamps: Floats, rows: Rows | None = None) -> Outputs:
        """Outputs for stamps (N, 3, size, size), or for some rows of them, batch by batch."""
        return Outputs(*self._run(Outputs._fields, stamps, rows))

    def run_features(self, stamps: Floats, rows: Rows | None = None) -> tuple[Floats, Floats]:
        """Logits, as in `Outputs`, and the extractor's features (n, F), as `run`."""
        logits, features = self._run((Outputs._fields[0], FEATURES), stamps, rows)
        return logits, features

    def _run(self, names: Sequence[str], stamps: Floats, rows: Rows | None) -> list[Floats]:
        try:
            parts = [self._session.run(list(names), {INPUT: batch}) for batch in batches(stamps, rows)]
        except Exception as error:
            raise ContractError(
                f"{_named(self._model)}: cannot be run on stamps of shape {stamps.shape} ({error}). {AGAIN}"
            ) from error
        return [np.concatenate(values) for values in zip(*parts, strict=True)]


def _named(model: bytes | Path) -> str:
    return str(model) if isinstance(model, Path) else ONNX


def batches(stamps: Floats, rows: Rows | None = None) -> Iterator[Floats]:
    """Stamps, or some rows of them, in batches of about `BATCH_PIXELS`; one empty batch if there is none."""
    size = max(1, BATCH_PIXELS // (stamps.shape[-2] * stamps.shape[-1]))
    for start in range(0, max(1, len(stamps if rows is None else rows)), size):
        some = slice(start, start + size)
        yield np.ascontiguousarray(stamps[some if rows is None else rows[some]])
