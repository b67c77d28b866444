"""What a schema cannot say of a configuration: that its parts agree with each other."""

from collections.abc import Mapping
from typing import Any

from stampshift.config.methods import Section
from stampshift.config.readers import check_reader
from stampshift.core.errors import ConfigError


def check_consistency(config: Mapping[str, Any], *, sections: Mapping[str, Section]) -> None:
    """Raise a `ConfigError` of one sentence where a configuration of the schema contradicts itself."""
    check_fractions(config["splits"]["fractions"], place="splits.fractions")
    check_training(config["training"], place="training")
    check_surveys(config["surveys"])
    _check_methods(config, sections=sections)
    _check_des_study(config)


def check_fractions(fractions: Mapping[str, float], *, place: str) -> None:
    """Raise a `ConfigError` if the shares of a split's parts are no whole percents or do not sum to 1."""
    if abs(sum(fractions.values()) - 1) > 1e-9:
        raise ConfigError(f"config: {place} sum to {sum(fractions.values()):g}, not to 1.")
    for name, value in fractions.items():
        _check_percentage(value, place=f"{place}.{name}")


def check_training(training: Mapping[str, Any], *, place: str) -> None:
    """Raise a `ConfigError` if a section `training` contradicts itself."""
    epoch_size, batch_size = training["epoch_size"], training["batch_size"]
    if epoch_size is not None and epoch_size % batch_size:
        raise ConfigError(
            f"config: {place}.epoch_size {epoch_size} is no multiple of {place}.batch_size {batch_size}."
        )
    if training["optimiser"] == "sgd" and training["momentum"] is None:
        raise ConfigError(
            f"config: {place}.momentum is null, but {place}.optimiser is 'sgd': give a number, 0 for none."
        )
    if training["optimiser"] == "adam" and training["momentum"] is not None:
        raise ConfigError(
            f"config: {place}.momentum is {training['momentum']:g}, but {place}.optimiser is 'adam', "
            "which has moments of its own: set it to null."
        )


def _check_percentage(value: float, *, place: str) -> None:
    if abs(100 * value - round(100 * value)) > 1e-9:
        raise ConfigError(f"config: {place} is {value:g}, not a whole percentage.")


def check_surveys(surveys: Mapping[str, Any]) -> None:
    """Raise a `ConfigError` if a survey's section contradicts itself."""
    for name, survey in surveys.items():
        check_reader(name, survey)
        missing = {"real", "bogus"} - set(survey["classes"].values())
        if missing:
            raise ConfigError(f"config: surveys.{name}.classes has no class that is {missing.pop()}.")
        if survey["origin"] not in survey:
            raise ConfigError(
                f"config: surveys.{name}.origin is '{survey['origin']}', "
                "but the section has no key of that name."
            )
        names = [url.rpartition("/")[2] for url in survey.get("url", [])]
        stray = sorted(set(survey.get("sha256", {})) - set(names))
        if stray:
            raise ConfigError(
                f"config: surveys.{name}.sha256 names '{stray[0]}', which is no file of its url: "
                f"{', '.join(names) or 'there is none'}."
            )


def _check_methods(config: Mapping[str, Any], *, sections: Mapping[str, Section]) -> None:
    for name, section in sections.items():
        search = section.search or {}
        if search.get("choice") == "search" and search["seed"] not in config["splits"]["seeds"]:
            raise ConfigError(
                f"config: methods.{name}.entropy_weight.seed is {search['seed']}, "
                f"which is not among splits.seeds {config['splits']['seeds']}."
            )
        if section.method == "mme" and config["training"]["epoch_size"] is None:
            raise ConfigError(
                f"config: training.epoch_size is null, a pass over the train part, but methods.{name} trains "
                "on more than one set of stamps; give a number of labelled stamps per epoch."
            )


def _check_des_study(config: Mapping[str, Any]) -> None:
    study, surveys = config["des_study"], config["surveys"]
    _check_survey(study["survey"], surveys, place="des_study.survey")
    for part, fractions in study["fractions"].items():
        check_fractions(fractions, place=f"des_study.fractions.{part}")
    check_training(study["training"], place="des_study.training")
    search = study["search"]
    _check_percentage(search["validation"], place="des_study.search.validation")
    if search["network"] not in study["networks"]:
        raise ConfigError(
            f"config: des_study.search.network is '{search['network']}', which is not among "
            f"des_study.networks {study['networks']}."
        )
    relabels = study["relabels"]
    if relabels["origin"] != "planted" and relabels["path"] is None:
        raise ConfigError(
            f"config: des_study.relabels.origin is '{relabels['origin']}', but des_study.relabels.path is "
            "null; name the file."
        )
    new = study["new_survey"]
    if new is not None:
        _check_survey(new["survey"], surveys, place="des_study.new_survey.survey")
        check_fractions(new["fractions"], place="des_study.new_survey.fractions")
        check_training(new["training"], place="des_study.new_survey.training")
        origin = new["votes"]["origin"]
        if origin not in new["votes"]:
            raise ConfigError(
                f"config: des_study.new_survey.votes.origin is '{origin}', but the section has no key of "
                "that name."
            )


def _check_survey(name: str, surveys: Mapping[str, Any], *, place: str) -> None:
    if name not in surveys:
        raise ConfigError(f"config: {place} is '{name}', but the config has {', '.join(surveys)}.")
