"""The whole configuration as one model, and the experiment that it asks for."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from stampshift.config.des_study import DesStudy
from stampshift.config.diagnostics import Diagnostics
from stampshift.config.experiment import Experiment, Pair, Section, every_pair, read_sections
from stampshift.config.fields import (
    ConfigModel,
    Count,
    CountOrZero,
    Fractions,
    Name,
    Normalisation,
    Omittable,
    Pairs,
    Positive,
    Seed,
    Training,
    Unique,
    Word,
    key,
)
from stampshift.config.messages import checked
from stampshift.config.methods import Choice, Methods
from stampshift.config.surveys import READERS_WITH_SNR, Survey
from stampshift.core.errors import ConfigError

SOURCE_WORD = "A name in paths; letters, digits, underscores and hyphens, a letter first."


class Stamps(ConfigModel):
    """What a survey's images become."""

    size_pixels: int = key("Side of the central crop, pixels. The network needs at least 16.", ge=16, le=63)
    normalisation: Normalisation


def _no_pair(name: str) -> str:
    if "-to-" in name:
        raise ValueError(f"sources: the name '{name}' reads as a pair; leave out '-to-'.")
    return name


SourceName = Annotated[
    str, Field(pattern="^[A-Za-z][A-Za-z0-9_-]*$", description=SOURCE_WORD), AfterValidator(_no_pair)
]


class StampsConfig(ConfigModel):
    """What the stamps files of surveys are made from."""

    surveys: dict[Word, Survey] = key("By name, which appears in paths, tables and figures.", min_length=1)
    stamps: Stamps


class Splits(ConfigModel):
    """How every survey is split, and how many labels of the target are used."""

    seeds: Unique[Seed] = key("One random split of every survey per seed.", min_length=1)
    fractions: Fractions
    grouped: bool = key(
        "Whether all stamps of an object, and identical stamps, go into one part. If not, a model is tested "
        "on objects that it was trained on."
    )
    stratified: bool = key("Whether every part has the classes in the same shares.")
    shots: Unique[CountOrZero] = key(
        "Labelled target stamps per class. With 0, MME adapts without any label of the target; methods that "
        "train on the target's labels have no such form.",
        min_length=1,
    )
    validation_shots: Count = key("Labelled target stamps per class that choose the best epoch.")


class Execution(ConfigModel):
    """How the experiment is run."""

    device: Literal["auto", "cpu", "cuda"] = key("Where to train. `auto`: on the GPU if there is one.")
    precision: Literal["float32", "tf32", "bfloat16"] = key(
        "Arithmetic of the trainings. `tf32` and `bfloat16` are faster on GPUs that have them, and change "
        "results: a run's key and metrics.json have the precision. Scores are always float32's."
    )
    threads: Count = key("Cores of a training job; on a CPU each trains one run at a time, on one thread.")
    together: bool = key(
        "Whether one job trains the runs of all targets of a source, for a GPU: a stack of many runs wastes "
        "less of it than several of few. The jobs of a source then wait for that of its first target."
    )
    preprocessing_threads: Count = key("Cores of a job that simulates or preprocesses an archive.")
    unit_minutes: Positive = key(
        "Minutes that reading some hundred alert packets may take; a packet that takes longer, or ends its "
        "process, is dropped and counted. With one preprocessing thread, only one that takes all memory is."
    )
    checkpoint_epochs: Count = key("Epochs between two checkpoints of a running training.")


class Pathvars(ConfigModel):
    """Folders in place of `results`, `results/logs` and `results/benchmarks`."""

    results: Omittable[Name]
    logs: Omittable[Name]
    benchmarks: Omittable[Name]


Network = Literal["bolivar", "bolivar_as_listed", "network_1", "residual"]
# modules of the room `networks`, which imports torch
NETWORK_MODULES: dict[str, str] = {
    "bolivar": "bolivar",
    "bolivar_as_listed": "bolivar",
    "network_1": "ayyar",
    "residual": "residual",
}


