"""What several sections of the configuration share: their base, kinds of values, fractions and training."""

from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, GetCoreSchemaHandler, model_validator

T = TypeVar("T")
PLACE = "<place>"  # in a validator's sentence: where its model or value is in the configuration
WORD = "A name in paths; letters, digits and underscores, a letter first."


def key(meaning: str, **bounds: Any) -> Any:
    """A key of a section: its meaning, which messages and editors show, and its bounds."""
    return Field(description=meaning, **bounds)


class ConfigModel(BaseModel):
    """Base of the sections: unknown keys are refused, and no value is converted to another type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        self._check()
        return self

    def _check(self) -> None:
        """Raise `ValueError` with a sentence where the keys contradict each other."""


class _NotNull:
    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> Any:
        return handler(source)["schema"]  # that of `T | None` without the None


def _unique(values: list[T]) -> list[T]:
    for row, value in enumerate(values):
        if value in values[:row]:
            raise ValueError(f"{PLACE} has {value!r} twice.")
    return values


def _whole_percent(share: float) -> float:
    if abs(100 * share - round(100 * share)) > 1e-9:
        raise ValueError(f"{PLACE} is {share:g}, not a whole percentage.")
    return share


# of a key that may be left out, and is None then, but may not be null
Omittable = Annotated[T | None, _NotNull(), Field(default=None)]
Unique = Annotated[list[T], AfterValidator(_unique), Field(json_schema_extra={"uniqueItems": True})]
Name = Annotated[str, Field(min_length=1)]
Word = Annotated[str, Field(pattern="^[A-Za-z][A-Za-z0-9_]*$", description=WORD)]
PairName = Annotated[str, Field(pattern="^[A-Za-z0-9_-]+-to-[A-Za-z0-9_]+$")]
Pairs = Literal["all"] | Annotated[Unique[PairName], Field(min_length=1)]
Count = Annotated[int, Field(ge=1)]
CountOrZero = Annotated[int, Field(ge=0)]
Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]
Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(gt=0, lt=1)]
ShareOrZero = Annotated[float, Field(ge=0, lt=1)]
Percent = Annotated[Share, AfterValidator(_whole_percent)]
Normalisation = Annotated[
    Literal["channel", "difference_mad", "difference_mad_clipped"],
    Field(
        description="`channel`, each image to mean 0 and standard deviation 1; `difference_mad`, all three "
        "divided by the MAD-sigma of the difference; `difference_mad_clipped`, the same with no pixel beyond "
        "30 sigmas."
    ),
]


class Fractions(ConfigModel):
    """Shares of the parts of a split, whole percents that sum to 1."""

    train: Percent
    validation: Percent
    test: Percent

    def _check(self) -> None:
        total = sum(vars(self).values())
        if abs(total - 1) > 1e-9:
            raise ValueError(f"{PLACE} sum to {total:g}, not to 1.")


class FractionsWithReserve(Fractions):
    """Shares of the parts of a split, of which the reserve is put aside; whole percents that sum to 1."""

    reserve: Annotated[ShareOrZero, AfterValidator(_whole_percent)]


class Training(ConfigModel):
    """How networks are trained."""

    optimiser: Literal["sgd", "adam"] = key("Stochastic gradient descent with momentum, or Adam.")
    learning_rate: Positive = key("Learning rate at the first iteration.")
    momentum: ShareOrZero | None = key(
        "Momentum of stochastic gradient descent; null with Adam, which has its own."
    )
    halve_every_iterations: Count | None = key(
        "Number of iterations between two halvings of the learning rate; null for none."
    )
    halve_every_epochs: Omittable[Count] = key(
        "The same in epochs, in place of `halve_every_iterations`, which is null then."
    )
    batch_size: int = key(
        "Labelled stamps per iteration; MME takes half from each survey.", ge=4, multiple_of=2
    )
    epoch_size: Annotated[int, Field(ge=4)] | None = key(
        "Labelled stamps drawn per epoch, with replacement, classes balanced; a multiple of the batch. null "
        "for every stamp of the train part once, in random order, for methods that train on one survey."
    )
    patience_epochs: Count = key(
        "Epochs without a better validation, by `stop_on`, until a training stops; an equal one does not "
        "count as better."
    )
    stop_on: Literal["validation_balanced_accuracy", "validation_loss"] = key(
        "What `patience_epochs` waits for: a higher balanced accuracy (the default), or a lower "
        "cross-entropy.",
        default="validation_balanced_accuracy",
    )
    max_epochs: Count | None = key("Maximum number of epochs of a training; null for no maximum.")
    augmentation: Literal["none", "rotations_and_flips"] = key(
        "What happens to a stamp whenever it is trained on: `rotations_and_flips`, one of the eight "
        "symmetries of the square, drawn anew, the same for its three images.",
        default="none",
    )
    keep: Literal["first_best", "last_best", "lowest_validation_loss", "last"] = key(
        "Epoch whose weights are kept: the first or the last one of the highest validation balanced "
        "accuracy, the one of the lowest validation cross-entropy, or the last one trained. With "
        "`first_best` a perfect validation ends a training at once; with the others the whole patience is "
        "trained."
    )

    def _check(self) -> None:
        if self.epoch_size is not None and self.epoch_size % self.batch_size:
            sizes = f"{PLACE}.epoch_size {self.epoch_size} is not a multiple of {PLACE}.batch_size"
            raise ValueError(f"{sizes} {self.batch_size}.")
        if self.halve_every_iterations is not None and self.halve_every_epochs is not None:
            raise ValueError(
                f"{PLACE} has halve_every_iterations {self.halve_every_iterations} and halve_every_epochs "
                f"{self.halve_every_epochs}; give one of them: set halve_every_iterations to null, or leave "
                "halve_every_epochs out."
            )
        if self.optimiser == "sgd" and self.momentum is None:
            raise ValueError(
                f"{PLACE}.momentum is null, but {PLACE}.optimiser is 'sgd': give a number, 0 for none."
            )
        if self.optimiser == "adam" and self.momentum is not None:
            raise ValueError(
                f"{PLACE}.momentum is {self.momentum:g}, but {PLACE}.optimiser is 'adam', which does not use "
                "it: set it to null."
            )
