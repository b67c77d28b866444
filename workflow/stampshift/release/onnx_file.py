"""From a trained classifier to `model.onnx`, and the check that both give the same logits."""

import io
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from stampshift.core.errors import ContractError
from stampshift.networks.classifier import Classifier
from stampshift.release.onnx_metadata import GRAPH_KEY, graph_digest
from stampshift.release.onnx_network import FEATURES, INPUT, OnnxNetwork, Outputs, batches
from stampshift.release.outliers import Exposed, Layers, Outliers
from stampshift.stamps.file import CHANNELS

OPSET = 17  # of 2022: all runtimes of recent years know it
OUTPUTS = (*Outputs._fields, FEATURES)  # scores need no features: they are there for other uses
# of a logit: a score moves by a quarter of it at most, and rounding moves a logit by a hundredth of it
TOLERANCE = 1e-3


class ReleasedNetwork(nn.Module):
    """A trained classifier together with what its training stamps look like to it."""

    def __init__(self, classifier: Classifier, outliers: Outliers) -> None:
        super().__init__()
        self.exposed = Exposed(classifier)
        self.outliers = outliers

    def forward(self, stamps: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Outputs, as `OUTPUTS`, of stamps (batch, 3, size, size)."""
        layers = self.exposed(stamps)
        similarity, distance = self.outliers(layers.features, layers.activations)
        return layers.logits, similarity, distance, layers.features


def exposed_layers(classifier: Classifier, stamps: NDArray[np.float32]) -> Layers:
    """Layers of a classifier, on the CPU, for float32 (n, 3, size, size) stamps."""
    return Layers(*_in_batches(Exposed(classifier), stamps))


def torch_outputs(network: ReleasedNetwork, stamps: NDArray[np.float32]) -> Outputs:
    """What torch makes of float32 (n, 3, size, size) stamps, as `OnnxNetwork.run`."""
    return Outputs(*(values.numpy() for values in _in_batches(network, stamps)[: len(Outputs._fields)]))


def onnx_bytes(network: ReleasedNetwork, *, size_pixels: int) -> bytes:
    """A network as an ONNX file: input ``stamps``, outputs `OUTPUTS`, the length of a batch free."""
    stamps = torch.zeros(2, len(CHANNELS), size_pixels, size_pixels)
    return traced(network, {INPUT: stamps}, outputs=OUTPUTS, free=["batch"])


def traced(
    network: nn.Module, inputs: Mapping[str, Tensor], *, outputs: Sequence[str], free: Sequence[str]
) -> bytes:
    """A network as an ONNX file, the first axes of its inputs, and the batch of its outputs, of any length.

    The same weights give the same bytes.
    """
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # torch's newer exporter needs onnxscript, and takes seconds for the same graph of these layers
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.filterwarnings("ignore", "Constant folding", UserWarning)  # of padding: left as it is
        torch.onnx.export(
            network.eval(),
            tuple(inputs.values()),
            buffer,  # type: ignore[arg-type]  # a file in memory works, too
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_axes={name: dict(enumerate(free)) for name in inputs}
            | {name: {0: free[0]} for name in outputs},
            opset_version=OPSET,
            dynamo=False,
        )
    model = onnx.load_from_string(buffer.getvalue())
    onnx.checker.check_model(model, full_check=True)
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def described(content: bytes, metadata: Mapping[str, str]) -> bytes:
    """An ONNX file with metadata, which say what its use needs to those who have the file alone."""
    model = onnx.load_from_string(content)
    onnx.helper.set_model_props(model, {**metadata, GRAPH_KEY: graph_digest(model)})
    with_metadata: bytes = model.SerializeToString(deterministic=True)
    return with_metadata


def parity(runtime: OnnxNetwork, network: ReleasedNetwork, stamps: NDArray[np.float32]) -> dict[str, Any]:
    """Compare the logits of ONNX Runtime and torch on float32 (n, 3, size, size) stamps: the entry `parity`.

    Raises
    ------
    ContractError
        If a logit differs by more than `TOLERANCE`, or is not finite.
    """
    theirs, ours = runtime.run(stamps).logits, torch_outputs(network, stamps).logits
    largest = float(np.abs(theirs - ours).max())
    if not largest <= TOLERANCE:
        raise ContractError(
            f"model.onnx: expected logits within {TOLERANCE:g} of those of torch on {len(stamps)} reference "
            f"stamps, found a difference of {largest:g}; nothing was exported. Report it with the versions "
            f"of torch ({torch.__version__}) and onnxruntime."
        )
    return {"largest_difference": largest, "stamps": len(stamps), "tolerance": TOLERANCE}


def _in_batches(module: nn.Module, stamps: NDArray[np.float32]) -> list[Tensor]:
    module.eval()
    with torch.inference_mode():
        parts = [
            module(torch.from_numpy(batch).contiguous(memory_format=torch.channels_last))
            for batch in batches(stamps)
        ]
    return [torch.cat(values) for values in zip(*parts, strict=True)]
