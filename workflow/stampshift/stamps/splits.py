"""Parts of a survey (train, validation, test) and its shots, drawn once per survey and seed.

What is in no part is in reserve. The file holds row numbers only. The train and validation parts are stored
class by class in a random order; the k shots are the first k of each class, so that shots are nested and a
longer list of shots changes no file.
"""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import gcd
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from stampshift.core.errors import ConfigError, ContractError, system_fault, unreadable_now
from stampshift.core.files import REMEDY, atomic_path
from stampshift.stamps.file import BOGUS, LABELS, REAL, Stamps
from stampshift.stamps.groups import groups_of

log = logging.getLogger(__name__)

PARTS = ("train", "validation", "test")
RESERVE = "reserve"  # rows that are in no part
Rows = NDArray[np.int64]
NO_ROWS: Rows = np.empty(0, np.int64)
SECOND, FOLDS = 1, 2  # streams of a seed beside that of `make_splits`


@dataclass(frozen=True)
class Splits:
    """Rows of one survey's stamps file, by part and class; every array is int64."""

    survey: str
    # in the random order that defines the shots
    train_real: Rows
    train_bogus: Rows
    validation_real: Rows
    validation_bogus: Rows
    test: Rows  # of both classes, ascending

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
        """Rows of the train part that are not among the shots, ascending: their order reveals no label."""
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
        """Read a splits file; a `ContractError` if it cannot be read or does not hold rows of each part."""
        try:
            with Path(path).open("rb") as stream, np.load(stream, allow_pickle=False) as file:
                rows = {name: file[name] for name in cls.__dataclass_fields__ if name != "survey"}
                survey = file["survey"]
        except Exception as error:  # a damaged file makes numpy raise anything
            if system_fault(error):
                raise ContractError(unreadable_now(path, error)) from error
            raise ContractError(f"{path}: not a readable splits file ({error}). {REMEDY}") from error
        fit = all(array.ndim == 1 and array.dtype == np.int64 for array in rows.values())
        together = np.concatenate([*rows.values()]) if fit else NO_ROWS
        if not fit or (together < 0).any() or len(np.unique(together)) < len(together):
            raise ContractError(
                f"{path}: expected rows (int64) of {', '.join(rows)}, none twice, found others. {REMEDY}"
            )
        if survey.dtype.kind != "U" or survey.ndim:
            raise ContractError(f"{path}: expected a survey's name, found {survey!r:.60}. {REMEDY}")
        return cls(survey=str(survey), **rows)

    @classmethod
    def of(cls, stamps: Stamps, path: Path | str) -> Self:
        """Read the splits file of some stamps; a `ContractError` if it is damaged, or that of others."""
        splits = cls.open(path)
        splits.check_stamps(stamps, path)
        return splits

    def check_stamps(self, stamps: Stamps, path: Path | str) -> None:
        """Raise a `ContractError` if the splits, read from a file at `path`, are not those of some stamps."""
        largest = int(np.concatenate([self.train, self.validation, self.test, [0]]).max())
        if self.survey != stamps.survey or largest >= len(stamps):
            raise ContractError(
                f"{path}: expected splits of the {len(stamps)} stamps of {stamps.survey}, found those of "
                f"{self.survey}, up to row {largest}. `stampshift verify` says which of the two files is as "
                "it was written; delete the other, and the workflow makes it again."
            )

    def check_labels(self, stamps: Stamps, path: Path | str) -> None:
        """Raise a `ContractError` if a part, read from a file at `path`, lacks stamps of a class."""
        for part in PARTS:
            found = stamps.labels[getattr(self, part)]
            reals, bogus = (int((found == code).sum()) for code in (REAL, BOGUS))
            if not (reals and bogus):
                raise ContractError(
                    f"{self.survey}: expected stamps of both classes in every part of {path}, found {reals} "
                    f"real and {bogus} bogus in the {part} part. Make the stamps and the splits again."
                )


def make_splits(
    stamps: Stamps,
    *,
    fractions: Mapping[str, float],
    seed: int,
    rows: Rows | None = None,
    grouped: bool = True,
    stratified: bool = True,
) -> Splits:
    """Split a survey at random, stratified by label, no group (`groups.groups_of`) in two parts.

    `fractions` are the shares of `PARTS` and perhaps of the reserve, multiples of 1/100 that sum to 1. Where
    people have labelled some stamps only, `rows` are those to split; the others are in no part. Not
    `grouped`, a test part may hold other stamps of an object that was trained on, which a warning says; not
    `stratified`, the classes' shares differ from part to part. Raises a `ConfigError` if the survey has fewer
    stamps of a class than the split has folds, or a part has none of a class.
    """
    folds, order = _stream(stamps, seed).spawn(2)
    some = np.arange(len(stamps)) if rows is None else rows
    part = _assign_parts(stamps, some, _percent(fractions), folds, grouped=grouped, stratified=stratified)
    return _splits(stamps, part, np.random.default_rng(order), seed)


