"""Parts of a survey (train, validation, test) and its shots, drawn once per survey and seed.

What is in no part is in reserve.

The file holds row numbers only. The train and validation parts are stored class by class in a random
order; the k shots are the first k of each class, so that the shots are nested by construction and a
longer list of shots changes no file.
"""

import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import lcm
from pathlib import Path
from tokenize import TokenError
from typing import Self

import numpy as np
from numpy.typing import NDArray

from stampshift.core.errors import ConfigError, ContractError
from stampshift.core.files import REMEDY, atomic_path
from stampshift.stamps.file import BOGUS, REAL, Stamps

PARTS = ("train", "validation", "test")
# what the reader of npz files raises of a damaged one
DAMAGED = (OSError, KeyError, ValueError, RuntimeError, EOFError, zipfile.BadZipFile, zlib.error, TokenError)
RESERVE = "reserve"  # rows that are in no part
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Splits:
    """Rows of one survey's stamps file, by part; every array is int64.

    Attributes
    ----------
    survey
        Name of the survey.
    train_real, train_bogus, validation_real, validation_bogus
        Rows of a part and class, in the random order that defines the shots.
    test
        Rows of the test part, ascending.
    """

    survey: str
    train_real: Rows
    train_bogus: Rows
    validation_real: Rows
    validation_bogus: Rows
    test: Rows

    @property
    def train(self) -> Rows:
        """Rows of the whole train part, ascending."""
        return np.sort(np.concatenate([self.train_real, self.train_bogus]))

    @property
    def validation(self) -> Rows:
        """Rows of the whole validation part, ascending."""
        return np.sort(np.concatenate([self.validation_real, self.validation_bogus]))

    def shots(self, per_class: int) -> Rows:
        """Rows of the labelled target stamps: `per_class` reals, then as many bogus."""
        return self._first(per_class, "train", self.train_real, self.train_bogus)

    def validation_shots(self, per_class: int) -> Rows:
        """Rows of the labelled target stamps that choose the best epoch."""
        return self._first(per_class, "validation", self.validation_real, self.validation_bogus)

    def unlabelled(self, per_class: int) -> Rows:
        """Rows of the train part that are not among the shots, ascending: their order tells no label."""
        return np.setdiff1d(self.train, self.shots(per_class))

    def _first(self, per_class: int, part: str, real: Rows, bogus: Rows) -> Rows:
        if per_class > min(len(real), len(bogus)):
            raise ConfigError(
                f"{self.survey}: {per_class} shots per class were asked for, but the {part} part holds "
                f"{len(real)} real and {len(bogus)} bogus stamps; lower `splits.shots` or "
                "`splits.validation_shots`, or give the survey more stamps."
            )
        return np.concatenate([real[:per_class], bogus[:per_class]])

    def save(self, path: Path | str) -> None:
        """Write the splits file; the same splits give the same bytes."""
        arrays = {name: value for name, value in vars(self).items() if name != "survey"}
        with atomic_path(path) as temporary:
            np.savez(temporary, survey=np.array(self.survey), **arrays)

    @classmethod
    def open(cls, path: Path | str) -> Self:
        """Read a splits file.

        Raises
        ------
        ContractError
            If the file cannot be read or misses an array.
        """
        try:
            with Path(path).open("rb") as stream, np.load(stream, allow_pickle=False) as file:
                rows = {name: file[name] for name in cls.__dataclass_fields__ if name != "survey"}
                return cls(survey=str(file["survey"]), **rows)
        except DAMAGED as error:
            raise ContractError(f"{path}: not a readable splits file ({error}). {REMEDY}") from error


def make_splits(
    stamps: Stamps, *, fractions: Mapping[str, float], seed: int, rows: Rows | None = None
) -> Splits:
    """Split a survey at random, stratified by label, no object in two parts.

    Parameters
    ----------
    stamps
        The survey; stamps without an object identifier count as objects of their own.
    fractions
        Share of each of `PARTS` and, if there is one, of the reserve; multiples of 1/100 that sum to 1.
    seed
        Number of the split: the same number gives every method the same parts.
    rows
        Rows to split, where people have labelled some stamps only; the others are in no part.

    Returns
    -------
    Splits

    Raises
    ------
    ConfigError
        If the survey has fewer stamps of a class than the split has folds.
    """
    folds, order = _stream(stamps, seed).spawn(2)
    some = np.arange(len(stamps)) if rows is None else rows
    part = _assign_parts(stamps, some, fractions=fractions, random_state=_state(folds))
    return _splits(stamps, part, generator=np.random.default_rng(order))


