"""What the rules of the second study share: its survey, its parts and models, and where its labels come from."""

DES_STUDY = config["des_study"]
DES_SURVEY = DES_STUDY["survey"]
DES_SIMULATED = is_simulated(DES_SURVEY)
DES_PLANTED = DES_SIMULATED and "flipped" in config["surveys"][DES_SURVEY]["simulate"]
NEW_SURVEY = DES_STUDY["new_survey"]
NEW_NAME = NEW_SURVEY["survey"] if NEW_SURVEY else None
NEW_START = NEW_SURVEY.get("start", "second/new") if NEW_SURVEY else None
DES_ANY_SIMULATED = DES_SIMULATED or bool(NEW_SURVEY and is_simulated(NEW_NAME))
DES_NETWORKS = DES_STUDY["networks"]
DES_MODELS = [*DES_NETWORKS, *DES_STUDY["forests"]]
DES_SEARCHED = DES_STUDY["search"]["networks"] or DES_NETWORKS
DES_FOLDS = range(DES_STUDY["search"]["folds"])
DES_EVALUATION = DES_STUDY["evaluation"]
DES_BOOTSTRAP = {
    "samples": DES_EVALUATION["bootstrap_samples"],
    "confidence": DES_EVALUATION["confidence"],
    "seed": DES_STUDY["seed"],
}
DES_JUDGED = {"models": DES_MODELS, "survey": DES_SURVEY, "simulated": DES_SIMULATED}
DES_PARTS = {"first": "first", "second": "second/new"}  # with the folder of its predictions and histories
DES_TRAINED = "first|second/old|second/new"  # folders of models, by their splits and the labels that they see
DES_RELABELS = DES_STUDY["relabels"]
CANDIDATES = "<results>/des_study/search/candidates.parquet"
CORRECTED = "<results>/des_study/labels.parquet"
DES_SECTIONS = numbered_sections(
    {"stamps": True, "performance": True, "training": True, "categories": True, "relabelling": True}
    | {"new survey": NEW_SURVEY, "published": not DES_SIMULATED}
)
# sections of the report whose tables are no counterparts of their figures
UNPAIRED = ("performance", "training", "new survey")


def des_table(stem, *place):
    return table(f"des_study/tables/{stem}", **des_place(stem, *place))


def des_figure(stem, *place):
    return figure(f"des_study/figures/{stem}", **des_place(stem, *place))


def des_place(stem, section, what, caption=None):
    """Place of a file in the report; its caption's file has the name of its stem, unless another is named."""
    named = stem.removesuffix("-{part}").replace("-", "_")
    place = {
        "section": DES_SECTION,
        "subcategory": DES_SECTIONS[section],
        "what": what,
        "caption": caption or f"des_{named}",
    }
    return place | ({"kind": None} if section in UNPAIRED else {})


def des_splits(wildcards):
    """Splits of the models in a folder, in a list."""
    return [f"<results>/des_study/splits/{wildcards.trained.split('/')[0]}.npz"]


def des_labels(wildcards):
    """File of the labels that the models in a folder see, in a list that is empty where they are the archive's."""
    return [CORRECTED] if wildcards.trained == "second/new" else []


def des_part_files(models, name):
    """A file of each model of the part that the wildcards name."""
    return lambda wildcards: [
        f"<results>/des_study/{DES_PARTS[wildcards.part]}/{model}/{name}" for model in models
    ]


def existing(path):
    """A file that people make, in a list; empty until it is there: the job that needs it says how to make it."""
    return [path] if Path(path).exists() else []
