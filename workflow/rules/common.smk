"""What the rules share: the validated experiment, its runs, and the paths of their files. No rules, no torch."""

import os
import sys
from inspect import cleandoc
from pathlib import Path

import yaml
from snakemake.exceptions import WorkflowError
from snakemake.io import contains_wildcard, get_flag_value, strip_wildcard_constraints

PACKAGE_ROOT = Path(str(workflow.current_basedir)).parent
sys.path.insert(0, str(PACKAGE_ROOT))  # the package is found even where it is not installed

from stampshift.core.errors import ArchiveError, ConfigError
from stampshift.tables.wording import METHOD_NAMES, numbered_sections
from stampshift.config.experiment import BASELINE, Pair, Run, check_shots, every_pair
from stampshift.config.configuration import NETWORK_MODULES, read_experiment
from stampshift.core.provenance import listing_digest, offer_package_to_subprocesses, script_digest
from stampshift.config.surveys import label_files, reader_options, schema_files, tolerated_share
from stampshift.simulation import constants_file, expected_counts
from stampshift.training.run_folder import FILES as RUN_FILES, TRANSFER_FILES

offer_package_to_subprocesses()


def constants_of(survey):
    """File of a survey's constants, relative to here: a checkout that was moved has the same inputs."""
    return os.path.relpath(constants_file(survey))


def load_experiment():
    """The experiment, or one sentence about what is wrong with the configuration."""
    try:
        experiment = read_experiment(config)
        for survey, section in config["surveys"].items():
            counts = expected_counts(section, constants=constants_file(survey))
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
# what the paper asks is of pairs of two surveys; where there is none, of the others
OF_TWO_SURVEYS = [str(pair) for pair in EXPERIMENT.pairs if pair.source in SURVEYS] or PAIRS
SEEDS = list(EXPERIMENT.seeds)
SHOTS = list(EXPERIMENT.shots)
LABELLED_SHOTS = [shots for shots in SHOTS if shots]
# an overlay's keys come before those of config.yaml: tables and figures keep one order
METHODS = sorted(EXPERIMENT.methods, key=lambda name: [*METHOD_NAMES, name].index(name))
SEVERAL = list(EXPERIMENT.sources)  # sources of several surveys
SOURCES = list(dict.fromkeys(pair.source for pair in EXPERIMENT.pairs))
GENERALISTS = [name for name in SOURCES if name in SEVERAL]
NAMED = SURVEYS if GENERALISTS != SOURCES else SURVEYS + SEVERAL  # in figures of all pairs
SIMULATED = EXPERIMENT.simulated
DOWNLOADED = [survey for survey, section in config["surveys"].items() if section["origin"] == "url"]
SECTIONS = EXPERIMENT.sections  # of the methods and of their variants, by name
VARIANTS = list(EXPERIMENT.variants)
VARIANT_NAMES = {name: SECTIONS[name].label for name in VARIANTS}
ZERO_LABEL = list(EXPERIMENT.zero_label_methods)  # they run with 0 shots alone
WITHOUT_LABELS = sorted(
    (name for name in SECTIONS if 0 in EXPERIMENT.shots_of(name)), key=[*METHOD_NAMES, *VARIANTS].index
)
ENTROPY_WEIGHT_CHOICE = (SECTIONS["mme"].search or {}).get("choice") if "mme" in SECTIONS else None
# variants with the weights of the thesis
PUBLISHED_WEIGHTS = [name for name in VARIANTS if (SECTIONS[name].search or {}).get("choice") == "published"]
OWN_WEIGHTS = [name for name in VARIANTS if name not in PUBLISHED_WEIGHTS]  # as far as they search any
COMPARED_NETWORKS = config.get("compared_networks", [])  # beside the network of the study
ARCHITECTURE = NETWORK_MODULES[config["network"]]
EXECUTION = config["execution"]
GPUS = 0 if EXECUTION["device"] == "cpu" else 1  # for a job that runs a network
ANSWERS = ["specialists", "new-survey", "adapted", "kept"]  # to questions on sources of several surveys
PUBLISHED_ACCURACY = "resources/published/published_balanced_accuracy.csv"


wildcard_constraints:
    survey="|".join(SURVEYS),
    source="|".join(SURVEYS + SEVERAL),
    target="|".join(SURVEYS),
    pair="|".join(f"{source}-to-{target}" for source, target in every_pair(SURVEYS, SEVERAL)),
    method="|".join(SECTIONS),
    variant="|".join(VARIANTS),
    shots="|".join(map(str, SHOTS)),
    seed="[0-9]+",


