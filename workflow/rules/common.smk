"""What the rules share: the validated experiment, its runs, and the paths of their files. No rules, no torch."""

import sys
from itertools import permutations
from pathlib import Path

import yaml
from snakemake.exceptions import WorkflowError

PACKAGE_ROOT = Path(str(workflow.current_basedir)).parent
sys.path.insert(0, str(PACKAGE_ROOT))  # the package is found even where it is not installed

from stampshift.core.errors import ConfigError
from stampshift.tables.wording import METHOD_NAMES
from stampshift.config.experiment import BASELINE, Pair, Run, check_shots
from stampshift.config.model import read_experiment
from stampshift.core.provenance import script_digest, offer_package_to_subprocesses
from stampshift.config.surveys import label_files, reader_options, schema_files
from stampshift.simulation import class_counts
from stampshift.training.run_folder import FILES as RUN_FILES, TRANSFER_FILES

offer_package_to_subprocesses()


def constants_file(survey):
    return f"resources/surveys/{survey}.yaml"


def load_yaml(path):
    return yaml.safe_load(Path(path).read_text())


def expected_counts(survey, section):
    """Stamps by class that a survey's archive holds or will hold; empty where nothing is known of it."""
    if not Path(constants_file(survey)).exists():
        return {}
    constants = load_yaml(constants_file(survey))
    if section["origin"] == "simulate":
        return class_counts(section["simulate"]["stamps"], constants=constants)
    return constants["archive_counts"]


def load_experiment():
    """The experiment, or one sentence about what is wrong with the configuration."""
    try:
        experiment = read_experiment(config)
        for survey, section in config["surveys"].items():
            counts = expected_counts(survey, section)
            if section["origin"] == "simulate" and not counts:
                raise ConfigError(
                    f"config: surveys.{survey}.origin is 'simulate', but there is no "
                    f"{constants_file(survey)} with the simulator's constants of that survey."
                )
            if counts:
                check_shots(survey, counts=counts, classes=section["classes"], splits=config["splits"])
    except ConfigError as error:
        raise WorkflowError(str(error)) from None
    return experiment


EXPERIMENT = load_experiment()
DIAGNOSED = [str(pair) for pair in EXPERIMENT.diagnosed]
SURVEYS = list(EXPERIMENT.surveys)
PAIRS = [str(pair) for pair in EXPERIMENT.pairs]
SEEDS = list(EXPERIMENT.seeds)
SHOTS = list(EXPERIMENT.shots)
# an overlay's keys come before those of config.yaml: tables and figures keep one order
METHODS = sorted(EXPERIMENT.methods, key=lambda name: [*METHOD_NAMES, name].index(name))
SOURCES = list(dict.fromkeys(pair.source for pair in EXPERIMENT.pairs))
SIMULATED = EXPERIMENT.simulated
DOWNLOADED = [survey for survey, section in config["surveys"].items() if section["origin"] == "url"]
SECTIONS = EXPERIMENT.sections  # of the methods and of their variants, by name
VARIANTS = list(EXPERIMENT.variants)
VARIANT_NAMES = {name: SECTIONS[name].label for name in VARIANTS}
ENTROPY_WEIGHT_CHOICE = (SECTIONS["mme"].search or {}).get("choice") if "mme" in SECTIONS else None
EXECUTION = config["execution"]
RESULTS = config.get("pathvars", {}).get("results", "results")
GPUS = 0 if EXECUTION["device"] == "cpu" else 1  # for a job that runs a network


wildcard_constraints:
    survey="|".join(SURVEYS),
    source="|".join(SURVEYS),
    target="|".join(SURVEYS),
    pair="|".join(f"{source}-to-{target}" for source, target in permutations(SURVEYS, 2)),
    method="|".join(SECTIONS),
    variant="|".join(VARIANTS),
    shots="|".join(map(str, SHOTS)),
    seed="[0-9]+",


# ---- raw archives -----------------------------------------------------------------------------------------


def survey_section(wildcards):
    return config["surveys"][wildcards.survey]


def survey_name(wildcards):
    return wildcards.survey


def survey_simulated(wildcards):
    return survey_section(wildcards)["origin"] == "simulate"


def survey_reader(wildcards):
    return survey_section(wildcards)["reader"]


def survey_options(wildcards):
    """Options of the survey's reader; none where its format is that of a published survey."""
    return reader_options(survey_section(wildcards))


def survey_labels(wildcards):
    """File of the labels that the archive does not hold, in a list that is empty where there is none."""
    missing = [path for path in label_files(survey_section(wildcards)) if not Path(path).exists()]
    if missing:
        raise WorkflowError(
            f"{wildcards.survey}: there is no label file {missing[0]}, which the config's "
            f"surveys.{wildcards.survey}.{survey_reader(wildcards)}.labels names. Put it there, or correct the path."
        )
    return label_files(survey_section(wildcards))