def make_second_splits(
    stamps: Stamps,
    *,
    fractions: Mapping[str, float],
    seed: int,
    first: Splits,
    first_fractions: Mapping[str, float],
) -> Splits:
    """Split a survey again, from a stream of its own; no test stamp is in the first train or validation part.

    Models of either split can therefore be compared on the second test part. It is drawn from what `first`,
    made with `first_fractions`, leaves; the other parts are drawn from all other stamps. Fractions and errors
    are as for `make_splits`; the shares of the two first parts and of the second test part sum to 1 at most.
    """
    tests, parts, order = _stream(stamps, seed, SECOND).spawn(3)
    percent, used = _percent(fractions), _percent(first_fractions)
    left = 100 - used["train"] - used["validation"] - percent["test"]
    rows = np.arange(len(stamps))
    unseen = np.setdiff1d(rows, np.concatenate([first.train, first.validation]))
    drawn = _assign_parts(stamps, unseen, {"test": percent["test"], RESERVE: left}, tests)
    test = np.flatnonzero(drawn == "test")
    part = _assign_parts(stamps, np.setdiff1d(rows, test), percent | {"test": 0}, parts)
    part[test] = "test"
    return _splits(stamps, part, np.random.default_rng(order), seed)


def make_folds(stamps: Stamps, *, folds: int, validation: float, seed: int) -> list[Splits]:
    """Splits for cross-fitting: fold k is the test part of split k, so that every stamp is in one test part.

    `validation` is the share of the other folds' stamps that chooses the epoch, a multiple of 1/100. Raises a
    `ConfigError` if a class has too few stamps.
    """
    tests, parts, order = _stream(stamps, seed, FOLDS).spawn(3)
    generator = np.random.default_rng(order)
    rows = np.arange(len(stamps))
    shares = _percent({"train": 1 - validation, "validation": validation})
    splits = []
    for test, child in zip(_folds(stamps, rows, folds, tests), parts.spawn(folds), strict=True):
        part = _assign_parts(stamps, np.setdiff1d(rows, test), shares, child)
        part[test] = "test"
        splits.append(_splits(stamps, part, generator, seed))
    return splits


def _stream(stamps: Stamps, seed: int, *kind: int) -> np.random.SeedSequence:
    return np.random.SeedSequence([int.from_bytes(stamps.survey.encode(), "little"), seed, *kind])


def _percent(fractions: Mapping[str, float]) -> dict[str, int]:
    return {name: round(100 * fractions.get(name, 0)) for name in (*PARTS, RESERVE)}


def _splits(stamps: Stamps, part: NDArray[np.str_], generator: np.random.Generator, seed: int) -> Splits:
    """Splits by the name of every stamp's part, train and validation in a random order by class."""
    for name in np.unique(part[part != ""]):
        reals, bogus = (int((stamps.labels[part == name] == code).sum()) for code in (REAL, BOGUS))
        if name != RESERVE and not (reals and bogus):
            raise ConfigError(
                f"{stamps.survey}: expected stamps of both classes in every part of split {seed}, found "
                f"{reals} real and {bogus} bogus in the {name} part. All stamps of an object, and identical "
                "stamps, are in one part: give the survey more objects of each class, or larger "
                "`splits.fractions`."
            )
    rows = {
        f"{name}_{label}": generator.permutation(np.flatnonzero((part == name) & (stamps.labels == code)))
        for name in PARTS[:2]
        for label, code in LABELS.items()
    }
    return Splits(survey=stamps.survey, test=np.flatnonzero(part == "test"), **rows)


def _assign_parts(
    stamps: Stamps,
    rows: Rows,
    shares: Mapping[str, int],
    stream: np.random.SeedSequence,
    *,
    grouped: bool = True,
    stratified: bool = True,
) -> NDArray[np.str_]:
    """Name of the part of every stamp, empty beyond `rows`: each part takes its number of equal folds."""
    unit = gcd(*shares.values())
    fold_part = [name for name, share in shares.items() for _ in range(share // unit)]
    part = np.zeros(len(stamps), dtype="U10")
    folds = _folds(stamps, rows, len(fold_part), stream, grouped=grouped, stratified=stratified)
    for name, fold in zip(fold_part, folds, strict=True):
        part[fold] = name
    return part


def _folds(
    stamps: Stamps,
    rows: Rows,
    n_folds: int,
    stream: np.random.SeedSequence,
    *,
    grouped: bool = True,
    stratified: bool = True,
) -> Iterator[Rows]:
    """Equal folds of `rows` that scikit-learn draws, stratified by label, no group in two of them."""
    if n_folds == 1:
        yield rows
        return
    # every training job opens splits and none makes any: it avoids this second of imports
    from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold

    labels, groups = stamps.labels[rows], groups_of(stamps, rows)
    scarce = min(np.bincount(labels, minlength=2))
    if scarce < n_folds:
        raise ConfigError(
            f"{stamps.survey}: a split into {n_folds} folds needs that many stamps of each class, found "
            f"{scarce}; give the survey more stamps."
        )
    if groups is not None and not grouped:
        log.warning(
            "%s: `splits.grouped` is false: stamps of one object, and identical stamps, may be in the train "
            "and in the test part of a split",
            stamps.survey,
        )
    of_groups, of_stamps = (GroupKFold, StratifiedGroupKFold), (KFold, StratifiedKFold)
    splitter = (of_groups if grouped and groups is not None else of_stamps)[stratified]
    drawn = splitter(n_folds, shuffle=True, random_state=int(stream.generate_state(1)[0]))
    for _, fold in drawn.split(labels, labels, groups if grouped else None):
        yield rows[fold]
