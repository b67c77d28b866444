"""What a configuration asks for: surveys, pairs, methods, runs. No torch, no pydantic, no files of data."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import permutations, product
from typing import Any, Self

from stampshift.core.errors import ConfigError

BASELINE = "baseline"
NAMING = ("variant_of", "label")  # keys of a variant that are no option of its method
WEIGHT = "entropy_weight"
# methods that train on labels of the source and on the target's unlabelled set alone, whatever their options
ZERO_LABEL_METHODS = ("adabn", "coral", "mmd", "dann", "entropy")


@dataclass(frozen=True, order=True)
class Pair:
    """A source, which is a survey or the name of several, and a target survey."""

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
    """One training: the unit of record."""

    method: str  # "baseline", "further", a method of adaptation, or the name of a variant of one
    source: str  # survey of the labelled source stamps, or the name of several
    target: str | None  # survey adapted to; None for a baseline
    shots: int  # labelled target stamps per class; 0 for a baseline
    seed: int  # number of the split

    @property
    def folder(self) -> str:
        """Folder of the run's files, relative to the results."""
        if self.target is None:
            return f"{self.method}/{self.source}/seed-{self.seed}"
        return f"{self.method}/{self.source}-to-{self.target}/shots-{self.shots}/seed-{self.seed}"

    def __str__(self) -> str:
        return self.folder


def every_pair(surveys: Iterable[str], sources: Iterable[str]) -> list[tuple[str, str]]:
    """Source and target of every pair: of two surveys, and of a source of several and any survey."""
    return [*permutations(surveys, 2), *product(sources, surveys)]


@dataclass(frozen=True)
class Section:
    """One section of `methods`, complete: a variant has the options of its method where it gives none."""

    name: str  # as in paths and in the table of runs
    method: str  # module of `stampshift.methods`: the name, or the method that it is a variant of
    label: str | None  # of a variant in print; None for a method, which tables and figures know how to call
    options: Mapping[str, Any]  # of the method, without an entropy weight that is chosen for each pair
    search: Mapping[str, Any] | None  # `choice`, `grid`, `seed` of its own entropy weight, if that is chosen
    weights_of: str | None  # section whose choice of the weight it uses: itself, or its method; or None
    weight_without_labels: (
        float | None
    )  # with 0 shots, where a weight is chosen: no label may choose it there

    @property
    def needs_no_label(self) -> bool:
        """Whether it can adapt with 0 shots: on the labels of the source alone."""
        return self.is_zero_label or "source" in self.options.get("labelled", ())

    @property
    def is_zero_label(self) -> bool:
        """Whether it has no form with labels of the target."""
        return self.method in ZERO_LABEL_METHODS

    @property
    def is_variant(self) -> bool:
        """Whether it is a variant of another section."""
        return self.name != self.method


def read_sections(methods: Mapping[str, Mapping[str, Any]]) -> dict[str, Section]:
    """Sections of a checked configuration's `methods`, by name and in its order."""
    sections = {}
    for name, own in methods.items():
        method = own.get("variant_of", name)
        options = {key: value for key, value in {**methods[method], **own}.items() if key not in NAMING}
        search, weights_of, without_labels = None, None, None
        if isinstance(options.get(WEIGHT), Mapping):
            chosen = options.pop(WEIGHT)
            weights_of = name if WEIGHT in own else method
            search = chosen if weights_of == name else None
            of_method = methods[method][WEIGHT]  # a choice, or a number that a variant replaces
            without_labels = of_method["without_labels"] if isinstance(of_method, Mapping) else of_method
        label = own.get("label")
        sections[name] = Section(name, method, label, options, search, weights_of, without_labels)
    return sections


@dataclass(frozen=True)
class Experiment:
    """What a configuration asks for; `stampshift.config.configuration.read_experiment` reads it."""

    surveys: tuple[str, ...]  # in the order of the configuration
    sources: Mapping[str, tuple[str, ...]]  # surveys of each source of several, by its name
    pairs: tuple[Pair, ...]
    seeds: tuple[int, ...]  # ascending
    shots: tuple[int, ...]  # ascending
    methods: tuple[str, ...]  # that may learn from labels of the target; variants left out
    zero_label_methods: tuple[str, ...]  # that use none: with 0 shots alone
    variants: tuple[str, ...]  # of methods: the ablations
    sections: Mapping[str, Section]  # of methods and variants, by name
    diagnosed: tuple[Pair, ...]  # pairs that the diagnostics look into
    surveys_with_snr: tuple[str, ...]  # whose recall is looked at by signal-to-noise ratio
    simulated: bool  # whether any survey is drawn by the simulator

    def surveys_of(self, source: str) -> tuple[str, ...]:
        """Surveys that a source consists of: those of a source of several, or itself."""
        return self.sources.get(source, (source,))

    def surveys_in(self, pair: Pair) -> tuple[str, ...]:
        """Surveys of a pair, each once: the target, then those of its source."""
        return tuple(dict.fromkeys((pair.target, *self.surveys_of(pair.source))))

    def baseline_on(self, source: str, survey: str, seed: int) -> Run:
        """Run that holds what a source's baseline scores on a survey: its own where it was trained on it."""
        target = None if survey in self.surveys_of(source) else survey
        return Run(BASELINE, source, target, 0, seed)

    def baseline_runs(self) -> Iterator[Run]:
        """Baselines of everything that is a source."""
        for source, seed in product(dict.fromkeys(pair.source for pair in self.pairs), self.seeds):
            yield Run(BASELINE, source, None, 0, seed)

    def transfers(self) -> Iterator[Run]:
        """Baselines of a source, evaluated on a target that they were not trained on, without any shot."""
        for pair, seed in product(self.pairs, self.seeds):
            run = self.baseline_on(pair.source, pair.target, seed)
            if run.target is not None:
                yield run

    def adaptations(self) -> Iterator[Run]:
        """Every run of every method of adaptation and of every variant."""
        for method, pair in product(self.sections, self.pairs):
            for shots, seed in product(self.shots_of(method), self.seeds):
                yield Run(method, pair.source, pair.target, shots, seed)

    def shots_of(self, name: str) -> tuple[int, ...]:
        """Numbers of shots of a method or variant, ascending: 0 only for one that needs no label."""
        section = self.sections[name]
        if section.is_zero_label:
            return (0,)
        return tuple(shots for shots in self.shots if shots or section.needs_no_label)


def check_shots(
    survey: str, *, counts: Mapping[str, int], classes: Mapping[str, str], splits: Mapping[str, Any]
) -> None:
    """Raise a `ConfigError` if a survey with these counts by class cannot give the shots asked for."""
    wanted = {"train": max(splits["shots"]), "validation": splits["validation_shots"]}
    for label, (part, shots) in product(("real", "bogus"), wanted.items()):
        total = sum(count for name, count in counts.items() if classes.get(name) == label)
        held = int(total * splits["fractions"][part])
        if shots > held:
            raise ConfigError(
                f"config: {shots} shots per class from the {part} part of {survey} were asked for, but it "
                f"holds about {held} {label} stamps ({total} in all); lower the shots or raise the number of "
                "stamps."
            )
