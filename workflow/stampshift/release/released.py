"""A released model at work: stamps in, scores out. Everything it needs is in its folder; torch is not."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit

from stampshift.core.errors import ContractError
from stampshift.core.files import read_table
from stampshift.release.contract import ONNX, REFERENCE, Contract
from stampshift.release.network import OnnxNetwork
from stampshift.stamps.file import BOGUS, CHANNELS, REAL

OUT_OF_DISTRIBUTION = "out of distribution"  # as a flag of a scored stamp


@dataclass(frozen=True)
class Scores:
    """What a released model says of n stamps.

    Attributes
    ----------
    score
        float32 (n,), calibrated P(real).
    similarity
        float32 (n,), cosine with the nearer class prototype.
    distance
        float32 (n,), Mahalanobis distance, for `Release.outlying`.
    logit
        float32 (n,), logit of real less that of bogus, not calibrated.
    """

    score: NDArray[np.float32]
    similarity: NDArray[np.float32]
    distance: NDArray[np.float32]
    logit: NDArray[np.float32]


class Release:
    """A released model. Each process opens its own.

    Parameters
    ----------
    folder
        Where it lies.
    contract
        Its contract, checked.
    network
        Its network.
    """

    def __init__(self, folder: Path, *, contract: Contract, network: OnnxNetwork) -> None:
        self.folder = folder
        self.contract = contract
        self._network = network

    @classmethod
    def open(cls, folder: Path | str, *, threads: int = 1) -> Self:
        """Open a released model after checking its version and the digests of its files.

        Raises
        ------
        ContractError
            If the folder is no released model, of another format, not whole, or changed.
        """
        folder = Path(folder)
        contract = Contract.read(folder)
        return cls(
            folder,
            contract=contract,
            network=OnnxNetwork((folder / ONNX).read_bytes(), threads=threads),
        )

    def score(self, stamps: NDArray[np.float32]) -> Scores:
        """Score float32 (n, 3, size, size) stamps, preprocessed as the contract says.

        Raises
        ------
        ContractError
            If they have another shape or type, or a pixel that is not finite.
        """
        size = self.contract.size_pixels
        expected = (len(CHANNELS), size, size)
        if stamps.shape[1:] != expected or stamps.dtype != np.float32:
            raise ContractError(
                f"{self.folder}: scores stamps of shape (n, {', '.join(map(str, expected))}) and float32, "
                f"found {stamps.shape} and {stamps.dtype}; preprocess them as its contract says."
            )
        finite = np.isfinite(stamps).all(axis=(1, 2, 3))
        if not finite.all():
            raise ContractError(
                f"{self.folder}: scores finite pixels, found another in stamp {int(np.argmin(finite))} of "
                f"{len(stamps)}; preprocess them as its contract says."
            )
        outputs = self._network.run(stamps)
        logit = outputs.logits[:, REAL] - outputs.logits[:, BOGUS]
        return Scores(
            score=calibrated(logit, self.contract.calibration["temperature"]),
            similarity=outputs.similarity,
            distance=outputs.distance,
            logit=logit,
        )

    def outlying(self, distance: NDArray[np.float32], *, survey: str) -> NDArray[np.bool_]:
        """Tell which stamps of a survey are out of distribution, from their distances.

        A survey that the model does not know has the threshold of the model's own survey, `Contract.home`.
        """
        thresholds = self.contract.out_of_distribution["thresholds"]
        own = thresholds.get(survey, thresholds[self.contract.home])
        return distance > np.float32(own["distance"])

    def reference(self) -> pd.DataFrame:
        """Table of the reference stamps, as of `reference.reference_table`."""
        return read_table(self.folder / REFERENCE, remedy="Export the model again.")


def calibrated(logit: NDArray[np.float32], temperature: float) -> NDArray[np.float32]:
    """P(real), float32, of logits of real less bogus at a temperature."""
    return expit(logit.astype(np.float64) / temperature).astype(np.float32)