def survey_schemas(wildcards):
    """Files of the schemas that the archive's packets come without, in a list that is empty where there are none."""
    try:
        return schema_files(survey_section(wildcards))
    except ConfigError as error:
        raise WorkflowError(f"config: surveys.{wildcards.survey}.{error}") from None


def survey_classes(wildcards):
    return survey_section(wildcards)["classes"]


def survey_invalid(wildcards):
    return survey_section(wildcards)["invalid"]


def archive_addresses(wildcards):
    return survey_section(wildcards)["url"]


def archive_address(wildcards):
    """Address of one file of an archive, by its name."""
    addresses = {Path(url).name: url for url in archive_addresses(wildcards)}
    return addresses[wildcards.archive]


def archive_checksum(wildcards):
    """Known SHA-256 of one file of an archive, None where the configuration has none."""
    return survey_section(wildcards).get("sha256", {}).get(wildcards.archive)


def raw_archive(wildcards):
    """Files or folder of a survey's raw archive, in a list."""
    section = survey_section(wildcards)
    if section["origin"] == "url":
        names = [Path(url).name for url in section["url"]]
        return [f"resources/raw/{wildcards.survey}/{name}" for name in names]
    if section["origin"] == "simulate":
        size, seed = section["simulate"]["stamps"], section["simulate"]["seed"]
        flipped = f"-flipped-{section['simulate']['flipped']}" if "flipped" in section["simulate"] else ""
        return [f"resources/raw/simulated/{wildcards.survey}-{size}-seed-{seed}{flipped}"]
    if not Path(section["path"]).exists():
        known = Path(constants_file(wildcards.survey))
        files = load_yaml(known).get("archive_files") if known.exists() else None
        raise WorkflowError(
            f"{wildcards.survey}: there is nothing at {section['path']}, where the config's "
            f"surveys.{wildcards.survey}.path expects the raw archive{f' ({files})' if files else ''}. Put it there "
            "(README, 'The archives'), change the path, or set origin to 'simulate'."
        )
    return [section["path"]]


def archive_origin(wildcards):
    """Where a survey's stamps come from, for their file's attributes."""
    section = survey_section(wildcards)
    return {section["origin"]: section[section["origin"]]}


def results_folder(wildcards):
    return RESULTS


def growing(first):
    """Memory in MB or minutes of a job: what its first attempt asks for, doubled with every retry."""

    def amount(wildcards, attempt):
        return first * 2 ** (attempt - 1)

    return amount


# ---- runs -------------------------------------------------------------------------------------------------


def run_files(runs, names=RUN_FILES):
    return [f"<results>/{run.folder}/{name}" for run in runs for name in names]


def target_stamps(wildcards):
    """Stamps of the target, which is another survey than the source."""
    if wildcards.source == wildcards.target:
        raise WorkflowError(
            f"{wildcards.source}-to-{wildcards.target} has the same survey as source and target."
        )
    return f"<results>/stamps/{wildcards.target}.h5"


def searched_section(wildcards):
    """Section whose entropy weight is searched: a variant's, or that of MME."""
    name = wildcards.get("variant", "mme")
    if name not in SECTIONS or SECTIONS[name].search is None:
        raise WorkflowError(f"methods.{name} searches no entropy weight in this configuration.")
    return SECTIONS[name]


def search_name(wildcards):
    return searched_section(wildcards).name


def search_options(wildcards):
    return searched_section(wildcards).options


def search_grid(wildcards):
    """Weights to try, and the split on which to try them."""
    return searched_section(wildcards).search


def search_splits(wildcards):
    seed = search_grid(wildcards)["seed"]
    surveys = (wildcards.source, wildcards.target)
    return [f"<results>/splits/{survey}/seed-{seed}.npz" for survey in surveys]


def search_baseline(wildcards):
    return f"<results>/baseline/{wildcards.source}/seed-{search_grid(wildcards)['seed']}/model.pt"


def adaptation_method(wildcards):
    """Method that trains the runs of a method or of a variant."""
    return SECTIONS[wildcards.method].method


def adaptation_options(wildcards):
    """Options of a method or variant, without an entropy weight that is chosen for each pair."""
    return SECTIONS[wildcards.method].options


def chosen_entropy_weight(wildcards):
    """File with the pair's entropy weight, in a list that is empty where none is chosen."""
    section = SECTIONS[wildcards.method]
    if section.weights_of is None:
        return []
    folder = f"{section.weights_of}/" if SECTIONS[section.weights_of].is_variant else ""
    return [f"<results>/lambda/{folder}{wildcards.source}-to-{wildcards.target}.json"]


