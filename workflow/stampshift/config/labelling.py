"""What a schema cannot say of the configuration of labels: planted, forests', corrected, people's."""

from collections.abc import Mapping
from typing import Any

from stampshift.core.errors import ConfigError

READERS_WITH_FEATURES = ("des",)  # those of surveys.catalogue, which needs a table library to import
FEATURES_OF = {"forest": 38, "forest_of_stamps": 18}


def check_labels(config: Mapping[str, Any]) -> None:
    """Raise a `ConfigError` of one sentence where the configuration of labels contradicts itself."""
    study, surveys = config["des_study"], config["surveys"]
    for name, section in surveys.items():
        if _flipped(section) and section["reader"] != "des":
            raise ConfigError(
                f"config: surveys.{name}.simulate.flipped: wrong labels are planted in archives of reader "
                f"'des' alone, and {name} has reader '{section['reader']}'; take the key out."
            )
    section = surveys[study["survey"]]
    _check_forests(study, reader=section["reader"])
    planted = section["origin"] == "simulate" and _flipped(section)
    if study["relabels"]["origin"] == "planted" and not planted:
        raise ConfigError(
            f"config: des_study.relabels.origin is 'planted', but no wrong labels are planted in "
            f"{study['survey']}; simulate it with surveys.{study['survey']}.simulate.flipped, or take "
            "another origin."
        )
    new = study["new_survey"]
    if new is not None and new["votes"]["origin"] == "simulate":
        _check_raters(new, section=surveys[new["survey"]])


def _flipped(section: Mapping[str, Any]) -> bool:
    return "flipped" in section.get("simulate", {})


def _check_forests(study: Mapping[str, Any], *, reader: str) -> None:
    if "forest" in study["forests"] and reader not in READERS_WITH_FEATURES:
        raise ConfigError(
            f"config: des_study.forests has 'forest', which needs the 38 features of an archive's table, but "
            f"{study['survey']} has reader '{reader}', whose archives have none; leave it out."
        )
    asked = study["forest"]["max_features"]
    for name in study["forests"]:
        if asked > FEATURES_OF[name]:
            raise ConfigError(
                f"config: des_study.forest.max_features is {asked}, but '{name}' has {FEATURES_OF[name]} "
                "features."
            )


def _check_raters(new: Mapping[str, Any], *, section: Mapping[str, Any]) -> None:
    raters, survey = new["votes"]["simulate"], new["survey"]
    if section["origin"] != "simulate" or _flipped(section):
        raise ConfigError(
            f"config: des_study.new_survey.votes are simulated from the true labels of {survey}, which must "
            "be a simulated survey without `flipped` then; or give people's votes, origin 'path'."
        )
    if not new["margin"] <= raters["votes_per_candidate"] <= raters["raters"]:
        raise ConfigError(
            f"config: des_study.new_survey: {raters['raters']} raters are to cast "
            f"{raters['votes_per_candidate']} votes per candidate, a majority to lead by {new['margin']}; "
            "the first number must be the greatest and the last the smallest."
        )
