"""The contract of a released model: what its folder holds, and all that a score needs besides the weights.

Nothing in it depends on a test label: what was measured on test parts stands in the model card.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Self

from stampshift import __version__
from stampshift.core.errors import ContractError
from stampshift.core.files import read_json, write_json
from stampshift.core.provenance import file_digest
from stampshift.stamps.file import CHANNELS, LABELS
from stampshift.stamps.raw_triplets import InvalidPixels

FORMAT = 1
CONTRACT = "contract.json"
CARD = "card.md"  # for people, who may add to it: it has no digest
MODEL, ONNX, REFERENCE = "model.pt", "model.onnx", "reference.parquet"
DIGESTED = (MODEL, ONNX, REFERENCE)


@dataclass(frozen=True)
class Contract:
    """What `contract.json` holds.

    Attributes
    ----------
    network, head
        Of the classifier, as in its model file.
    size_pixels, normalisation
        Of the stamps: the crop, and a key of `preprocess.NORMALISATIONS`.
    surveys
        ``role`` (``"source"`` or ``"target"``) and ``invalid`` (marks of invalid pixels, as `InvalidPixels`)
        of each survey that the model was trained on.
    calibration
        ``temperature`` (1 where ``fitted`` is false), and ``survey``, ``stamps``, ``n_real`` and ``n_bogus``
        of the validation stamps on which it was fitted.
    out_of_distribution
        ``quantile``, and by survey under ``thresholds``: the ``distance`` beyond which a stamp is flagged,
        the number of reference ``stamps`` behind it and the share of them ``expected`` beyond it.
    parity
        ``largest_difference`` of a logit of ONNX Runtime from torch's over ``stamps`` reference stamps, and
        the ``tolerance``.
    simulated
        Whether any survey was drawn by the simulator.
    digests
        SHA-256 of the folder's files.
    channels, labels
        Order of the images, and codes of the labels.
    stampshift, format
        Versions of the package that wrote the folder, and of the folder's format.
    """

    network: str
    head: str
    size_pixels: int
    normalisation: str
    surveys: Mapping[str, Mapping[str, Any]]
    calibration: Mapping[str, Any]
    out_of_distribution: Mapping[str, Any]
    parity: Mapping[str, Any]
    simulated: bool
    digests: Mapping[str, str]
    channels: tuple[str, ...] = CHANNELS
    labels: Mapping[str, int] = field(default_factory=lambda: dict(LABELS))
    stampshift: str = __version__
    format: int = FORMAT

    def __post_init__(self) -> None:
        object.__setattr__(self, "channels", tuple(self.channels))

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
        """Read the contract of a folder and check that the folder keeps it.

        Raises
        ------
        ContractError
            If the folder is no released model, is of a newer format, misses a file, or holds one that has
            changed.
        """
        content = _content(folder)
        if content.get("format") != FORMAT:
            raise ContractError(
                f"{folder}: expected a released model of format {FORMAT}, found format "
                f"{content.get('format')} of stampshift {content.get('stampshift')}; this is stampshift "
                f"{__version__}: install the other version, or export the model again."
            )
        names = {each.name for each in fields(cls)}
        if names != set(content):
            raise ContractError(
                f"{folder / CONTRACT}: misses {_listed(names - set(content))}, and has "
                f"{_listed(set(content) - names)} that no contract has; export the model again."
            )
        for name in DIGESTED:
            _check_file(folder / name, content["digests"].get(name))
        return cls(**content)


def _content(folder: Path) -> dict[str, Any]:
    path = folder / CONTRACT
    if not path.is_file():
        raise ContractError(
            f"{folder}: expected a released model, a folder with a {CONTRACT}, found "
            f"{'no such file in it' if folder.is_dir() else 'no such folder'}; `stampshift export` makes one."
        )
    content = read_json(path, remedy="Export the model again.")
    if not isinstance(content, dict):
        raise ContractError(f"{path}: holds no contract; export the model again.")
    return content


def _check_file(path: Path, expected: str | None) -> None:
    if not path.is_file():
        raise ContractError(f"{path}: missing from the released model; copy the folder whole.")
    found = file_digest(path)
    if found != expected:
        raise ContractError(
            f"{path}: has changed since the export, expected SHA-256 {expected}, found {found}; copy the "
            "folder again, or export the model again."
        )


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(names)) or "nothing"
