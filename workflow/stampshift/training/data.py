"""What a training may see. No label of the unlabelled set and none of a test part passes through here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from stampshift.config.experiment import Run
from stampshift.stamps.file import Stamps
from stampshift.stamps.label_file import relabelled
from stampshift.stamps.splits import NO_ROWS, Rows, Splits
from stampshift.training.joined import Joined, joined


@dataclass(frozen=True)
class SurveyFiles:
    """What a run reads of a survey."""

    stamps: Path
    splits: Path  # of the run's seed
    labels: Path | None  # file that replaces the labels of the stamps file


@dataclass(frozen=True)
class Labelled:
    """Rows of a stamps array that may be used, with the labels of those rows and of no other."""

    # (N, 3, size, size), the whole survey, memory-mapped; of several surveys, one after the other
    stamps: NDArray[np.float32]
    rows: Rows  # int64 (n,)
    labels: NDArray[np.uint8]  # (n,)

    @classmethod
    def of(cls, survey: Stamps, rows: Rows) -> Self:
        """Take the labels of `rows` and leave the others behind."""
        return cls(survey.stamps, rows, survey.labels[rows])

    @classmethod
    def union(cls, sets: Sequence[Self]) -> Self:
        """The labelled rows of several surveys together; of one survey, its own."""
        starts = np.cumsum([0, *(len(each.stamps) for each in sets[:-1])])
        rows = [each.rows + start for each, start in zip(sets, starts, strict=True)]
        stamps, labels = joined([each.stamps for each in sets]), [each.labels for each in sets]
        return cls(stamps, np.concatenate(rows), np.concatenate(labels))

    def by_survey(self) -> list[Rows]:
        """Positions in `rows` of each survey's stamps, one array for each survey."""
        if not isinstance(self.stamps, Joined):
            return [np.arange(len(self.rows))]
        part_of = self.stamps.part_of(self.rows)
        return [np.flatnonzero(part_of == number) for number in range(len(self.stamps.parts))]


@dataclass(frozen=True)
class Unlabelled:
    """Rows of a stamps array; there are no labels here by design."""

    stamps: NDArray[np.float32]  # (N, 3, size, size), the whole survey, memory-mapped
    rows: Rows  # int64 (n,), ascending


@dataclass(frozen=True)
class TrainingData:
    """Everything that one training may see; a baseline has no target."""

    source: Labelled  # the train part; of a source of several surveys, the union of theirs
    target: Labelled | None  # the shots; None without any
    unlabelled: Unlabelled | None  # the rest of the target's train part
    source_validation: Labelled
    target_validation: Labelled | None  # the validation shots

    @classmethod
    def open(
        cls, run: Run, files: Mapping[str, SurveyFiles], *, sources: Sequence[str], validation_shots: int
    ) -> Self:
        """Open what the training of a run may see of the files, by survey.

        `sources` are the surveys of the run's source. A target that is one of them has one file of splits, as
        every survey has: its test part is in neither role. The validation shots, per class, choose the epoch
        of an adaptation. A target with fewer stamps of a class than the shots asked for raises a
        `ConfigError`.
        """
        data = cls.of_sources([_open_source(files[name]) for name in sources])
        if run.target is None:
            return data
        target = files[run.target]
        stamps = open_survey(target, rows=NO_ROWS)
        parts = Splits.of(stamps, target.splits)
        return data.with_target(stamps, parts, shots=run.shots, validation_shots=validation_shots)

    @classmethod
    def of_source(cls, source: Stamps, splits: Splits) -> Self:
        """Data of a baseline of one survey: the source alone."""
        return cls.of_sources([(source, splits)])

    @classmethod
    def of_sources(cls, sources: Sequence[tuple[Stamps, Splits]]) -> Self:
        """Data of a baseline: of each part, the union of the surveys' own, which are of one seed."""
        train, validation = (
            Labelled.union([Labelled.of(stamps, getattr(splits, part)) for stamps, splits in sources])
            for part in ("train", "validation")
        )
        return cls(train, None, None, validation, None)

    def with_target(self, target: Stamps, splits: Splits, *, shots: int, validation_shots: int) -> Self:
        """Data of an adaptation; both numbers of shots are per class, and errors as for `open`.

        With 0 shots there is no label of the target, not even for validation.
        """
        unlabelled = Unlabelled(target.stamps, splits.unlabelled(shots))
        if shots == 0:
            return replace(self, unlabelled=unlabelled)
        return replace(
            self,
            target=Labelled.of(target, splits.shots(shots)),
            unlabelled=unlabelled,
            target_validation=Labelled.of(target, splits.validation_shots(validation_shots)),
        )

    def labelled(self, origin: str) -> Labelled:
        """Labelled set of an origin, ``"source"`` or ``"target"``."""
        return _present(self.source if origin == "source" else self.target)

    def validation(self, origin: str) -> Labelled:
        """Validation set of an origin, ``"source"`` or ``"target"``."""
        return _present(self.source_validation if origin == "source" else self.target_validation)


def _open_source(files: SurveyFiles) -> tuple[Stamps, Splits]:
    """A survey of the source and its splits, with the labels of its train and validation parts."""
    splits = Splits.open(files.splits)
    stamps = open_survey(files, rows=np.concatenate([splits.train, splits.validation]))
    splits.check_stamps(stamps, files.splits)
    return stamps, splits


def _present(labelled: Labelled | None) -> Labelled:
    if labelled is None:
        raise ValueError("neither a baseline nor an adaptation without labels has labelled target stamps")
    return labelled


def open_survey(files: SurveyFiles, *, rows: Rows) -> Stamps:
    """A survey's stamps, with the labels of its labels file in place of their own where there is one.

    Runs of one process share what they open. `rows` are those whose labels will be used. A file that breaks
    its contract, or a labels file made for other stamps, raises a `ContractError`.
    """
    if files.labels is not None:
        return relabelled(Stamps.open(files.stamps, unlabelled=True), files.labels, rows=rows)
    if not files.stamps.is_file():
        return Stamps.open(files.stamps)  # which says what is wrong
    status = files.stamps.stat()
    return _opened(files.stamps, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=16)  # the surveys of an experiment
def _opened(path: Path, modified_ns: int, size: int) -> Stamps:  # noqa: ARG001
    """Without names: a million of them takes a second and 100 MB, and a training needs none."""
    survey = Stamps.open(path)
    nameless = np.broadcast_to(np.str_(""), len(survey))
    return replace(survey, classes=nameless, ids=nameless, groups=nameless)