# ---- raw archives, of surveys by name ---------------------------------------------------------------------


def of_survey(find, survey=None):
    """What `find` gives for the survey that the wildcards name, or for the one named here."""
    return lambda wildcards: find(survey or wildcards.get("survey") or wildcards.source)


def reading(survey=None):
    """Parameters of a job that reads a survey's archive."""
    section = {key: of_survey(in_section(key), survey) for key in ("reader", "classes", "invalid")}
    options = of_survey(lambda name: reader_options(config["surveys"][name]), survey)
    tolerated = of_survey(lambda name: tolerated_share(config["surveys"][name]), survey)
    given = {"survey": of_survey(str, survey), "options": options, "tolerated": tolerated}
    return {**given, **section, **places(survey)}


def places(survey=None):
    """Where a survey's archive is, and a digest of the listing of the files that people put there.

    Of an input Snakemake sees neither a file deep within a folder, nor that an older one replaced it.
    """

    def listing(name):
        section = config["surveys"][name]
        archive = raw_archive(name) if section["origin"] == "path" else []
        if archive and section["reader"] == "table":
            archive += named_by_tables(archive, section)
        return listing_digest([*archive, *labels_of_archive(name), *schemas_of_archive(name)])

    return {"archive": of_survey(raw_archive, survey), "listing": of_survey(listing, survey)}


def named_by_tables(archive, section):
    """Files with the content of tables, which may lie outside their folder; none if the tables cannot be read."""
    from stampshift.surveys.table import content_files  # it takes a second

    try:
        return content_files([Path(path) for path in archive], options=reader_options(section))
    except ArchiveError:  # the job says what is wrong
        return []


def archive(survey=None):
    """Inputs of a job that reads a survey's archive."""
    files = {"archive": raw_archive, "labels": labels_of_archive, "schemas": schemas_of_archive}
    return {
        name: of_survey(lambda name, find=find: inputs(find(name)), survey) for name, find in files.items()
    }


def inputs(paths):
    """Those of some paths that may be inputs: Snakemake would take braces in one for a wildcard."""
    return [path for path in paths if not contains_wildcard(path)]


def in_section(key):
    return lambda survey: config["surveys"][survey][key]


def is_simulated(survey):
    return config["surveys"][survey]["origin"] == "simulate"


def labels_of_archive(survey):
    """File of the labels that the archive does not hold, in a list that is empty where there is none."""
    section = config["surveys"][survey]
    missing = [path for path in label_files(section) if not Path(path).exists()]
    if missing:
        raise WorkflowError(
            f"{survey}: the label file {missing[0]} does not exist; it is the config's "
            f"surveys.{survey}.{section['reader']}.labels. Put it there, or correct the path."
        )
    return label_files(section)


def schemas_of_archive(survey):
    """Files of the schemas that the archive's packets come without, in a list that is empty where there are none."""
    try:
        return schema_files(config["surveys"][survey])
    except ConfigError as error:
        raise WorkflowError(f"config: surveys.{survey}.{error}") from None


def archive_address(wildcards):
    """Address of one file of an archive, by its name."""
    addresses = {Path(url).name: url for url in config["surveys"][wildcards.survey]["url"]}
    return addresses[wildcards.archive]


def raw_archive(survey):
    """Files or folder of a survey's raw archive, in a list."""
    section = config["surveys"][survey]
    if section["origin"] == "url":
        return [f"resources/raw/{survey}/{Path(url).name}" for url in section["url"]]
    if section["origin"] == "simulate":
        drawn = section["simulate"]
        name = f"{survey}-{drawn['stamps']}-seed-{drawn['seed']}"
        if "flipped" in drawn:
            name += f"-flipped-{drawn['flipped']}-by-{drawn.get('flipped_by', 'cause')}"
        name += "-hdus" if drawn.get("hdus") else ""
        name += "-packets" if section["reader"] == "packets" else ""
        return [f"resources/raw/simulated/{name}"]
    if not Path(section["path"]).exists():
        # no error of Snakemake, which would put a traceback of its own around the sentence
        sys.exit(without_archive(survey))
    return [section["path"]]


def without_archive(survey):
    """What to do about a survey's archive that is not there; others of the configuration are named too."""
    paths = {name: each["path"] for name, each in config["surveys"].items() if each["origin"] == "path"}
    absent = {name: path for name, path in paths.items() if not Path(path).exists()}
    known = constants_file(survey)
    files = yaml.safe_load(known.read_text()).get("archive_files") if known.exists() else None
    sentence = (
        f"{survey}: there is nothing at {absent.pop(survey)}, where the config's surveys.{survey}.path "
        f"expects the raw archive{f' ({files})' if files else ''}. Put it there (docs/running.md, "
        "'The archives'), change the path, or set origin to 'simulate'."
    )
    others = ", ".join(f"that of {name} at {path}" for name, path in absent.items())
    return f"\n{sentence}" + (f" Not there either: {others}." if others else "")


