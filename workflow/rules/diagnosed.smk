"""Which runs the diagnostics of a pair compare, and their files. No rules."""

from stampshift.tables.wording import trained_name

DIAGNOSTICS = config["diagnostics"]
SNR_SURVEYS = EXPERIMENT.surveys_with_snr
SNR_PAIRS = [pair for pair in PAIRS if {*pair.split("-to-")} & {*SNR_SURVEYS}]
DIAGNOSED_SECTIONS = numbered_sections(
    {"curves": True, "scores": True, "calibration": True, "classes": True, "S/N": SNR_PAIRS}
    | {"retention": True, "errors": True, "shift": True}
)


def few_and_many(wildcards, shots=(LABELLED_SHOTS[0], LABELLED_SHOTS[-1])):
    """A pair's baseline on both surveys, and every method with the fewest and the most shots."""
    pair = Pair.parse(wildcards.pair)
    runs = [Run(BASELINE, pair.source, to, 0, seed) for to in (pair.target, None) for seed in SEEDS]
    return runs + [
        Run(method, pair.source, pair.target, per_class, seed)
        for method in METHODS
        for per_class in sorted({*shots})
        for seed in SEEDS
    ]


def many(wildcards):
    """Those with the most shots alone."""
    return few_and_many(wildcards, LABELLED_SHOTS[-1:])


def gallery(wildcards):
    """Runs whose worst errors a pair's gallery shows: of one method, with the most shots."""
    return [run for run in many(wildcards) if run.method == DIAGNOSTICS["errors"]["method"]]


def of_first_split(wildcards):
    """Models whose features are compared: the baseline and every method with the most shots, of one split."""
    own = Run(BASELINE, Pair.parse(wildcards.pair).source, None, 0, SEEDS[0])
    return [own, *(run for run in many(wildcards) if run.seed == SEEDS[0] and run.method != BASELINE)]


def own(wildcards):
    return [Run(BASELINE, wildcards.source, None, 0, seed) for seed in SEEDS]


def files_of(runs, name):
    """One of the files of each of some runs."""
    return lambda wildcards: run_files(runs(wildcards), name)


def listed(runs):
    """Some runs as a parameter."""
    return lambda wildcards: [vars(run) for run in runs(wildcards)]


def calibrations(wildcards):
    """Temperatures of every cohort among the runs with the most shots, each file once."""
    return list(dict.fromkeys(map(calibration_file, many(wildcards))))


def calibration_file(run):
    """Temperatures of a run's cohort; a baseline has the same ones on every survey."""
    if run.method == BASELINE:
        return f"<results>/calibration/{BASELINE}/{run.source}.json"
    return f"<results>/calibration/{run.method}/{run.source}-to-{run.target}/shots-{run.shots}.json"


def target_and_source(wildcards):
    pair = Pair.parse(wildcards.pair)
    return [pair.target, pair.source]


def with_snr(wildcards):
    """Target and source, as far as their archives give S/N."""
    return [survey for survey in target_and_source(wildcards) if survey in SNR_SURVEYS]


def for_each(surveys, path):
    """A path with a survey in it, for each of some surveys."""
    return lambda wildcards: expand(path, survey=surveys(wildcards))


def gallery_name(wildcards):
    run = gallery(wildcards)[0]
    return f"{run.source} to {run.target}, {trained_name(run.method, run.shots)}"


def diagnosed(table_or_figure, name, section, what="{pair}", *, of="{pair}", **place):
    """A table or a figure of the diagnostics, of a pair unless it says otherwise."""
    stem = Path(f"{table_or_figure.__name__}s", "diagnostics", name, of)
    return table_or_figure(stem, DIAGNOSED_SECTION, what, subcategory=DIAGNOSED_SECTIONS[section], **place)
