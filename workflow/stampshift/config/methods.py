"""The sections of `methods`: the options of each method, and variants of methods under names of their own."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, WithJsonSchema, model_validator

from stampshift.config.fields import PLACE, WORD, ConfigModel, Omittable, Seed, Unique, Word

RESULT_FOLDERS = {"baseline", "benchmarks", "calibration", "des_study", "features", "figures", "lambda"} | {
    "logs", "pairs", "splits", "stamps", "store", "tables"
}  # fmt: skip
LABELLED = [["source", "target"], ["source"], ["target"]]


def _one_of_labelled(value: list[str]) -> list[str]:
    if value not in LABELLED:
        raise ValueError(f"{PLACE}: {value} is not one of {LABELLED}.")
    return value


Labelled = Annotated[
    list[str],
    AfterValidator(_one_of_labelled),
    WithJsonSchema({"enum": LABELLED}),
    Field(description="Where the labelled batch comes from, in equal shares; the shots are the target's."),
]
Head = Annotated[
    Literal["random", "copied"],
    Field(description="Starting prototypes, random or the rows of the baseline's head."),
]
Steps = Annotated[
    Literal["one", "two"],
    Field(
        description="Optimiser steps per iteration, one on the whole loss, or two as in Saito et al. "
        "(2019), first on the cross-entropy, then on the entropy."
    ),
]
Temperature = Annotated[
    float, Field(gt=0, description="Divides the cosine similarities of the prototype head.")
]
Weight = Annotated[float, Field(ge=0)]


class Grid(ConfigModel):
    """What a search for the entropy weight of each pair tries."""

    grid: Unique[Weight] = Field(min_length=1, description="Values tried by the search.")
    seed: Seed = Field(description="The split of the search; one of `splits.seeds`.")


class Choice(Grid):
    """How the entropy weight of each pair is chosen."""

    choice: Literal["search", "published"] = Field(
        description="Search on one split, or take the thesis' published value of the pair."
    )


class OwnSearch(Grid):
    """A variant's own search for the entropy weight of each pair."""

    choice: Literal["search"]


class NoOptions(ConfigModel):
    """A method without options: `{}`."""


class Mme(ConfigModel):
    """Minimax entropy (Saito et al. 2019)."""

    labelled: Labelled
    head: Head
    steps: Steps
    temperature: Temperature
    entropy_weight: Weight | Choice = Field(
        description="lambda, the weight of the unlabelled entropy, a number, or how one is chosen for each "
        "pair. With 0 no unlabelled stamp is used."
    )


class Variant(ConfigModel):
    """A method under another name, with the options in which it differs."""

    variant_of: Literal["mme"] = Field(
        description="Methods are finetune, scratch and mme; a section of another name is a variant of one "
        "of them, which has a section too, whose options hold where the variant gives none."
    )
    label: str = Field(
        pattern=r"^[\w .,:;()+=/'-]{1,60}$",
        description="Name in tables and figures, of letters, digits and common signs.",
    )
    labelled: Omittable[Labelled] = Field(None)
    head: Omittable[Head] = Field(None)
    steps: Omittable[Steps] = Field(None)
    temperature: Omittable[Temperature] = Field(None)
    entropy_weight: Omittable[Weight | OwnSearch] = Field(
        None,
        description="A number, or a search of the variant's own; without this key, the weight of its method.",
    )


class Methods(ConfigModel):
    """Adaptation methods to run, each with its options, and variants of them."""

    # sections of other names are variants
    model_config = ConfigDict(extra="allow", json_schema_extra={"propertyNames": {"description": WORD}})
    __pydantic_extra__: dict[Word, Variant]

    finetune: Omittable[NoOptions] = Field(
        None, description="All weights of the source's baseline train on the shots."
    )
    scratch: Omittable[NoOptions] = Field(
        None, description="All weights train on the shots alone, from random values."
    )
    mme: Omittable[Mme] = Field(None)

    @property
    def sections(self) -> dict[str, ConfigModel]:
        """The sections that are given, by name."""
        return {name: section for name, section in self if name in self.model_fields_set}

    @model_validator(mode="after")
    def _variants_agree(self) -> Self:
        for name, variant in self.__pydantic_extra__.items():
            if name in RESULT_FOLDERS:
                raise ValueError(
                    f"{PLACE}.{name}: results/{name} is a folder of the workflow; give the variant another "
                    "name."
                )
            if variant.variant_of not in self.model_fields_set:
                raise ValueError(
                    f"{PLACE}.{name} is a variant of '{variant.variant_of}', whose options it takes over, "
                    f"but there is no section {PLACE}.{variant.variant_of}; add it."
                )
        return self
