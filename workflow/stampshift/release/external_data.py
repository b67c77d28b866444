"""A released model holds all its data: its network refers to no file that is not in its list of digests."""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from stampshift.core.digests import DIGESTS
from stampshift.core.errors import ContractError

EXTERNAL = b"location"  # key by which a tensor of an ONNX file names another file


def check_external_data(network: Path, listed: Collection[str]) -> None:
    """Raise a `ContractError` if an ONNX file refers to a file that is not `listed`, in its folder."""
    model = network.read_bytes()
    if EXTERNAL not in model:
        return
    import onnx  # a third of a second, which a network without external data need not wait for

    home = network.parent.resolve()
    for tensor in _tensors(onnx.load_from_string(model)):
        for entry in tensor.external_data:
            file = (home / entry.value).resolve()
            if entry.key != EXTERNAL.decode():
                continue
            if not file.is_relative_to(home) or str(file.relative_to(home)) not in listed:
                raise ContractError(
                    f"{network}: its tensor {tensor.name!r} refers to {entry.value!r}, a file that is not in "
                    f"{DIGESTS}: a released model holds all its data. Export the model again."
                )


def _tensors(message: Any) -> Iterator[Any]:
    """All tensors of an ONNX model, those of its nodes' attributes, inner graphs and functions too."""
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        for each in [value] if hasattr(value, "ListFields") else value:
            if each.DESCRIPTOR.name == "TensorProto":
                yield each
            else:
                yield from _tensors(each)
