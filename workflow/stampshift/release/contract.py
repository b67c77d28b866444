"""The contract of a released model: what its folder holds, and all that a score needs besides the weights.

Nothing in it depends on a test label: what was measured on test parts is in the model card.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from math import inf
from pathlib import Path
from typing import Any, Literal, Self

from stampshift.core.digests import DIGESTS, check_folder
from stampshift.core.errors import ContractError
from stampshift.core.files import read_json, write_json
from stampshift.core.shapes import check_shape
from stampshift.core.version import __version__
from stampshift.stamps.file import CHANNELS, LABELS
from stampshift.stamps.preprocessing import NORMALISATIONS
from stampshift.stamps.raw_triplets import InvalidPixels

FORMAT = 2
AGAIN = "Export the model again."
CONTRACT = "contract.json"
CARD = "card.md"
MODEL, ONNX, REFERENCE = "model.pt", "model.onnx", "reference.parquet"
RAW = "raw.onnx"  # of which the list of digests has one; older releases have none
OPTIONAL = "started_from"  # the key that most contracts lack
DIGESTED = (MODEL, ONNX, REFERENCE)


@dataclass
class _Survey:
    role: Literal["source", "target"]
    invalid: InvalidPixels


@dataclass
class _Calibration:
    temperature: float  # 1 where it was not fitted
    fitted: bool
    surveys: list[str]  # of the validation stamps, which are so many
    stamps: int
    n_real: int
    n_bogus: int


@dataclass
class _Limit:
    distance: float  # beyond which a stamp is flagged
    expected: float  # share of stamps beyond it
    stamps: int  # of the reference, behind it


@dataclass
class _Limits:
    quantile: float
    thresholds: dict[str, _Limit]  # by survey


@dataclass
class _Parity:
    largest_difference: float  # between logits of ONNX Runtime and torch
    tolerance: float
    stamps: int


@dataclass
class Start:
    """What a model that an adaptation starts from was trained on before."""

    surveys: list[str] = field(default_factory=list)
    name: str | None = None  # of a released model
    simulated: bool | None = None  # whether any of these was drawn by the simulator; None if not recorded

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> Self:
        """What a checked record or contract says; other values may be beside it."""
        return cls(**{each.name: content[each.name] for each in fields(cls) if each.name in content})

    @property
    def title(self) -> str:
        """``"HiTS"``, or ``"generalist (HiTS, DES, ATLAS, ZTF)"``."""
        surveys = ", ".join(self.surveys)
        return f"{self.name} ({surveys})" if self.name else surveys


@dataclass
class _Shape:
    """Of `contract.json`."""

    network: str
    head: str
    size_pixels: int
    normalisation: str
    surveys: dict[str, _Survey]
    calibration: _Calibration
    out_of_distribution: _Limits
    parity: _Parity
    simulated: bool
    digests: dict[str, str]
    channels: list[str]
    labels: dict[str, int]
    stampshift: str
    format: int
    started_from: Start | None = None


@dataclass(frozen=True)
class Contract:
    """Content of `contract.json`."""

    network: str
    head: str
    size_pixels: int
    normalisation: str  # a key of `preprocessing.NORMALISATIONS`
    surveys: Mapping[str, Mapping[str, Any]]  # that the model was trained on: `_Survey`
    calibration: Mapping[str, Any]  # `_Calibration`
    out_of_distribution: Mapping[str, Any]  # `_Limits`
    parity: Mapping[str, Any]  # `_Parity`
    simulated: bool  # whether any of `surveys` was drawn by the simulator
    digests: Mapping[str, str]  # SHA-256 of `DIGESTED`; the folder's `SHA256SUMS` has those of all files
    channels: tuple[str, ...] = CHANNELS
    labels: Mapping[str, int] = field(default_factory=lambda: dict(LABELS))
    stampshift: str = __version__
    format: int = FORMAT
    # `Start` of a model whose stamps are not all those of `surveys`: what it had seen before
    started_from: Mapping[str, Any] | None = None

    @property
    def start(self) -> Start | None:
        """What the model had seen before it was adapted, where `surveys` do not tell."""
        return None if self.started_from is None else Start.of(self.started_from)

    @property
    def homes(self) -> list[str]:
        """Surveys for which the model was made: the target, or the source's surveys if there is none."""
        homes: list[str] = self.calibration["surveys"]
        return homes

    @property
    def home(self) -> str:
        """The last of `homes`, whose marks of invalid pixels hold where no survey is named."""
        return self.homes[-1]

    def invalid(self, survey: str) -> InvalidPixels:
        """Marks of invalid pixels of one of the model's surveys."""
        return InvalidPixels(**self.surveys[survey]["invalid"])

    def content(self) -> dict[str, Any]:
        """As JSON has it: without `started_from` if there is nothing to say, as in older releases."""
        return {name: value for name, value in asdict(self).items() if (name, value) != (OPTIONAL, None)}

    def write(self, folder: Path) -> None:
        """Write `contract.json`."""
        write_json(folder / CONTRACT, self.content())

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
        content = read_json(path, remedy=AGAIN)
        cls._check_format(content, path)
        listed = check_folder(folder, needed=(*DIGESTED, CONTRACT))
        contract = cls.of(content, path=path)
        for name in DIGESTED:
            if listed[name] != contract.digests.get(name):
                raise ContractError(
                    f"{folder / name}: is another file than that of the contract, by its SHA-256 in "
                    f"{DIGESTS}; copy the folder again, or export the model again."
                )
        return contract

    @classmethod
    def of(cls, content: Any, *, path: Path) -> Self:
        """A contract from the JSON of a file.

        Raises
        ------
        ContractError
            If it has another format or shape, or its parts do not go together.
        """
        cls._check_format(content, path)
        check_shape(content, _Shape, path=path, remedy=AGAIN)
        contract = cls(**content | {"channels": tuple(content["channels"])})
        contract._check_meaning(path)
        return contract

    @classmethod
    def _check_format(cls, content: Any, path: Path) -> None:
        if not isinstance(content, dict):
            raise ContractError(f"{path}: holds no contract; export the model again.")
        if content.get("format") != FORMAT:
            raise ContractError(
                f"{path}: expected a released model of format {FORMAT}, found format "
                f"{content.get('format')} of stampshift {content.get('stampshift')}; this is stampshift "
                f"{__version__}: install the other version, or export the model again."
            )
        names = {each.name for each in fields(cls)}
        if names != {*content, OPTIONAL}:
            lost = names - {*content, OPTIONAL}
            raise ContractError(
                f"{path}: lacks {_listed(lost)}, and has {_listed(set(content) - names)}, "
                "which no contract has; export the model again."
            )

    def _check_meaning(self, path: Path) -> None:
        """Raise a `ContractError` if its parts do not go together, or are of another stampshift."""
        roles = [section["role"] for section in self.surveys.values()]
        limits = self.out_of_distribution["thresholds"]
        numbers = [limit["distance"] for limit in limits.values()]
        numbers += [self.size_pixels, self.calibration["temperature"]]
        marks = {name for section in self.surveys.values() for name in section["invalid"]}
        fit = {
            "a size, a temperature and distances above 0": all(0 < each < inf for each in numbers),
            "known marks of invalid pixels": marks <= {each.name for each in fields(InvalidPixels)},
            "at most one target": roles.count("target") <= 1,
            "a calibration on some of its surveys": {*self.homes} <= {*self.surveys} and len(self.homes) > 0,
            "thresholds of its surveys": set(self.surveys) == set(limits),
            "a known normalisation": self.normalisation in NORMALISATIONS,
            f"the channels {', '.join(CHANNELS)}": self.channels == CHANNELS,
            f"the labels {LABELS}": self.labels == LABELS,
        }
        for expected, found in fit.items():
            if not found:
                raise ContractError(f"{path}: expected {expected}, found others. {AGAIN}")


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(names)) or "nothing"