class Config(StampsConfig):
    """An experiment of stampshift."""

    sources: dict[SourceName, Annotated[Unique[Word], Field(min_length=2)]] = key(
        "Sources of several surveys, by name, beside the surveys, each of which is a source: a model is "
        "trained on the train parts of all of them, drawn in equal shares. A pair may name one as its source."
    )
    pairs: Pairs = key(
        "Source-target pairs to study, `all` for every ordered pair of two surveys, and every source of "
        "several with every survey as its target."
    )
    splits: Splits
    network: Network = key(
        "Network of the study: `bolivar`, with a ReLU after both convolutions, as the paper says, or "
        "`bolivar_as_listed`, without the second one, as the thesis lists its layers; `network_1` of Ayyar "
        "et al. (2022); or `residual`, 14 layers with shortcuts and global pooling."
    )
    compared_networks: Unique[Network] = key(
        "Further networks whose baselines are trained, on the same draws: what accuracy costs, in "
        "`tables/network-costs`. They adapt to no target.",
        default=[],
    )
    methods: Methods
    training: Training
    diagnostics: Diagnostics
    des_study: DesStudy
    execution: Execution
    pathvars: Omittable[Pathvars]

    @property
    def all_pairs(self) -> tuple[Pair, ...]:
        """Pairs to study."""
        if isinstance(self.pairs, str):
            return tuple(Pair(*names) for names in every_pair(self.surveys, self.sources))
        return tuple(map(Pair.parse, self.pairs))

    @property
    def diagnosed(self) -> tuple[Pair, ...]:
        """Pairs to look into; none where the diagnostics are switched off."""
        if not self.diagnostics.enabled:
            return ()
        asked = self.diagnostics.pairs
        if isinstance(asked, str):
            return tuple(pair for pair in self.all_pairs if pair.source in self.surveys)
        return tuple(map(Pair.parse, asked))

    def _check(self) -> None:
        self._check_sources()
        self._check_pairs()
        self._check_networks()
        self._check_methods()
        self._check_diagnostics()
        self.des_study.check_surveys(self.surveys)

    def _check_sources(self) -> None:
        for name, members in self.sources.items():
            if name in self.surveys:
                raise ValueError(f"sources.{name} has the name of a survey; give it another one.")
            for member in members:
                if member not in self.surveys:
                    names = f"sources.{name} names the survey '{member}'"
                    raise ValueError(f"{names}, but the config has {', '.join(self.surveys)}.")
        if self.sources and self.training.epoch_size is None:
            raise ValueError(
                "training.epoch_size is null, a pass over the train part, but a source of several surveys is "
                "drawn in equal shares; give a number of labelled stamps per epoch, or leave sources empty."
            )

    def _check_pairs(self) -> None:
        if not self.all_pairs:
            raise ValueError("surveys has only one survey; a pair needs two.")
        for pair in self.all_pairs:
            if pair.source == pair.target:
                raise ValueError(f"pairs: '{pair}' has the same survey as source and target.")
            for name, known in ((pair.source, [*self.surveys, *self.sources]), (pair.target, self.surveys)):
                if name not in known:
                    names = f"pairs: '{pair}' names the survey '{name}'"
                    raise ValueError(f"{names}, but the config has {', '.join(known)}.")

    def _check_networks(self) -> None:
        if self.network in self.compared_networks:
            raise ValueError(
                f"compared_networks has '{self.network}', which is the network of the study; leave it out."
            )
        copied = [
            name for name, section in self.methods.sections.items() if vars(section).get("head") == "copied"
        ]
        if self.network == "network_1" and copied:
            raise ValueError(
                f"methods.{copied[0]}.head is 'copied', but the baseline of network_1 has one logit and no "
                "row per class that could be a prototype; set it to 'random'."
            )

    def _check_methods(self) -> None:
        if self.splits.shots == [0]:
            raise ValueError(
                "splits.shots is [0], adaptation without labels alone; add a number of labelled stamps, such "
                "as 1: what they are worth is the study."
            )
        seeds = self.splits.seeds
        for name, section in self.methods.sections.items():
            weight = vars(section).get("entropy_weight")
            if isinstance(weight, Choice) and weight.choice == "search" and weight.seed not in seeds:
                raise ValueError(
                    f"methods.{name}.entropy_weight.seed is {weight.seed}, which is not among splits.seeds "
                    f"{seeds}."
                )
            method = vars(section).get("variant_of", name)
            two_sets = method != "adabn" and method in ("mme", *self.methods.zero_label)
            if two_sets and self.training.epoch_size is None:
                raise ValueError(
                    f"training.epoch_size is null, a pass over the train part, but methods.{name} trains on "
                    "more than one set of stamps; give a number of labelled stamps per epoch."
                )

    def check_zero_shots(self, sections: Mapping[str, Section]) -> None:
        """Raise a `ConfigError` where 0 shots and the methods that can do with none do not go together."""
        needed, shots = self.methods.zero_label, self.splits.shots
        if needed and 0 not in shots:
            raise ConfigError(
                f"config: methods.{needed[0]} uses no label of the target, but splits.shots {shots} has no "
                "0, the number of shots that it runs with; add it, or leave the method out."
            )
        if 0 in self.splits.shots and not any(section.needs_no_label for section in sections.values()):
            raise ConfigError(
                "config: splits.shots has 0, but no method adapts without labels of the target; add "
                "methods.mme with 'source' in its `labelled` or another method, such as methods.coral, or "
                "leave 0 out."
            )

    def _check_diagnostics(self) -> None:
        of_labels = set(Methods.model_fields) - set(self.methods.zero_label)
        methods = [name for name in self.methods.sections if name in of_labels]
        method, pairs = self.diagnostics.errors.method, self.all_pairs
        known = sorted(str(pair) for pair in pairs if pair.source in self.surveys)
        if self.diagnostics.enabled and method not in methods:
            raise ValueError(
                f"diagnostics.errors.method is '{method}', which is not among the methods "
                f"{', '.join(methods) or '(none)'}."
            )
        for pair in map(str, self.diagnosed):
            if pair not in known:
                raise ValueError(
                    f"diagnostics.pairs: '{pair}' is not one of the experiment's pairs of two surveys "
                    f"{', '.join(known) or '(none)'}."
                )


def read_experiment(config: Mapping[str, Any]) -> Experiment:
    """Check a configuration and read the experiment; a `ConfigError` of one sentence if it is wrong."""
    model = checked(config, Config)
    sections = read_sections(config["methods"])
    model.check_zero_shots(sections)
    with_snr = READERS_WITH_SNR if model.diagnostics.snr_bins is not None else ()
    return Experiment(
        surveys=tuple(model.surveys),
        sources={name: tuple(members) for name, members in model.sources.items()},
        pairs=model.all_pairs,
        seeds=tuple(sorted(model.splits.seeds)),
        shots=tuple(sorted(model.splits.shots)),
        methods=tuple(name for name, each in sections.items() if not (each.is_variant or each.is_zero_label)),
        zero_label_methods=tuple(name for name, each in sections.items() if each.is_zero_label),
        variants=tuple(name for name, section in sections.items() if section.is_variant),
        sections=sections,
        diagnosed=model.diagnosed,
        surveys_with_snr=tuple(name for name, survey in model.surveys.items() if survey.reader in with_snr),
        simulated=any(survey.origin == "simulate" for survey in model.surveys.values()),
    )
