"""What all trainings of an adaptation share: files, method, options. Any process can open them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch

from stampshift.adapting import defaults
from stampshift.adapting.source import starting_point
from stampshift.core.errors import ConfigError, ContractError
from stampshift.methods import METHODS
from stampshift.methods.method import Method
from stampshift.release.contract import Start
from stampshift.release.run_files import RunFiles
from stampshift.stamps.few_labels import FewLabels
from stampshift.stamps.file import Stamps
from stampshift.stamps.label_file import relabelled
from stampshift.stamps.splits import Rows, Splits
from stampshift.training.data import Labelled, TrainingData, Unlabelled
from stampshift.training.model import Model
from stampshift.training.progress import Task


@dataclass(frozen=True)
class Setting:
    """Files and options of an adaptation; picklable."""

    model: Path  # model file that the adaptation starts from
    source: RunFiles | None  # None where its files are not available, which fine-tuning can do without
    target: Path  # stamps file of the new survey, with labels for a few
    method: str  # "mme" or "finetune"
    options: Mapping[str, Any]  # of the method, with a number as `entropy_weight`
    training: Mapping[str, Any]  # as section `training` of the configuration
    seed: int  # of all random streams
    device: torch.device
    test: Path | None = None  # stamps file of the new survey with labels that only judge the result
    seen: Start = field(default_factory=Start)  # what the model was trained on, as far as it is known
    normalisation: str | None = None  # of the model's stamps, where its contract says it

    @classmethod
    def of_model(
        cls,
        model: Path | str,
        target: Path,
        *,
        method: str,
        seed: int,
        device: torch.device,
        test: Path | None = None,
        source_stamps: Path | None = None,
        source_splits: Path | None = None,
        **options: Any,
    ) -> Self:
        """Setting that starts from a run or a released model, with options that differ from `defaults`.

        Options are keys of `defaults.MME`, which count for MME alone, and of `defaults.TRAINING`, and
        ``augmentation``, as in section `training` of the configuration.
        """
        standard = defaults.TRAINING | {"augmentation": defaults.AUGMENTATION[method]}
        unknown = set(options) - set(defaults.MME | standard)
        if unknown:
            raise TypeError(f"unknown options of an adaptation: {', '.join(sorted(unknown))}")
        mme, training = (
            {name: options.get(name, value) for name, value in section.items()}
            for section in (defaults.MME, standard)
        )
        start = starting_point(model, stamps=source_stamps, splits=source_splits)
        return cls(
            model=start.model,
            source=start.files,
            target=target,
            method=method,
            options=mme if method == "mme" else {},
            training=training,
            seed=seed,
            device=device,
            test=test,
            seen=start.seen,
            normalisation=start.normalisation,
        )

    def check(self) -> None:
        """Raise an error if the files do not go together.

        Raises
        ------
        ConfigError
            If the method cannot start from this model, or needs stamps that are not available.
        ContractError
            If a file breaks its contract, the stamps were preprocessed in different ways, or those of the
            source are not of a survey that a released model was trained on.
        """
        if self.without_labels and "source" not in self.recipe.labelled:
            raise ConfigError(
                f"adapt: {self.method} trains on labels of the new survey, but no stamp of {self.target} has "
                "one; label some (`stampshift review` opens a page for it), or use --method mme."
            )
        if self.without_labels and not self.recipe.uses_unlabelled:
            raise ConfigError(
                f"adapt: no stamp of {self.target} has a label, so that only the entropy of its unlabelled "
                "stamps can adapt the model; give an --entropy-weight above 0."
            )
        if self.source is None and "source" in self.recipe.labelled:
            raise ConfigError(
                f"adapt: {self.method} trains on the source's labelled stamps too, {self._lost()}"
            )
        if self.recipe.uses_unlabelled and not len(self.few_labels.pile):
            raise ConfigError(
                f"adapt: {self.method} needs unlabelled stamps, but all stamps of {self.target} have labels; "
                "add unlabelled ones (a night of candidates), or set --entropy-weight 0 or --method finetune."
            )
        if self.method == "finetune" and self.starting_model.head != self.recipe.head:
            raise ConfigError(
                f"adapt: fine-tuning continues from a linear head, but {self.model} has a "
                f"{self.starting_model.head} head; start from the baseline from which it was made, or use "
                "mme."
            )
        for stamps in (self.source_stamps, self.target_stamps):
            if stamps is not None:
                self.check_stamps(stamps)
        if self.source is not None and self.source_stamps is not None and self.source_splits is not None:
            if self.seen.name is not None:
                self._check_survey(self.source_stamps.survey, self.source.stamps)
            self.source_splits.check_labels(self.source_stamps, self.source.splits)

    def _lost(self) -> str:
        """What to do without stamps of the source."""
        if self.seen.name is None:
            return (
                f"but the stamps and splits of the survey of {self.model} were not found; give "
                "--source-stamps and --source-splits, or use --method finetune."
            )
        first = f"label some stamps of {self.target} and " * self.without_labels
        return (
            f"which the released model {self.seen.name} does not hold; {first}use --method finetune, or give "
            f"the stamps and splits of one of its surveys ({', '.join(self.seen.surveys)}) with "
            "--source-stamps and --source-splits."
        )

    def _check_survey(self, survey: str, path: Path) -> None:
        """Refuse a source that a released model does not know: of it there is nothing to keep or lose."""
        known = [each for each in self.seen.surveys if each != self.target_stamps.survey]
        if survey not in known:
            raise ContractError(
                f"{path}: expected stamps of a survey that {self.seen.name} was "
                f"trained on, other than the target ({', '.join(known) or 'there is none'}), found {survey}. "
                "Give those, or neither --source-stamps nor --source-splits and --method finetune."
            )

    def check_stamps(self, stamps: Stamps) -> None:
        """Raise a `ContractError` if stamps are not such as the model was trained on."""
        expected, found = self.starting_model.size_pixels, stamps.stamps.shape[-1]
        if found != expected:
            raise ContractError(
                f"{stamps.survey}: {self.model} is for stamps of {expected} pixels, found {found}. Make the "
                f"stamps again with `stamps.size_pixels: {expected}`."
            )
        ours, whose, theirs = self.normalisation, self.seen.name, stamps.attributes.get("normalisation")
        if ours is None and self.source_stamps is not None:
            ours, whose = self.source_stamps.attributes.get("normalisation"), self.source_stamps.survey
        if None not in (ours, theirs) and ours != theirs:
            raise ContractError(
                f"{stamps.survey}: its stamps are normalised by '{theirs}', those of {whose}: by '{ours}'. "
                f"Make the stamps again with `stamps.normalisation: {ours}`."
            )

    @cached_property
    def recipe(self) -> Method:
        """The method, its options resolved."""
        return METHODS[self.method](self.used_options)

    @property
    def used_options(self) -> Mapping[str, Any]:
        """Options of the method; without labels MME takes its labelled batch from the source alone."""
        without = self.without_labels and "labelled" in self.options
        return {**self.options, "labelled": ["source"]} if without else self.options

    @property
    def without_labels(self) -> bool:
        """Whether the new survey has no label at all: the adaptation is unsupervised."""
        return not len(self.few_labels.labelled)

    @cached_property
    def starting_model(self) -> Model:
        """The model that the adaptation starts from."""
        return Model.open(self.model)

    @cached_property
    def target_stamps(self) -> Stamps:
        """Stamps of the new survey."""
        return Stamps.open(self.target, unlabelled=True)

    @cached_property
    def few_labels(self) -> FewLabels:
        """The new survey's rows by what is known of them."""
        return FewLabels.of(self.target_stamps)

    @cached_property
    def source_stamps(self) -> Stamps | None:
        """Stamps of the model's own survey with the labels of its training, where they are available."""
        if self.source is None:
            return None
        stamps = Stamps.open(self.source.stamps, unlabelled=self.source.labels is not None)
        splits = Splits.of(stamps, self.source.splits)
        rows = np.concatenate([splits.train, splits.validation, splits.test])
        return relabelled(stamps, self.source.labels, rows=rows)

    @cached_property
    def source_splits(self) -> Splits | None:
        """The split of the model's training, where it is available."""
        if self.source is None or self.source_stamps is None:
            return None
        return Splits.of(self.source_stamps, self.source.splits)

    def task(self, shots: Rows, pile: Rows, *, number: int) -> Task:
        """A training on some labelled and unlabelled stamps of the target; no other label of it is used.

        The number, 0 for the final training and then the folds, selects the random streams. Without files
        of the source, the shots take its place, which no method then looks at.
        """
        streams = np.random.SeedSequence([self.seed, number]).generate_state(4)
        target = Labelled.of(self.target_stamps, shots)
        source = validation = target
        method = replace(self.recipe, validation="source") if self.without_labels else self.recipe
        if self.source_stamps is not None and self.source_splits is not None:
            source = Labelled.of(self.source_stamps, self.source_splits.train)
            validation = Labelled.of(self.source_stamps, self.source_splits.validation)
        data = TrainingData(
            source=source,
            target=None if self.without_labels else target,
            unlabelled=Unlabelled(self.target_stamps.stamps, pile),
            source_validation=validation,
            target_validation=None,
        )
        return Task(
            name="final training" if number == 0 else f"fold {number}",
            method=method,
            network=self.starting_model.network,
            data=data,
            entropy=int.from_bytes(streams.tobytes()),
            options=self.used_options,
            training=self.training,
            baseline=self.starting_model.state,
            device=self.device,
        )