def archive_origin(survey):
    """Where a survey's stamps come from, for their file's attributes."""
    section = config["surveys"][survey]
    return {section["origin"]: section[section["origin"]]}


def growing(**first):
    """Memory in MB or minutes of a job: what its first attempt asks for, doubled with every retry."""
    return {name: lambda wildcards, attempt, one=one: one * 2 ** (attempt - 1) for name, one in first.items()}


# ---- runs -------------------------------------------------------------------------------------------------


def each_seed(path, **others):
    """A path with a seed in it, for every seed; other wildcards stay."""
    return expand(path, seed=SEEDS, **others, allow_missing=True)


def run_files(runs, name):
    return [f"<results>/{run.folder}/{name}" for run in runs]


def surveys_of_source(wildcards):
    """Surveys that a source consists of: itself, or those of a source of several."""
    return list(EXPERIMENT.surveys_of(wildcards.source))


def of_source(path, **others):
    """A path with a survey in it, for each survey of the source, with every value of other wildcards."""
    return lambda wildcards: expand(path, survey=surveys_of_source(wildcards), **others)


def source_and_target(wildcards):
    """Surveys of the source and, at last, the target, which is another one than a source that is a survey."""
    if wildcards.source == wildcards.target:
        raise WorkflowError(
            f"{wildcards.source}-to-{wildcards.target} has the same survey as source and target."
        )
    return [*surveys_of_source(wildcards), wildcards.target]


def of_pair(path, **others):
    """A path with a survey in it, for each survey of the source and for the target, as `of_source`."""
    return lambda wildcards: expand(path, survey=source_and_target(wildcards), **others)


def target_stamps(wildcards):
    return f"<results>/stamps/{source_and_target(wildcards)[-1]}.h5"


def searched(key):
    """A field of the section whose entropy weight is searched: a variant's, or that of MME."""

    def found(wildcards):
        name = wildcards.get("variant", "mme")
        if name not in SECTIONS or SECTIONS[name].search is None:
            raise WorkflowError(f"methods.{name} searches no entropy weight in this configuration.")
        return getattr(SECTIONS[name], key)

    return found


def of_search(path):
    """A path with a seed in it, that of the search; with a survey in it, for those of the source and the target."""

    def paths(wildcards):
        surveys = source_and_target(wildcards) if "{survey}" in path else ""
        return expand(path, **wildcards, survey=surveys, seed=searched("search")(wildcards)["seed"])

    return paths


def trained(key):
    """A field of the section of a method or of a variant."""
    return lambda wildcards: getattr(SECTIONS[wildcards.method], key)


def chosen_entropy_weight(wildcards):
    """File with the pair's entropy weight, in a list that is empty where none is chosen."""
    section = SECTIONS[wildcards.method]
    if section.weights_of is None:
        return []
    folder = f"{section.weights_of}/" if SECTIONS[section.weights_of].is_variant else ""
    return [f"<results>/lambda/{folder}{wildcards.source}-to-{wildcards.target}.json"]


def pair_metrics(wildcards):
    """Metrics of every run that a pair's table and figure show: no variants."""
    pair = Pair.parse(wildcards.pair)
    every = [*EXPERIMENT.baseline_runs(), *EXPERIMENT.transfers(), *EXPERIMENT.adaptations()]
    of_source = [run for run in every if run.source == pair.source and run.method in (BASELINE, *METHODS)]
    return run_files([run for run in of_source if run.target in (None, pair.target)], "metrics.json")


# ---- tables and figures, and the report -------------------------------------------------------------------

# the report's menu in the order of reading, and whether this experiment has anything for a section
MAIN_SECTIONS = {
    "Claims": True,
    "Surveys": True,
    "Balanced accuracy": True,
    "Several sources": GENERALISTS,
    "Adaptation by pair": PAIRS,
    "Entropy weight": ENTROPY_WEIGHT_CHOICE,
    "Ablations": VARIANTS,
    "Training": True,
}
DIAGNOSED_SECTION, DES_SECTION = "Diagnostics", "DES study"  # the second study has a report of its own
REPORT_SECTIONS = numbered_sections(MAIN_SECTIONS | {DIAGNOSED_SECTION: DIAGNOSED}) | {
    DES_SECTION: DES_SECTION
}


