"""From a trained classifier to `model.onnx`, and the proof that both say the same."""

import io
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from stampshift import __version__
from stampshift.errors import ContractError
from stampshift.networks.classifier import Classifier
from stampshift.release.network import INPUT, OUTPUTS, OnnxNetwork, Outputs, batches

OPSET = 17  # of 2022: runtimes of the last years know it
# of a logit. A score moves by a quarter of it at most; what rounding makes of logits is a hundredth of it
TOLERANCE = 1e-3


class Exposed(nn.Module):
    """A classifier that gives, beside its logits, what tells whether a stamp is like those it was trained on.

    Parameters
    ----------
    classifier
        Its extractor is a sequence of layers.
    """

    def __init__(self, classifier: Classifier) -> None:
        super().__init__()
        self.layers = classifier.extractor
        self.head = classifier.head

    def forward(self, stamps: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Logits (batch, 2), features (batch, F) and activations (batch, A), as of `network.Outputs`."""
        values, means = stamps, []
        for layer in self.layers.children():
            values = layer(values)
            if isinstance(layer, nn.ReLU) and values.ndim == 4:
                means.append(values.mean(dim=(2, 3)))
        return self.head(values), values, torch.cat(means, dim=1)


def onnx_bytes(classifier: Classifier, *, size_pixels: int, description: Mapping[str, str]) -> bytes:
    """A classifier in evaluation mode as an ONNX file: input ``stamps``, outputs `network.OUTPUTS`.

    The same weights give the same bytes.

    Parameters
    ----------
    classifier
        On the CPU.
    size_pixels
        Side of the stamps; the length of a batch is free.
    description
        Kept in the file's metadata, for those who meet it without its folder.
    """
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # torch's newer exporter needs onnxscript, and takes seconds for the same graph of these layers
        warnings.filterwarnings("ignore", "You are using the legacy TorchScript-based", DeprecationWarning)
        torch.onnx.export(
            Exposed(classifier).eval(),
            (torch.zeros(2, 3, size_pixels, size_pixels),),
            buffer,  # type: ignore[arg-type]  # files in memory are taken, too
            input_names=[INPUT],
            output_names=list(OUTPUTS),
            dynamic_axes={name: {0: "batch"} for name in (INPUT, *OUTPUTS)},
            opset_version=OPSET,
            dynamo=False,
        )
    model = onnx.load_from_string(buffer.getvalue())
    onnx.helper.set_model_props(model, {"stampshift": __version__, **description})
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString(deterministic=True)


def torch_outputs(classifier: Classifier, stamps: NDArray[np.float32]) -> Outputs:
    """What torch makes of float32 (n, 3, size, size) stamps, as `OnnxNetwork.run`."""
    exposed = Exposed(classifier).eval()
    with torch.inference_mode():
        parts = [
            exposed(torch.from_numpy(batch).contiguous(memory_format=torch.channels_last))
            for batch in batches(stamps)
        ]
    return Outputs(*(torch.cat(values).numpy() for values in zip(*parts, strict=True)))


def parity(
    network: OnnxNetwork, classifier: Classifier, stamps: NDArray[np.float32], *, tolerance: float
) -> dict[str, Any]:
    """Compare the logits of ONNX Runtime and torch on float32 (n, 3, size, size) stamps.

    Returns
    -------
    dict
        ``largest_difference``, ``stamps`` and ``tolerance``.

    Raises
    ------
    ContractError
        If a logit differs by more than `tolerance`, or is not finite.
    """
    theirs, ours = network.run(stamps).logits, torch_outputs(classifier, stamps).logits
    largest = float(np.abs(theirs - ours).max())
    if not largest <= tolerance:
        raise ContractError(
            f"model.onnx: expected logits within {tolerance:g} of those of torch on {len(stamps)} reference "
            f"stamps, found a difference of {largest:g}; nothing was exported. Report it with the versions "
            f"of torch ({torch.__version__}) and onnxruntime."
        )
    return {"largest_difference": largest, "stamps": len(stamps), "tolerance": tolerance}
