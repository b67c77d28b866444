"""A released network in ONNX Runtime. No torch: a process that scores starts in a fraction of a second."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from stampshift.stamps.splits import Rows

# 256 stamps of 21 x 21: their activations stay in the cache
BATCH_PIXELS = 256 * 21 * 21
INPUT = "stamps"
ERRORS_ONLY = 3  # of the runtime's log


class Outputs(NamedTuple):
    """What a released network says of n stamps, float32; the names are those of the ONNX file's outputs.

    Attributes
    ----------
    logits
        (n, 2), of bogus and real, not calibrated.
    similarity
        (n,), largest cosine of the features with a class prototype.
    distance
        (n,), Mahalanobis distance to the nearer class.
    """

    logits: NDArray[np.float32]
    similarity: NDArray[np.float32]
    distance: NDArray[np.float32]


class OnnxNetwork:
    """The network of a `model.onnx`, on the CPU.

    Parameters
    ----------
    model
        Content of the file.
    threads
        Of the runtime; one per process is the most efficient where processes work side by side.
    """

    def __init__(self, model: bytes, *, threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = ERRORS_ONLY
        self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def run(self, stamps: NDArray[np.float32], rows: Rows | None = None) -> Outputs:
        """Outputs for float32 (N, 3, size, size) stamps, or for some rows of them, batch by batch."""
        names = list(Outputs._fields)
        parts = [self._session.run(names, {INPUT: batch}) for batch in batches(stamps, rows)]
        return Outputs(*(np.concatenate(values) for values in zip(*parts, strict=True)))


def batches(stamps: NDArray[np.float32], rows: Rows | None = None) -> Iterator[NDArray[np.float32]]:
    """Stamps, or some rows of them, in batches of about `BATCH_PIXELS`; one empty batch if there is none."""
    size = max(1, BATCH_PIXELS // (stamps.shape[-2] * stamps.shape[-1]))
    for start in range(0, max(1, len(stamps if rows is None else rows)), size):
        some = slice(start, start + size)
        yield np.ascontiguousarray(stamps[some if rows is None else rows[some]])
