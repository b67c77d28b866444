"""What the second study reports: its models and parts, and the files of its tables and figures. No rules."""

DES_EVALUATION = DES_STUDY["evaluation"]
DES_ARCHIVE = config["surveys"][DES_STUDY["survey"]]  # the section of the survey
DES_SIMULATED = DES_ARCHIVE["origin"] == "simulate"
DES_PLANTED = DES_SIMULATED and "flipped" in DES_ARCHIVE["simulate"]
DES_NEW_SURVEY = (DES_STUDY["new_survey"] or {}).get("survey")
DES_ANY_SIMULATED = DES_SIMULATED or (
    DES_NEW_SURVEY is not None and config["surveys"][DES_NEW_SURVEY]["origin"] == "simulate"
)
DES_MODELS = [*DES_STUDY["networks"], *DES_STUDY["forests"]]
DES_BOOTSTRAP = {
    "samples": DES_EVALUATION["bootstrap_samples"],
    "confidence": DES_EVALUATION["confidence"],
    "seed": DES_STUDY["seed"],
}
# what each part shows: its predictions and histories lie here
DES_PARTS = {"first": "first", "second": "second/new"}


def des_part_files(part, models, name):
    return [f"<results>/des_study/{DES_PARTS[part]}/{model}/{name}" for model in models]


def des_predictions(wildcards):
    return des_part_files(wildcards.part, DES_MODELS, "predictions.parquet")


def des_histories(wildcards):
    return des_part_files(wildcards.part, DES_STUDY["networks"], "history.parquet")


def des_part_title(wildcards):
    return f"DES study, {wildcards.part} part"


def des_tables(*names):
    return with_suffixes([f"des_study/tables/{name}" for name in names], ["csv", "md", "tex"])


def des_figures(*names):
    return with_suffixes([f"des_study/figures/{name}" for name in names], ["pdf", "png"])


def des_part_results(part):
    """Tables and figures of one part."""
    tables = ["performance", "confusion", "categories", *(["agreement"] if len(DES_MODELS) > 1 else [])]
    figures = ["curves", "confusion", "scores", "learning-curves"]
    return des_tables(*[f"{name}-{part}" for name in tables]) + des_figures(
        *[f"{name}-{part}" for name in figures]
    )


DES_OF_RELABELLING = des_tables("relabelled", "retraining-gain")
DES_OF_PLANTED_FLIPS = des_tables("search") + des_figures("search") if DES_PLANTED else []
DES_OF_NEW_SURVEY = (
    des_tables("new-survey", "consensus")
    + des_figures("new-survey", "new-survey-scores", "new-survey-learning-curves")
    if DES_NEW_SURVEY
    else []
)
# simulated numbers are never shown beside the published ones
DES_BESIDE_PUBLISHED = [] if DES_SIMULATED else des_tables("beside-published")
DES_PUBLISHED_POINTS = [] if DES_SIMULATED else ["resources/published/des_study_forest_points.csv"]
DES_COMPARED_NEW_SURVEY = (
    []
    if DES_NEW_SURVEY is None or DES_ANY_SIMULATED
    else [f"<results>/des_study/tables/{name}.csv" for name in ("new-survey", "consensus")]
)