def table(stem, section, what, *, kind="table", **place):
    """Files of a table, the first of them in the report."""
    shown_file = in_report(f"<results>/{stem}.csv", section, what, kind=kind, **place)
    return [shown_file, f"<results>/{stem}.md", f"<results>/{stem}.tex"]


def figure(stem, section, what, *, kind="figure", **place):
    """Files of a figure, the last of them in the report."""
    return [f"<results>/{stem}.pdf", in_report(f"<results>/{stem}.png", section, what, kind=kind, **place)]


def several(table_or_figure, name, what, *, caption="generalist"):
    """A table or a figure of sources of several surveys."""
    stem = Path(f"{table_or_figure.__name__}s", "generalist", name)
    return table_or_figure(stem, "Several sources", what, caption=caption)


def in_report(path, section, what, *, kind="table", subcategory=None, caption="caption"):
    """A file in the report: its place in the menu, and its caption, that of the rule's docstring unless named."""
    labels = {"what": what} | ({"kind": kind} if kind else {})
    place = {"category": REPORT_SECTIONS[section], "subcategory": subcategory, "labels": labels}
    return report(path, caption=f"../report/{caption}.rst", **place)


def shown(sections, **values):
    """Files of the rules that the report shows in some sections, for every value of their wildcards."""
    categories = [REPORT_SECTIONS[section] for section in sections]
    return [
        file
        for made in workflow.rules
        if made.wildcard_names <= values.keys()
        and any(get_flag_value(output, "report").category in categories for output in reported(made))
        for output in made.output
        for file in expand(
            strip_wildcard_constraints(output), **{name: values[name] for name in made.wildcard_names}
        )
        if output.match(file)
    ]


def reported(made):
    return [output for output in made.output if get_flag_value(output, "report")]


def everything(wildcards):
    """Every table and figure of the experiment, and the diagnostics of some of its pairs."""
    diagnosed = list(dict.fromkeys(pair.source for pair in EXPERIMENT.diagnosed))
    diagnostics = shown([DIAGNOSED_SECTION], pair=DIAGNOSED, source=diagnosed) if DIAGNOSED else []
    return shown(MAIN_SECTIONS, pair=PAIRS, survey=SURVEYS, source=SOURCES) + diagnostics


def pair_results(wildcards):
    """Tables and figures of one pair and of the two surveys in it."""
    pair = Pair.parse(wildcards.pair)
    values = {"pair": [str(pair)], "source": [pair.source]}
    found = shown(MAIN_SECTIONS, **values, survey=list(EXPERIMENT.surveys_in(pair)))
    found += shown([DIAGNOSED_SECTION], **values) if str(pair) in DIAGNOSED else []
    of_all_pairs = shown([*MAIN_SECTIONS, DIAGNOSED_SECTION])
    return [file for file in found if file not in of_all_pairs]


# ---- what every rule is given -----------------------------------------------------------------------------

# packages from which a job picks a module by name, by the parameter that names it
PICKED = {"method": "methods.", "architecture": "networks.", "reader": "surveys.", "function": ""}


def code_of(made):
    """Digest of what a script imports, and of the modules that parameters of its rule pick by name."""
    script = PACKAGE_ROOT / "scripts" / Path(made.script).name
    picked = {made.params[name]: package for name, package in PICKED.items() if name in made.params.keys()}

    def code(wildcards):
        names = [package + (name(wildcards) if callable(name) else name) for name, package in picked.items()]
        return script_digest(script, *(name.partition(":")[0] for name in names))

    return code


def complete(made):
    """Give a rule with a script its log, benchmark, environment, digest of code, caption and place."""
    product = str(made.output[0])
    names = sorted(made.wildcard_names, key=lambda name: product.index(f"{{{name}"))
    place = Path(made.name, *(f"{{{name}}}" for name in names))
    made.log_modifier = made.benchmark_modifier = made.output_modifier
    made.set_log(f"<logs>/{place}.log")
    made.benchmark = f"<benchmarks>/{place}.tsv"
    made.conda_env = str(PACKAGE_ROOT.parent / "envs" / "stampshift.yaml")
    made.set_params(code=code_of(made))
    if reported(made):
        made.set_params(simulated=made.params.get("simulated", SIMULATED))
        given = workflow.resource_settings._parsed_default_resources.get("runtime")
        if made.resources.get("runtime") == given:  # a light job runs where the workflow runs
            workflow.localrules(made.name)
    if "function" in made.params.keys():
        made.set_params(caption=cleandoc(made.docstring))
