"""A released model at work: cutouts or stamps in, scores out. Its folder holds everything it needs; no torch.

The network runs in ONNX Runtime, so a process that scores starts in a fraction of a second.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit

from stampshift.core.columns import FINITE, FINITE_OR_GAPS, TEXT
from stampshift.core.digests import read_digests
from stampshift.core.errors import ContractError
from stampshift.core.files import read_table
from stampshift.release.contract import AGAIN, ONNX, RAW, REFERENCE, Contract
from stampshift.release.external_data import check_external_data
from stampshift.release.onnx_metadata import check_agreement, check_graph, contract_in
from stampshift.release.onnx_network import INPUT, OnnxNetwork
from stampshift.release.preparing import prepare
from stampshift.release.raw_cutouts import Cutouts, alerts_of
from stampshift.release.shipped import folder_of
from stampshift.stamps.file import BOGUS, CHANNELS, LABELS, REAL
from stampshift.stamps.splits import Rows

OUT_OF_DISTRIBUTION = "out of distribution"  # the flag of a scored stamp
VALIDATION = "validation"  # part of the reference whose stamps have labels
REFERENCE_KINDS = {"survey": TEXT, "part": TEXT, "label": FINITE_OR_GAPS}
REFERENCE_KINDS |= dict.fromkeys(("logit", "similarity", "distance"), FINITE)

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Scores:
    """What a released model says of n stamps, each float32 (n,)."""

    score: Floats  # calibrated P(real)
    similarity: Floats  # as in `Outputs`
    distance: Floats  # as in `Outputs`, for `ReleasedModel.outlying`
    logit: Floats  # logit of real less that of bogus, not calibrated


@dataclass
class ReleasedModel:
    """A released model. Each process opens its own.

    `score` takes cutouts as surveys publish them, `score_stamps` those of a stamps file.
    """

    folder: Path  # or the ONNX file, where that is all
    contract: Contract
    network: OnnxNetwork

    @classmethod
    def open(cls, model: Path | str, *, threads: int = 1) -> Self:
        """Open a released model after checking its format and the digests of its files: `stampshift.load`.

        The model is its folder, the name of one that comes with the package, or a ``model.onnx`` alone, whose
        metadata say how it is used. Such a file scores, but has no reference stamps to choose a threshold by.

        Raises
        ------
        ContractError
            If there is no such model, or the folder has another format, lacks a file, or holds a changed one,
            or its network has data outside the folder or metadata that contradict the contract.

        Examples
        --------
        >>> import stampshift
        >>> model = stampshift.load("rubin-model")
        >>> model.contract.home, model.contract.size_pixels
        ('Rubin', 21)
        """
        path = folder_of(model)
        if path.is_file():
            return cls._alone(path, threads=threads)
        contract = Contract.read(path)
        check_external_data(path / ONNX, read_digests(path))
        network = OnnxNetwork(path / ONNX, threads=threads)
        check_agreement(network.metadata, contract, path / ONNX)
        return cls(path, contract, network)

    @classmethod
    def _alone(cls, path: Path, *, threads: int) -> Self:
        """Open an ONNX file from its metadata."""
        check_external_data(path, ())
        check_graph(path)
        network = OnnxNetwork(path, threads=threads)
        if network.inputs != [INPUT]:
            raise ContractError(
                f"{path}: expected a network that takes `{INPUT}`, found {', '.join(network.inputs)}. "
                f"stampshift opens {ONNX}; {RAW} is for other programs."
            )
        return cls(path, contract_in(network.metadata, path), network)

    def score(
        self, template: Cutouts, science: Cutouts, difference: Cutouts, *, survey: str | None = None
    ) -> pd.DataFrame:
        """Score raw cutouts, which are cropped, normalised and filled as the training stamps were.

        The result is a table with the columns of a scores file, so that what is written for one works on the
        other, and it joins a catalogue by its rows.

        Parameters
        ----------
        template, science, difference
            (N, height, width) each, or N images of any sizes, in the survey's units, the candidate at the
            centre. NaN, masked pixels (`numpy.ma`) and the survey's marks are invalid.
        survey
            That took them, by which the marks of invalid pixels and the limit of the distance are chosen: one
            of the model's, or of `read_alerts`. The survey for which the model was made if not given.

        Returns
        -------
        pandas.DataFrame
            A row per candidate: ``score`` (calibrated P(real)), ``similarity`` and ``distance``, all float32
            and NaN where there can be no score; ``flag`` and ``reason``, as text.

        Raises
        ------
        ContractError
            If the three are not as many, an array has no candidate axis, or the survey is not known.

        Examples
        --------
        >>> import numpy as np, stampshift
        >>> model = stampshift.load("rubin-model")
        >>> template, science, difference = np.random.default_rng(0).normal(100, 5, (3, 2, 63, 63))
        >>> science[0, 30, 30:33] = np.nan
        >>> difference[1] = np.nan
        >>> scores = model.score(template, science, difference)
        >>> scores["score"].between(0, 1).tolist(), scores["flag"][1]
        ([True, False], 'no valid pixel')
        """
        survey = survey or self.contract.home
        found = alerts_of(template, science, difference, survey=survey, known=self.contract.surveys)
        candidates, stamps = prepare(found, contract=self.contract, survey=survey)
        scores = self.score_stamps(stamps)
        scored = np.array([not candidate.problem for candidate in candidates], bool)
        table = pd.DataFrame(index=pd.RangeIndex(len(candidates)))
        for name in ("score", "similarity", "distance"):
            column = np.full(len(candidates), np.nan, np.float32)
            column[scored] = getattr(scores, name)
            table[name] = column
        table["flag"] = [candidate.problem for candidate in candidates]
        table.loc[table["distance"] > self.limit(survey), "flag"] = OUT_OF_DISTRIBUTION
        table["reason"] = [candidate.detail for candidate in candidates]
        return table

    def score_stamps(self, stamps: Floats) -> Scores:
        """Score float32 (n, 3, size, size) stamps, preprocessed as the contract says.

        Raises
        ------
        ContractError
            If they have another shape or type, or a pixel that is not finite.

        Examples
        --------
        >>> import stampshift
        >>> model = stampshift.load("rubin-model")
        >>> stamps = stampshift.Stamps.open("Rubin.h5", unlabelled=True)
        >>> scores = model.score_stamps(stamps.stamps)
        >>> scores.score.shape, scores.score.dtype
        ((106,), dtype('float32'))
        >>> outlying = model.outlying(scores.distance, survey="Rubin")
        """
        self._check(stamps)
        outputs = self.network.run(stamps)
        logit = _logit(outputs.logits)
        return Scores(self.calibrated(logit), outputs.similarity, outputs.distance, logit)

    def features(self, stamps: Floats, rows: Rows) -> tuple[Floats, Floats]:
        """Calibrated P(real) (n,) and the extractor's features (n, F) of some rows of stamps, as `score`."""
        self._check(stamps[:0])
        logits, features = self.network.run_features(stamps, rows)
        return self.calibrated(_logit(logits)), features

    def _check(self, stamps: Floats) -> None:
        size = self.contract.size_pixels
        expected = (len(CHANNELS), size, size)
        if stamps.shape[1:] != expected or stamps.dtype != np.float32:
            raise ContractError(
                f"{self.folder}: expected stamps of shape (n, {', '.join(map(str, expected))}) and float32, "
                f"found {stamps.shape} and {stamps.dtype}; preprocess them as its contract says."
            )
        finite = np.isfinite(stamps).all(axis=(1, 2, 3))
        if not finite.all():
            raise ContractError(
                f"{self.folder}: expected finite pixels, found another value in stamp "
                f"{int(np.argmin(finite))} of {len(stamps)}; preprocess them as its contract says."
            )

    def calibrated(self, logit: Floats) -> Floats:
        """P(real) at the contract's temperature, of logits of real less bogus."""
        return calibrated(logit, self.contract.calibration["temperature"])

    def outlying(self, distance: Floats, *, survey: str) -> NDArray[np.bool_]:
        """Which stamps of a survey are out of distribution, from their distances."""
        return distance > self.limit(survey)

    def check_known(self, survey: str, *, why: str) -> None:
        """Raise a `ContractError` for a survey that the model has no reference stamps of."""
        if survey not in self.contract.surveys:
            known = " and ".join(self.contract.surveys)
            raise ContractError(f"{self.folder}: knows {known}, found the survey {survey}; {why}")

    def limit(self, survey: str) -> np.float32:
        """Distance beyond which a stamp is flagged; of an unknown survey, the largest of its homes'."""
        limits = self.contract.out_of_distribution["thresholds"]
        surveys = [survey] if survey in limits else self.contract.homes
        return np.float32(max(limits[each]["distance"] for each in surveys))

    def reference(self) -> pd.DataFrame:
        """Table of the reference stamps, as `reference.reference_table` makes it."""
        path = self.folder / REFERENCE
        if self.folder.is_file():
            raise ContractError(
                f"{self.folder}: is a network alone, without the reference stamps that this needs; give the "
                "folder of the released model."
            )
        table = read_table(path, remedy=AGAIN, kinds=REFERENCE_KINDS)
        lost = set(self.contract.surveys) - set(table["survey"])
        labels = table.loc[table["part"] == VALIDATION, "label"]
        if lost or not labels.isin(LABELS.values()).all():
            raise ContractError(
                f"{path}: expected stamps of {', '.join(self.contract.surveys)}, those of the part "
                f"{VALIDATION} real (1) or bogus (0), found others. {AGAIN}"
            )
        return table


def _logit(logits: Floats) -> Floats:
    """Logit of real less that of bogus, of logits (n, 2)."""
    difference: Floats = logits[:, REAL] - logits[:, BOGUS]
    return difference


def calibrated(logit: Floats, temperature: float) -> Floats:
    """P(real), float32, of logits of real less bogus at a temperature."""
    return expit(logit.astype(np.float64) / temperature).astype(np.float32)


load = ReleasedModel.open  # the package's name for it
