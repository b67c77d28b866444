"""The section of the second study: networks and forests on whole DES stamps, corrected labels."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

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
    key,
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
    min_samples_split: Annotated[int, Field(ge=2)]


class Evaluation(ConfigModel):
    """How the trained networks and forests are compared."""

    mdr: Share = key("Missed-detection rate at which the false-positive rate is read.")
    bootstrap_samples: int = key("Bootstrap resamples of the test stamps, for intervals.", ge=100)
    confidence: Share = key("Confidence level of the intervals, as a share.")
    categories: list[Share] = key(
        "Bounds, in the probability of an artifact, of the six categories by label and probability.",
        min_length=3,
        max_length=3,
    )


class MislabelledSearch(ConfigModel):
    """The search for mislabelled stamps, by cross-fitting."""

    network: Network = key(
        "Candidates are the stamps whose label it contradicts with confidence. One of des_study.networks, "
        "and the one that a new survey's labels train further."
    )
    networks: Unique[Network] | None = key(
        "Networks, `network` among them, that are trained on the folds; the more of them contradict a label, "
        "the earlier its stamp is reviewed. null for all of des_study.networks."
    )
    folds: int = key("Every stamp is scored by a network trained on the other folds.", ge=2, le=10)
    validation: Percent = key("Share of the other folds' stamps, in whole percent, that chooses the epoch.")

    def _check(self) -> None:
        if self.networks is not None and self.network not in self.networks:
            raise ValueError(
                f"{PLACE}.network is '{self.network}', which is not among {PLACE}.networks {self.networks}."
            )


class Relabels(ConfigModel):
    """Where corrected labels come from."""

    origin: Literal["review", "table", "planted"]
    path: Name | None = key("From `stampshift review-export`, or a relabelled table; unused for planted.")
    least_decided: float = key(
        "Share of the candidates that a review has to decide, else the workflow stops.", ge=0, le=1
    )

    def _check(self) -> None:
        if self.origin != "planted" and self.path is None:
            raise ValueError(f"{PLACE}.origin is '{self.origin}', but {PLACE}.path is null; name the file.")


class Raters(ConfigModel):
    """Raters who know the truth of simulated packets, and err."""

    raters: Count
    votes_per_candidate: Count
    error_rate: float = key("Share of votes that are wrong, the same for every rater.", ge=0, lt=0.5)
    seed: Seed


class Votes(ConfigModel):
    """Who labels; a file of votes, or raters simulated from the truth of simulated packets."""

    origin: Literal["path", "simulate"]
    path: Omittable[Name] = key("CSV of id, rater, vote and time, as `stampshift review-export` writes it.")
    simulate: Omittable[Raters]

    def _check(self) -> None:
        if self.origin not in self.model_fields_set:
            raise ValueError(f"{PLACE}.origin is '{self.origin}', but the section has no key of that name.")


class NewSurvey(ConfigModel):
    """A survey without labels that people label and that a network is trained further on."""

    survey: str = key("One of `surveys`.")
    votes: Votes
    min_votes: Count = key("Raters that must have voted on a candidate for it to be kept.")
    margin: Count = key("Votes by which the majority must lead for a candidate to be kept.")
    start: Literal["second/new", "first"] = key(
        "Folder of the network that is trained further: `second/new`, trained on corrected labels, as in the "
        "paper (the default), or `first`, trained on the archive's labels.",
        default="second/new",
    )
    adjudicator: Name | None = key(
        "The rater whose vote decides where the majority of the others does not lead by the margin; null for "
        "none.",
        default=None,
    )
    fractions: FractionsWithReserve
    training: Training

    def _check(self) -> None:
        raters = self.votes.simulate if self.votes.origin == "simulate" else None
        needed = max(self.margin, self.min_votes)
        if raters and not needed <= raters.votes_per_candidate <= raters.raters:
            raise ValueError(
                f"{PLACE}: {raters.raters} raters are to cast {raters.votes_per_candidate} votes per "
                f"candidate, of which a label needs {self.min_votes} and a lead of {self.margin}; there must "
                "be at least as many raters as votes per candidate, and as many votes as a label needs."
            )


class DesStudy(ConfigModel):
    """The study of four networks on whole DES stamps (Ayyar et al. 2022); no part of the default target."""

    survey: str = key("One of `surveys`; only archives of reader des have a catalogue of features.")
    size_pixels: int = key("Side of the central crop, pixels.", ge=16, le=127)
    normalisation: Normalisation
    seed: Seed = key("Seed of the splits, each from a stream of its own, and of the trainings.")
    networks: Unique[Network] = key("Networks of the paper to train.", min_length=1)
    forests: Unique[Literal["forest", "forest_of_stamps"]] = key(
        "Random forests to train: `forest` on the archive's 38 features, `forest_of_stamps` on the 18 that "
        "are measured on the stamps."
    )
    fractions: Parts
    training: Training
    forest: Forest
    evaluation: Evaluation
    search: MislabelledSearch
    relabels: Relabels
    new_survey: NewSurvey | None = key("A survey that people label for further training; null for none.")

    def _check(self) -> None:
        if self.search.network not in self.networks:
            raise ValueError(
                f"{PLACE}.search.network is '{self.search.network}', which is not among {PLACE}.networks "
                f"{self.networks}."
            )
        first, second = self.fractions.first, self.fractions.second
        used = first.train + first.validation
        if used + second.test > 1 + 1e-9:
            raise ValueError(
                f"{PLACE}.fractions: the second split tests on {second.test:g} of the stamps, but the first "
                f"one, which must not have seen them, trains and validates on {used:g}; together they may be "
                "1 at most."
            )
        asked = f"{PLACE}.forest.max_features is {self.forest.max_features}"
        for name in self.forests:
            if self.forest.max_features > FEATURES_OF[name]:
                raise ValueError(f"{asked}, but '{name}' has {FEATURES_OF[name]} features.")

    def check_surveys(self, surveys: Mapping[str, Survey]) -> None:
        """Raise `ValueError` where the study asks for what the sections of its surveys do not have."""
        new = self.new_survey
        for place, name in [("survey", self.survey)] + ([("new_survey.survey", new.survey)] if new else []):
            if name not in surveys:
                raise ValueError(f"des_study.{place} is '{name}', but the config has {', '.join(surveys)}.")
        section = surveys[self.survey]
        if "forest" in self.forests and section.reader not in READERS_WITH_FEATURES:
            raise ValueError(
                "des_study.forests has 'forest', which needs the 38 features of an archive's table, but "
                f"{self.survey} has reader '{section.reader}', whose archives have none; leave it out."
            )
        if self.relabels.origin == "planted" and not (section.origin == "simulate" and section.flipped):
            raise ValueError(
                f"des_study.relabels.origin is 'planted', but no wrong labels are planted in {self.survey}; "
                f"simulate it with surveys.{self.survey}.simulate.flipped, or choose another origin."
            )
        if new:
            _check_unlabelled(new, surveys[new.survey])


def _check_unlabelled(new: NewSurvey, section: Survey) -> None:
    """Raise `ValueError` unless the new survey is one without labels, of which votes may be simulated."""
    options = {"table": section.table, "packets": section.packets}.get(section.reader)
    if options is not None and options.labels:
        raise ValueError(
            f"surveys.{new.survey}.{section.reader}.labels is {options.labels}, but votes alone label "
            "des_study.new_survey; leave it out, or take the survey under another name."
        )
    if new.votes.origin == "simulate" and not (section.origin == "simulate" and section.reader == "packets"):
        raise ValueError(
            f"des_study.new_survey.votes are simulated from the truth of {new.survey}, whose archive must be "
            "simulated packets (reader 'packets', origin 'simulate'); or give people's votes, origin 'path'."
        )