def pair_metrics(wildcards):
    """Metrics of every run that a pair's table and figure show: no variants."""
    source, target = wildcards.pair.split("-to-")
    runs = [Run("baseline", source, to, 0, seed) for to in (None, target) for seed in SEEDS]
    runs += [
        run
        for run in EXPERIMENT.adaptations()
        if (run.source, run.target) == (source, target) and run.method in METHODS
    ]
    return run_files(runs, ["metrics.json"])


METRICS = run_files(EXPERIMENT.adaptations(), ["metrics.json"])
BASELINE_METRICS = run_files(EXPERIMENT.baseline_runs(), ["metrics.json"]) + run_files(
    EXPERIMENT.transfers(), ["metrics.json"]
)


# ---- tables and figures -----------------------------------------------------------------------------------


def with_suffixes(stems, suffixes):
    return [f"<results>/{stem}.{suffix}" for stem in stems for suffix in suffixes]


SURVEY_FIGURES = ("examples", "preprocessing")
PAIR_TABLES = [f"tables/pairs/{pair}" for pair in PAIRS]
PAIR_FIGURES = [f"figures/pairs/{pair}" for pair in PAIRS]
LAMBDA_FIGURES = [f"figures/lambda/{pair}" for pair in PAIRS] if ENTROPY_WEIGHT_CHOICE == "search" else []
LAMBDA_TABLES = ["tables/lambda"] if ENTROPY_WEIGHT_CHOICE else []
ABLATION_TABLES = ["tables/ablations"] if VARIANTS else []
ABLATION_FIGURES = ["figures/ablations"] if VARIANTS else []


def pair_results(wildcards):
    """Tables and figures of one pair and of the two surveys in it."""
    source, target = wildcards.pair.split("-to-")
    figures = [f"figures/{kind}/{survey}" for kind in SURVEY_FIGURES for survey in (source, target)]
    figures += [f"figures/pairs/{wildcards.pair}", f"figures/learning-curves/{source}"]
    figures += [f"figures/lambda/{wildcards.pair}"] if ENTROPY_WEIGHT_CHOICE == "search" else []
    return (
        with_suffixes(figures, ["pdf", "png"])
        + with_suffixes([f"tables/pairs/{wildcards.pair}"], ["csv", "md", "tex"])
        + diagnostics_of([wildcards.pair] if wildcards.pair in DIAGNOSED else [])
    )


# simulated numbers are never shown beside the published ones
BESIDE_PUBLISHED = [] if SIMULATED else ["beside-published"]
DECISION_TABLES = [f"tables/{name}" for name in ("claims", "table-26", "table-27", "published-decisions")]

TABLES = ["<results>/tables/runs.csv", "<results>/tables/significance.csv"] + with_suffixes(
    [
        "tables/overview",
        "tables/network",
        "tables/table-1",
        *DECISION_TABLES,
        *[f"tables/{name}" for name in BESIDE_PUBLISHED],
        *LAMBDA_TABLES,
        *ABLATION_TABLES,
        *PAIR_TABLES,
    ],
    ["csv", "md", "tex"],
)
FIGURES = with_suffixes(
    [
        "figures/table-1",
        *[f"figures/{name}" for name in BESIDE_PUBLISHED],
        "figures/all-pairs",
        *[f"figures/{kind}/{survey}" for kind in SURVEY_FIGURES for survey in SURVEYS],
        *[f"figures/learning-curves/{source}" for source in SOURCES],
        *PAIR_FIGURES,
        *LAMBDA_FIGURES,
        *ABLATION_FIGURES,
    ],
    ["pdf", "png"],
)


# ---- what a rule need not say -----------------------------------------------------------------------------

# packages from which a job picks a module by name, by the parameter that names it
PICKED = {"method": "methods", "architecture": "networks", "reader": "surveys"}


def code_of(made):
    """Digest of what a script imports, and of the modules that parameters of its rule pick by name."""
    script = PACKAGE_ROOT / "scripts" / Path(made.script).name
    named = {made.params[name]: package for name, package in PICKED.items() if name in made.params.keys()}

    def code(wildcards):
        chosen = [(package, name(wildcards) if callable(name) else name) for name, package in named.items()]
        return script_digest(script, *(f"{package}.{name}" for package, name in chosen))

    return code


def complete(made):
    """Give a rule with a script its log, benchmark, environment and digest of code."""
    product = str(made.output[0])
    names = sorted(made.wildcard_names, key=lambda name: product.index(f"{{{name}"))
    place = Path(made.name, *(f"{{{name}}}" for name in names))
    made.log_modifier = made.benchmark_modifier = made.output_modifier
    made.set_log(f"<logs>/{place}.log")
    made.benchmark = f"<benchmarks>/{place}.tsv"
    made.conda_env = str(PACKAGE_ROOT.parent / "envs" / "stampshift.yaml")
    made.set_params(code=code_of(made))
