"""The contract of a released model: what its folder holds, and all that a score needs besides the weights.

Nothing in it depends on a test label: what was measured on test parts is in the model card.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Self

from stampshift.core.digests import DIGESTS, check_folder
from stampshift.core.errors import ContractError
from stampshift.core.files import read_json, write_json
from stampshift.core.version import __version__
from stampshift.stamps.file import CHANNELS, LABELS
from stampshift.stamps.raw_triplets import InvalidPixels

FORMAT = 1
CONTRACT = "contract.json"
CARD = "card.md"
MODEL, ONNX, REFERENCE = "model.pt", "model.onnx", "reference.parquet"
DIGESTED = (MODEL, ONNX, REFERENCE)


@dataclass(frozen=True)
class Contract:
    """Content of `contract.json`."""

    network: str
    head: str
    size_pixels: int
    normalisation: str  # a key of `preprocessing.NORMALISATIONS`
    # of each survey that the model was trained on: `role` ("source" or "target"), `invalid` (`InvalidPixels`)
    surveys: Mapping[str, Mapping[str, Any]]
    # `temperature` (1 where `fitted` is false); `survey`, `stamps`, `n_real` and `n_bogus` of its validation
    calibration: Mapping[str, Any]
    # `quantile`; `thresholds` by survey: the `distance` beyond which a stamp is flagged, the number of
    # reference `stamps` behind it, and the share `expected` beyond it
    out_of_distribution: Mapping[str, Any]
    # `largest_difference` between logits of ONNX Runtime and torch over `stamps` stamps, and the `tolerance`
    parity: Mapping[str, Any]
    simulated: bool  # whether any survey was drawn by the simulator
    digests: Mapping[str, str]  # SHA-256 of `DIGESTED`; the folder's `SHA256SUMS` has those of all files
    channels: tuple[str, ...] = CHANNELS
    labels: Mapping[str, int] = field(default_factory=lambda: dict(LABELS))
    stampshift: str = __version__
    format: int = FORMAT

    @property
    def home(self) -> str:
        """Survey for which the model was made: the target, or the source where there is none."""
        roles = {section["role"]: name for name, section in self.surveys.items()}
        return roles.get("target", roles["source"])

    def invalid(self, survey: str) -> InvalidPixels:
        """Marks of invalid pixels of one of the model's surveys."""
        return InvalidPixels(**self.surveys[survey]["invalid"])

    def write(self, folder: Path) -> None:
        """Write `contract.json`."""
        write_json(folder / CONTRACT, asdict(self))

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read a folder's contract and check the folder's files against it.

        Raises
        ------
        ContractError
            If the folder is no released model, has another format, lacks a file, or holds a changed one.
        """
        path = folder / CONTRACT
        if not path.is_file():
            raise ContractError(
                f"{folder}: expected a released model, a folder with a {CONTRACT}, found no such "
                f"{'file in it' if folder.is_dir() else 'folder'}; `stampshift export` makes one."
            )
        content = read_json(path, remedy="Export the model again.")
        if not isinstance(content, dict):
            raise ContractError(f"{path}: holds no contract; export the model again.")
        if content.get("format") != FORMAT:
            raise ContractError(
                f"{folder}: expected a released model of format {FORMAT}, found format "
                f"{content.get('format')} of stampshift {content.get('stampshift')}; this is stampshift "
                f"{__version__}: install the other version, or export the model again."
            )
        names = {each.name for each in fields(cls)}
        if names != set(content):
            raise ContractError(
                f"{path}: lacks {_listed(names - set(content))}, and has {_listed(set(content) - names)}, "
                "which no contract has; export the model again."
            )
        listed = check_folder(folder, needed=(*DIGESTED, CONTRACT))
        for name in DIGESTED:
            if listed[name] != content["digests"].get(name):
                raise ContractError(
                    f"{folder / name}: is another file than that of the contract, by its SHA-256 in "
                    f"{DIGESTS}; copy the folder again, or export the model again."
                )
        return cls(**content | {"channels": tuple(content["channels"])})


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(names)) or "nothing"