def make_folds(stamps: Stamps, *, folds: int, validation: float, seed: int) -> list[Splits]:
    """Splits for cross-fitting: fold k is the test part of split k, so that every stamp is in one test part.

    Parameters
    ----------
    stamps, seed
        As for `make_splits`, which also says what raises.
    folds
        Number of splits.
    validation
        Share of the other folds' stamps that chooses the epoch, a multiple of 1/100; the rest is the train
        part.
    """
    tests, parts, order = _stream(stamps, seed).spawn(3)
    generator = np.random.default_rng(order)
    rows = np.arange(len(stamps))
    splits = []
    for test, child in zip(
        _folds(stamps, rows, folds, random_state=_state(tests)), parts.spawn(folds), strict=True
    ):
        part = _assign_parts(
            stamps,
            np.setdiff1d(rows, test),
            fractions={"train": 1 - validation, "validation": validation},
            random_state=_state(child),
        )
        part[test] = "test"
        splits.append(_splits(stamps, part, generator=generator))
    return splits


def _stream(stamps: Stamps, seed: int) -> np.random.SeedSequence:
    return np.random.SeedSequence([int.from_bytes(stamps.survey.encode(), "little"), seed])


def _state(sequence: np.random.SeedSequence) -> int:
    return int(sequence.generate_state(1)[0])


def _splits(stamps: Stamps, part: NDArray[np.str_], *, generator: np.random.Generator) -> Splits:
    """Splits by the name of every stamp's part, train and validation in a random order by class."""
    rows: dict[str, Rows] = {}
    for name in PARTS[:2]:
        for label, label_name in ((REAL, "real"), (BOGUS, "bogus")):
            chosen = np.flatnonzero((part == name) & (stamps.labels == label))
            rows[f"{name}_{label_name}"] = generator.permutation(chosen)
    return Splits(survey=stamps.survey, test=np.flatnonzero(part == "test"), **rows)


def _assign_parts(
    stamps: Stamps, rows: Rows, *, fractions: Mapping[str, float], random_state: int
) -> NDArray[np.str_]:
    """Name of the part of every stamp, empty beyond `rows`: each part takes its number of equal folds."""
    percent = {name: round(100 * fractions.get(name, 0)) for name in (*PARTS, RESERVE)}
    n_folds = lcm(*(100 // np.gcd(share, 100) for share in percent.values()))
    fold_part = [name for name, share in percent.items() for _ in range(share * n_folds // 100)]
    part = np.zeros(len(stamps), dtype="U10")
    for name, fold in zip(fold_part, _folds(stamps, rows, n_folds, random_state=random_state), strict=True):
        part[fold] = name
    return part


def _folds(stamps: Stamps, rows: Rows, n_folds: int, *, random_state: int) -> Iterator[Rows]:
    """Equal folds of `rows` that scikit-learn draws, stratified by label, no object in two of them."""
    # every training job opens splits and none makes any: it need not pay this second of imports
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    labels, objects = stamps.labels[rows], stamps.groups[rows]
    scarce = min(np.bincount(labels, minlength=2))
    if scarce < n_folds:
        raise ConfigError(
            f"{stamps.survey}: a split into {n_folds} folds needs that many stamps of either class, "
            f"found {scarce}; give the survey more stamps."
        )
    grouped = np.any(objects != "")
    splitter = (StratifiedGroupKFold if grouped else StratifiedKFold)(
        n_folds, shuffle=True, random_state=random_state
    )
    own = [f"row {row}" for row in rows] if grouped else []
    groups = np.where(objects == "", own, objects) if grouped else None
    for _, fold in splitter.split(labels, labels, groups):
        yield rows[fold]
