"""What an ONNX file of a release says of itself: all that its use needs, for those who have the file alone.

Other programs read the plain keys (`docs/commands/export.md`). stampshift reads `CONTRACT_KEY`, the contract
without the digests of its files, and refuses a file whose other keys say something else.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from stampshift.core.errors import ContractError
from stampshift.metrics.metrics import THRESHOLD
from stampshift.release.contract import AGAIN, CONTRACT, Contract
from stampshift.stamps.preprocessing import CLIPPED_SIGMAS, NORMAL_SIGMA

if TYPE_CHECKING:
    import onnx

CONTRACT_KEY = "contract"
GRAPH_KEY = "graph_sha256"
FOR_OTHERS = ("preprocessing", "threshold")  # keys that say nothing that the contract holds
RECIPES = {
    "channel": "each image to mean 0 and standard deviation 1 over its valid pixels, 0 if it is constant",
    "difference_mad": f"all images over {NORMAL_SIGMA} times the difference's median absolute deviation",
}
RECIPES["difference_mad_clipped"] = (
    f"{RECIPES['difference_mad']}, then clipped at -{CLIPPED_SIGMAS:g} and {CLIPPED_SIGMAS:g}"
)


def metadata_of(contract: Contract) -> dict[str, str]:
    """Metadata of the ONNX files of a release: texts and numbers as they are, what is by survey as JSON."""
    marks = {
        survey: {name: value for name, value in asdict(contract.invalid(survey)).items() if value is not None}
        for survey in contract.surveys
    }
    limits = contract.out_of_distribution["thresholds"]
    held = {name: value for name, value in contract.content().items() if name != "digests"}
    return {
        "stampshift": contract.stampshift,
        "survey": contract.home,
        "preprocessing": f"the central {contract.size_pixels} x {contract.size_pixels} pixels; "
        f"{RECIPES[contract.normalisation]}; invalid pixels are the median of their image's valid ones",
        "size_pixels": str(contract.size_pixels),
        "channels": ",".join(contract.channels),
        "normalisation": contract.normalisation,
        "invalid": json.dumps(marks),
        "classes": ",".join(sorted(contract.labels, key=contract.labels.__getitem__)),
        "temperature": repr(contract.calibration["temperature"]),
        "threshold": repr(THRESHOLD),
        "distance_limits": json.dumps({survey: limit["distance"] for survey, limit in limits.items()}),
        CONTRACT_KEY: json.dumps(held),
    }


def graph_digest(model: "onnx.ModelProto") -> str:
    """SHA-256 of an ONNX file's graph and weights, whatever its metadata are."""
    return sha256(model.graph.SerializeToString(deterministic=True)).hexdigest()


def check_graph(path: Path) -> None:
    """Raise a `ContractError` if the graph of an ONNX file is not the one whose digest its metadata hold."""
    import onnx  # a third of a second, which a released model's folder need not wait for

    try:
        model = onnx.load_from_string(path.read_bytes())
    except Exception:  # ONNX Runtime refuses it, too, and says why
        return
    said = [entry.value for entry in model.metadata_props if entry.key == GRAPH_KEY]
    if said and said != [graph_digest(model)]:
        raise ContractError(f"{path}: has changed since it was exported; copy it again. {AGAIN}")


def contract_in(metadata: Mapping[str, str], path: Path) -> Contract:
    """The contract that an ONNX file's metadata hold, without digests.

    Raises
    ------
    ContractError
        If they hold none, or one that another of their keys contradicts.
    """
    if not {CONTRACT_KEY, GRAPH_KEY} <= set(metadata):
        raise ContractError(
            f"{path}: expected an ONNX file whose metadata have {CONTRACT_KEY} and {GRAPH_KEY}, as "
            f"`stampshift export` writes it, found {', '.join(sorted(metadata)) or 'no key'}. Give the "
            "folder of the released model, or export it again."
        )
    try:
        held = json.loads(metadata[CONTRACT_KEY])
    except ValueError as error:
        raise ContractError(f"{path}: its metadata hold no readable contract ({error}). {AGAIN}") from error
    contract = Contract.of({**held, "digests": {}} if isinstance(held, dict) else held, path=path)
    expected = metadata_of(contract)
    for key, value in expected.items():
        found = metadata.get(key, value)
        if found != value and key not in FOR_OTHERS:
            raise ContractError(
                f"{path}: its metadata contradict themselves: {key} is {found!r:.60}, and in their contract "
                f"{value!r:.60}. {AGAIN}"
            )
    return contract


def check_agreement(metadata: Mapping[str, str], contract: Contract, path: Path) -> None:
    """Raise a `ContractError` if a network's metadata do not hold the contract beside it.

    A network of an older release holds none.
    """
    if CONTRACT_KEY not in metadata:
        return
    held = asdict(replace(contract_in(metadata, path), digests=contract.digests))
    apart = [name for name, value in asdict(contract).items() if held[name] != value]
    if apart:
        raise ContractError(
            f"{path}: its metadata and the {CONTRACT} beside it do not agree about {', '.join(apart)}: they "
            "are of two exports. Copy the folder again, or export the model again."
        )
