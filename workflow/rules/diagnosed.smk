"""What the diagnostics' rules share: which runs a pair's diagnostics compare, and their files. No rules."""

from stampshift.tables.wording import trained_name

DIAGNOSTICS = config["diagnostics"]
PAIR_DIAGNOSTICS = ("curves", "scores", "reliability", "classes", "errors", "embedding")
SNR_SURVEYS = EXPERIMENT.surveys_with_snr
SNR_PAIRS = [pair for pair in PAIRS if {*pair.split("-to-")} & {*SNR_SURVEYS}]


def calibration_file(run):
    """Temperatures of a run's cohort; a baseline has the same ones on every survey."""
    if run.method == BASELINE:
        return f"<results>/calibration/{BASELINE}/{run.source}.json"
    return f"<results>/calibration/{run.method}/{run.source}-to-{run.target}/shots-{run.shots}.json"


def pair_runs(wildcards, shots):
    """Runs that a pair's diagnostics compare: its baseline on both surveys, and every method by shots."""
    pair = Pair.parse(wildcards.pair)
    runs = [Run(BASELINE, pair.source, to, 0, seed) for to in (pair.target, None) for seed in SEEDS]
    return runs + [
        Run(method, pair.source, pair.target, per_class, seed)
        for method in METHODS
        for per_class in shots
        for seed in SEEDS
    ]


def few_and_many_runs(wildcards):
    return pair_runs(wildcards, sorted({SHOTS[0], SHOTS[-1]}))


def many_shots_runs(wildcards):
    return pair_runs(wildcards, SHOTS[-1:])


def few_and_many_predictions(wildcards):
    return run_files(few_and_many_runs(wildcards), ["predictions.parquet"])


def many_shots_predictions(wildcards):
    return run_files(many_shots_runs(wildcards), ["predictions.parquet"])


def few_and_many_models(wildcards):
    return [vars(run) for run in few_and_many_runs(wildcards)]


def many_shots_models(wildcards):
    return [vars(run) for run in many_shots_runs(wildcards)]


def many_shots_calibrations(wildcards):
    """Temperatures of every cohort among the runs with the most shots, each file once."""
    return list(dict.fromkeys(map(calibration_file, many_shots_runs(wildcards))))


def target_and_source(wildcards):
    pair = Pair.parse(wildcards.pair)
    return [pair.target, pair.source]


def target_and_source_stamps(wildcards):
    return [f"<results>/stamps/{survey}.h5" for survey in target_and_source(wildcards)]


def snr_surveys(wildcards):
    """Target and source, as far as their archives give S/N."""
    return [survey for survey in target_and_source(wildcards) if survey in SNR_SURVEYS]


def snr_stamps(wildcards):
    return [f"<results>/stamps/{survey}.h5" for survey in snr_surveys(wildcards)]


def snr_ratios(wildcards):
    return [f"<results>/tables/snr/{survey}.parquet" for survey in snr_surveys(wildcards)]


def gallery_runs(wildcards):
    """Runs whose worst errors a pair's gallery shows: of one method, with the most shots."""
    method = DIAGNOSTICS["errors"]["method"]
    return [run for run in many_shots_runs(wildcards) if run.method == method]


def gallery_predictions(wildcards):
    return run_files(gallery_runs(wildcards), ["predictions.parquet"])


def gallery_models(wildcards):
    return [vars(run) for run in gallery_runs(wildcards)]


def gallery_name(wildcards):
    run = gallery_runs(wildcards)[0]
    return f"{run.source} to {run.target}, {trained_name(run.method, run.shots)}"


def gallery_stamps(wildcards):
    return f"<results>/stamps/{Pair.parse(wildcards.pair).target}.h5"


def first_split_runs(wildcards):
    """Models whose features are compared: the baseline and every method with the most shots, of one split."""
    runs = [run for run in many_shots_runs(wildcards) if run.seed == SEEDS[0]]
    own = Run(BASELINE, Pair.parse(wildcards.pair).source, None, 0, SEEDS[0])
    return [own, *(run for run in runs if run.method != BASELINE)]


def first_split_models(wildcards):
    return [vars(run) for run in first_split_runs(wildcards)]


def first_split_model_files(wildcards):
    return run_files(first_split_runs(wildcards), ["model.pt"])


def target_and_source_first_splits(wildcards):
    return [f"<results>/splits/{survey}/seed-{SEEDS[0]}.npz" for survey in target_and_source(wildcards)]


def own_models(wildcards):
    return [vars(Run(BASELINE, wildcards.survey, None, 0, seed)) for seed in SEEDS]


def own_survey(wildcards):
    return [wildcards.survey]


def diagnostics_of(pairs):
    """Figures of the diagnostics of some pairs and of the baselines of their sources; tables come with them."""
    stems = [f"{kind}/{pair}" for kind in PAIR_DIAGNOSTICS for pair in pairs]
    stems += [f"snr/{pair}" for pair in pairs if pair in SNR_PAIRS]
    stems += [f"errors/{source}" for source in dict.fromkeys(Pair.parse(pair).source for pair in pairs)]
    return with_suffixes([f"figures/diagnostics/{stem}" for stem in stems], ["pdf", "png"])


OVERALL_DIAGNOSTICS = []
if DIAGNOSED:
    OVERALL_DIAGNOSTICS = with_suffixes(["tables/diagnostics/shift"], ["csv", "md", "tex"])
    OVERALL_DIAGNOSTICS += with_suffixes(["figures/diagnostics/retention"], ["pdf", "png"])
