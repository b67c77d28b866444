"""The section of the second study: networks and forests on whole DES stamps, corrected labels."""

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import Field, model_validator

from stampshift.config.fields import (
    PLACE,
    ConfigModel,
    Count,
    FractionsWithReserve,
    Name,
    Normalisation,
    Omittable,
    Percent,
    Seed,
    Share,
    Training,
    Unique,
)
from stampshift.config.surveys import READERS_WITH_FEATURES, Survey

FEATURES_OF = {"forest": 38, "forest_of_stamps": 18}

Network = Literal["network_1", "network_2", "network_3", "network_4"]


class Parts(ConfigModel):
    """Share of each part, before relabelling (first) and after it (second)."""

    first: FractionsWithReserve
    second: FractionsWithReserve


class Forest(ConfigModel):
    """Settings of scikit-learn's RandomForestClassifier (Goldstein et al. 2015)."""

    trees: Count
    criterion: Literal["entropy", "gini"]
    max_features: Count
    min_samples_split: int = Field(ge=2)


class Evaluation(ConfigModel):
    """How the trained networks and forests are compared."""

    mdr: Share = Field(description="Missed-detection rate at which the false-positive rate is read.")
    bootstrap_samples: int = Field(ge=100)
    confidence: Share = Field(description="Of the bootstrap's intervals.")
    categories: list[Share] = Field(
        min_length=3,
        max_length=3,
        description="Bounds, in the probability of an artifact, of the six categories by label and "
        "probability.",
    )


class MislabelledSearch(ConfigModel):
    """The search for mislabelled stamps, by cross-fitting."""

    network: Network = Field(
        description="One of `networks`; also the network that a new survey's labels train further."
    )
    folds: int = Field(
        ge=2,
        le=10,
        description="Every stamp is scored by a network that was trained on the other folds.",
    )
    validation: Percent = Field(
        description="Share of the other folds' stamps, in whole percent, that chooses the epoch."
    )


class Relabels(ConfigModel):
    """Where corrected labels come from."""

    origin: Literal["review", "table", "planted"]
    path: Name | None = Field(
        description="What `stampshift review-export` wrote, or a relabelled table; unused for planted."
    )

    @model_validator(mode="after")
    def _has_its_file(self) -> Self:
        if self.origin != "planted" and self.path is None:
            raise ValueError(f"{PLACE}.origin is '{self.origin}', but {PLACE}.path is null; name the file.")
        return self


class Raters(ConfigModel):
    """Raters who know the classes of a simulated survey, and err."""

    raters: Count
    votes_per_candidate: Count
    error_rate: float = Field(ge=0, lt=0.5, description="Share of votes that are wrong, per rater the same.")
    seed: Seed


class Votes(ConfigModel):
    """Who labels; a file of votes, or raters simulated from the classes of a simulated survey."""

    origin: Literal["path", "simulate"]
    path: Omittable[Name] = Field(
        None, description="CSV of id, rater, vote and time, as `stampshift review-export` writes it."
    )
    simulate: Omittable[Raters] = Field(None)

    @model_validator(mode="after")
    def _has_its_origin(self) -> Self:
        if self.origin not in self.model_fields_set:
            raise ValueError(f"{PLACE}.origin is '{self.origin}', but the section has no key of that name.")
        return self


class NewSurvey(ConfigModel):
    """A survey without labels that people label and that a network is trained further on."""

    survey: str = Field(description="One of `surveys`.")
    votes: Votes
    margin: Count = Field(description="Votes by which the majority must lead for a candidate to be kept.")
    fractions: FractionsWithReserve
    training: Training

    @model_validator(mode="after")
    def _margin_can_be_reached(self) -> Self:
        raters = self.votes.simulate if self.votes.origin == "simulate" else None
        if raters and not self.margin <= raters.votes_per_candidate <= raters.raters:
            raise ValueError(
                f"{PLACE}: {raters.raters} raters are to cast {raters.votes_per_candidate} votes per "
                f"candidate, a majority to lead by {self.margin}; the first number must be the greatest and "
                "the last the smallest."
            )
        return self


class DesStudy(ConfigModel):
    """The study of four networks on whole DES stamps (Ayyar et al. 2022); no part of the default target."""

    survey: str = Field(
        description="One of `surveys`; the features of a catalogue are known of reader des alone."
    )
    size_pixels: int = Field(ge=16, le=127, description="Side of the central crop, pixels.")
    normalisation: Normalisation
    seed: Seed = Field(description="Of splits and trainings.")
    networks: Unique[Network] = Field(
        min_length=1, description="Networks to train; network_1 to network_4 of the paper."
    )
    forests: Unique[Literal["forest", "forest_of_stamps"]] = Field(
        description="Random forests to train, `forest` on the archive's 38 features, `forest_of_stamps` on "
        "the 18 of them that are measured on the stamps."
    )
    fractions: Parts
    training: Training
    forest: Forest
    evaluation: Evaluation
    search: MislabelledSearch
    relabels: Relabels
    new_survey: NewSurvey | None = Field(
        description="A survey without labels that people label and network 1 is trained further on; null "
        "for none."
    )

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if self.search.network not in self.networks:
            raise ValueError(
                f"{PLACE}.search.network is '{self.search.network}', which is not among {PLACE}.networks "
                f"{self.networks}."
            )
        for name in self.forests:
            if self.forest.max_features > FEATURES_OF[name]:
                raise ValueError(
                    f"{PLACE}.forest.max_features is {self.forest.max_features}, but '{name}' has "
                    f"{FEATURES_OF[name]} features."
                )
        return self

    def check_surveys(self, surveys: Mapping[str, Survey]) -> None:
        """Raise `ValueError` where the study asks for what its surveys, of these sections, do not have."""
        named = {"survey": self.survey} | (
            {"new_survey.survey": self.new_survey.survey} if self.new_survey else {}
        )
        for key, name in named.items():
            if name not in surveys:
                raise ValueError(f"des_study.{key} is '{name}', but the config has {', '.join(surveys)}.")
        section = surveys[self.survey]
        if "forest" in self.forests and section.reader not in READERS_WITH_FEATURES:
            raise ValueError(
                "des_study.forests has 'forest', which needs the 38 features of an archive's table, but "
                f"{self.survey} has reader '{section.reader}', whose archives have none; leave it out."
            )
        if self.relabels.origin == "planted" and not (section.origin == "simulate" and section.flipped):
            raise ValueError(
                f"des_study.relabels.origin is 'planted', but no wrong labels are planted in {self.survey}; "
                f"simulate it with surveys.{self.survey}.simulate.flipped, or take another origin."
            )
        new = self.new_survey
        if new is not None and new.votes.origin == "simulate":
            rated = surveys[new.survey]
            if rated.origin != "simulate" or rated.flipped:
                raise ValueError(
                    f"des_study.new_survey.votes are simulated from the true labels of {new.survey}, which "
                    "must be a simulated survey without `flipped` then; or give people's votes, origin "
                    "'path'."
                )
