"""The sections of `methods`: the options of each method, and variants of methods under their own names."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, WithJsonSchema, create_model

from stampshift.config.experiment import ZERO_LABEL_METHODS
from stampshift.config.fields import PLACE, WORD, ConfigModel, Omittable, Positive, Seed, Unique, Word, key

RESULT_FOLDERS = {"baseline", "benchmarks", "calibration", "des_study", "features", "figures", "lambda"} | {
    "logs", "networks", "pairs", "splits", "stamps", "store", "tables"
}  # fmt: skip
LABELLED = [["source", "target"], ["source"], ["target"]]

Label = Annotated[str, Field(pattern=r"^[\w .,:;()+=/'-]{1,60}$")]
Weight = Annotated[float, Field(ge=0)]
Grid = Annotated[Unique[Weight], Field(min_length=1)]


def _one_of_labelled(value: list[str]) -> list[str]:
    if value not in LABELLED:
        raise ValueError(f"{PLACE}: {value} is not one of {LABELLED}.")
    return value


Labelled = Annotated[list[str], AfterValidator(_one_of_labelled), WithJsonSchema({"enum": LABELLED})]


class Choice(ConfigModel):
    """How the entropy weight of each pair is chosen, for a variant."""

    choice: Literal["search", "published"] = key(
        "`search` on one split, or take the thesis' `published` value of the pair."
    )
    grid: Omittable[Grid] = key("Values tried by the search.")
    seed: Omittable[Seed] = key("The split of the search; one of `splits.seeds`.")

    def _check(self) -> None:
        if self.choice == "search" and (self.grid is None or self.seed is None):
            raise ValueError(f"{PLACE}.choice is 'search', which needs the keys 'grid' and 'seed'.")


class MethodChoice(Choice):
    """How the entropy weight of each pair is chosen, for a method."""

    grid: Grid = key("Values tried by the search.")
    seed: Seed = key("The split of the search; one of `splits.seeds`.")
    without_labels: Weight = key(
        "The weight with 0 shots, the same for every pair and for variants: no label of a target may choose "
        "one there."
    )


class NoOptions(ConfigModel):
    """A method without options: `{}`."""


class Mme(ConfigModel):
    """Minimax entropy (Saito et al. 2019)."""

    labelled: Labelled = key(
        "Where the labelled batch comes from, in equal shares; the shots are the target's."
    )
    head: Literal["random", "copied"] = key("Starting prototypes: random, or rows of the baseline's head.")
    steps: Literal["one", "two"] = key(
        "Optimiser steps per iteration: one on the whole loss, or two as in Saito et al. (2019), on the "
        "cross-entropy, then on the entropy."
    )
    epoch: Literal["together", "each"] = key(
        "What `training.epoch_size` counts: labelled stamps of both surveys together, or of each, which "
        "gives an epoch twice the iterations."
    )
    temperature: Positive = key("Divides the cosine similarities of the prototype head.")
    entropy_weight: Weight | MethodChoice = key(
        "lambda, the weight of the unlabelled entropy: a number, or how one is chosen for each pair. With 0 "
        "no unlabelled stamp is used."
    )


class Alignment(ConfigModel):
    """A method that aligns the features of both surveys: deep CORAL, MMD, DANN."""

    weight: Positive = key("Weight of the alignment, beside a cross-entropy of weight 1.")


class Entropy(ConfigModel):
    """Entropy minimisation (Grandvalet & Bengio 2004)."""

    entropy_weight: Positive = key("lambda, the weight of the unlabelled entropy.")


# a variant may leave out any option
_optional: dict[str, Any] = {
    name: (option.rebuild_annotation(), key(option.description or "", default=None))
    for name, option in Mme.model_fields.items()
}
_MmeOptions: Any = create_model("_MmeOptions", __base__=ConfigModel, **_optional)


class Variant(_MmeOptions):
    """A method under another name, with the options in which it differs."""

    variant_of: Literal["mme"] = key(
        "Methods are finetune, scratch and mme, and without labels adabn, coral, mmd, dann and entropy; a "
        "section of another name is a variant of mme, whose options hold where the variant gives none."
    )
    label: Label = key("Name in tables and figures, of letters, digits and common signs.")
    entropy_weight: Omittable[Weight | Choice] = key(
        "A number, a search of the variant's own, or the `published` weights; without this key, the weight "
        "of its method."
    )


class Methods(ConfigModel):
    """Adaptation methods to run, each with its options, and variants of them."""

    # sections of other names are variants
    model_config = ConfigDict(extra="allow", json_schema_extra={"propertyNames": {"description": WORD}})
    __pydantic_extra__: dict[Word, Variant]

    finetune: Omittable[NoOptions] = key("All weights of the source's baseline train on the shots.")
    scratch: Omittable[NoOptions] = key("All weights train on the shots alone, from random values.")
    mme: Omittable[Mme]
    adabn: Omittable[NoOptions] = key(
        "Adaptive batch normalisation (Li et al. 2016), without training. This method and those below use no "
        "label of the target: they run with 0 shots, which `splits.shots` must have."
    )
    coral: Omittable[Alignment] = key("Deep CORAL (Sun & Saenko 2016): equal covariances of the features.")
    mmd: Omittable[Alignment] = key(
        "Deep adaptation network (Long et al. 2015): a small maximum mean discrepancy of the features."
    )
    dann: Omittable[Alignment] = key(
        "Domain-adversarial training (Ganin et al. 2016): features that do not tell the surveys apart."
    )
    entropy: Omittable[Entropy] = key("Cross-entropy of the source, and entropy of the target's stamps.")

    @property
    def sections(self) -> dict[str, ConfigModel]:
        """The sections that are given, by name."""
        return {name: section for name, section in self if name in self.model_fields_set}

    @property
    def zero_label(self) -> list[str]:
        """Methods that are given and use no label of the target."""
        return [name for name in self.sections if name in ZERO_LABEL_METHODS]

    def _check(self) -> None:
        for name, variant in self.__pydantic_extra__.items():
            if name in RESULT_FOLDERS:
                raise ValueError(
                    f"{PLACE}.{name}: results/{name} is a folder of the workflow; give the variant another "
                    "name."
                )
            method = variant.variant_of
            if method not in self.model_fields_set:
                raise ValueError(
                    f"{PLACE}.{name} is a variant of '{method}', whose options it takes over, but there is "
                    f"no section {PLACE}.{method}; add it."
                )
