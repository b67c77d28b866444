"""The configuration as typed objects: surveys, pairs, runs. No torch, no files of data."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Self

import jsonschema

from stampshift.config.consistency import check_consistency
from stampshift.config.methods import Section, read_sections
from stampshift.core.errors import ConfigError

BASELINE = "baseline"


@dataclass(frozen=True, order=True)
class Pair:
    """A source survey and a target survey."""

    source: str
    target: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``"<source>-to-<target>"``."""
        return cls(*text.split("-to-"))

    def __str__(self) -> str:
        return f"{self.source}-to-{self.target}"


@dataclass(frozen=True, order=True)
class Run:
    """One training: the unit of record.

    Attributes
    ----------
    method
        ``"baseline"``, ``"further"``, a method of adaptation, or the name of a variant of one.
    source
        Survey of the labelled source stamps.
    target
        Survey adapted to; None for a baseline.
    shots
        Labelled target stamps per class; 0 for a baseline.
    seed
        Number of the split.
    """

    method: str
    source: str
    target: str | None
    shots: int
    seed: int

    @property
    def folder(self) -> str:
        """Folder of the run's files, relative to the results."""
        if self.target is None:
            return f"{self.method}/{self.source}/seed-{self.seed}"
        return f"{self.method}/{self.source}-to-{self.target}/shots-{self.shots}/seed-{self.seed}"

    def __str__(self) -> str:
        return self.folder


@dataclass(frozen=True)
class Experiment:
    """What a configuration asks for.

    Attributes
    ----------
    surveys
        Names, in the order of the configuration.
    pairs
        Source-target pairs to study.
    seeds, shots
        As configured, ascending.
    methods
        Names of the adaptation methods, variants left out.
    variants
        Names of the variants of methods: the ablations.
    sections
        Of the configuration's `methods`, by the name of the method or variant.
    simulated
        Whether any survey is drawn by the simulator.
    """

    surveys: tuple[str, ...]
    pairs: tuple[Pair, ...]
    seeds: tuple[int, ...]
    shots: tuple[int, ...]
    methods: tuple[str, ...]
    variants: tuple[str, ...]
    sections: Mapping[str, Section]
    simulated: bool

    @classmethod
    def from_config(cls, config: Mapping[str, Any], *, schema: Mapping[str, Any]) -> Self:
        """Check a configuration and read the experiment from it.

        Raises
        ------
        ConfigError
            One sentence: where the configuration is wrong, what was found, what was expected.
        """
        check_schema(config, schema=schema)
        surveys = tuple(config["surveys"])
        sections = read_sections(config["methods"])
        experiment = cls(
            surveys=surveys,
            pairs=_pairs(config["pairs"], surveys=surveys),
            seeds=tuple(sorted(config["splits"]["seeds"])),
            shots=tuple(sorted(config["splits"]["shots"])),
            methods=tuple(name for name, section in sections.items() if not section.is_variant),
            variants=tuple(name for name, section in sections.items() if section.is_variant),
            sections=sections,
            simulated=any(survey["origin"] == "simulate" for survey in config["surveys"].values()),
        )
        check_consistency(config, sections=sections)
        return experiment

    def baseline_runs(self) -> Iterator[Run]:
        """Baselines of every survey that is a source."""
        for source in dict.fromkeys(pair.source for pair in self.pairs):
            yield from (Run(BASELINE, source, None, 0, seed) for seed in self.seeds)

    def transfers(self) -> Iterator[Run]:
        """Baselines of a source, evaluated on a target without any shot."""
        for pair in self.pairs:
            yield from (Run(BASELINE, pair.source, pair.target, 0, seed) for seed in self.seeds)

    def adaptations(self) -> Iterator[Run]:
        """Every run of every method of adaptation and of every variant."""
        for method in self.sections:
            for pair in self.pairs:
                for shots in self.shots:
                    yield from (Run(method, pair.source, pair.target, shots, seed) for seed in self.seeds)


def check_schema(config: Mapping[str, Any], *, schema: Mapping[str, Any]) -> None:
    """Raise a `ConfigError` of one sentence at the first key or value that the schema refuses."""
    errors = jsonschema.Draft202012Validator(schema).iter_errors(config)
    error = jsonschema.exceptions.best_match(errors)
    if error is None:
        return
    place = ".".join(map(str, error.absolute_path)) or "the configuration"
    if error.validator == "additionalProperties":
        known = list(error.schema.get("properties", {}))
        unknown = sorted(set(error.instance) - set(known))[0]
        meant = get_close_matches(unknown, known, n=1)
        hint = f"did you mean '{meant[0]}'?" if meant else f"known keys: {', '.join(known)}."
        raise ConfigError(f"config: {place} has no key '{unknown}'; {hint}")
    meaning = error.schema.get("description", "")
    raise ConfigError(f"config: {place}: {error.message}." + (f" Meaning: {meaning}" if meaning else ""))


def check_shots(
    survey: str, *, counts: Mapping[str, int], classes: Mapping[str, str], splits: Mapping[str, Any]
) -> None:
    """Raise a `ConfigError` if a survey with these counts by class cannot give the shots asked for."""
    fractions = splits["fractions"]
    wanted = (("train", max(splits["shots"])), ("validation", splits["validation_shots"]))
    for label in ("real", "bogus"):
        total = sum(count for name, count in counts.items() if classes.get(name) == label)
        for part, shots in wanted:
            held = int(total * fractions[part])
            if shots > held:
                raise ConfigError(
                    f"config: {shots} shots per class from the {part} part of {survey} were asked for, "
                    f"but it holds about {held} {label} stamps ({total} in all); lower the shots or "
                    "raise the number of stamps."
                )


def _pairs(asked: str | Sequence[str], *, surveys: Sequence[str]) -> tuple[Pair, ...]:
    if isinstance(asked, str):
        if len(surveys) < 2:
            raise ConfigError("config: surveys holds one survey; a pair needs two.")
        return tuple(Pair(source, target) for source in surveys for target in surveys if source != target)
    pairs = tuple(Pair.parse(text) for text in asked)
    for pair in pairs:
        if pair.source == pair.target:
            raise ConfigError(f"config: pairs: '{pair}' has the same survey as source and target.")
        for name in (pair.source, pair.target):
            if name not in surveys:
                raise ConfigError(
                    f"config: pairs: '{pair}' names the survey '{name}', but the config has "
                    f"{', '.join(surveys)}."
                )
    return pairs
