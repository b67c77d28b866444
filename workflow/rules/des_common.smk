"""What the rules of the second study share: its survey, its parts and models, and where its labels come from."""

DES_CATEGORY = "DES study"
DES_STUDY = config["des_study"]
DES_SURVEY = DES_STUDY["survey"]
DES_SIMULATED = is_simulated(DES_SURVEY)
DES_PLANTED = DES_SIMULATED and "flipped" in config["surveys"][DES_SURVEY]["simulate"]
NEW_SURVEY = DES_STUDY["new_survey"]
NEW_NAME = NEW_SURVEY["survey"] if NEW_SURVEY else None
DES_ANY_SIMULATED = DES_SIMULATED or bool(NEW_SURVEY and is_simulated(NEW_NAME))
DES_NETWORKS = DES_STUDY["networks"]
DES_MODELS = [*DES_NETWORKS, *DES_STUDY["forests"]]
DES_FOLDS = range(DES_STUDY["search"]["folds"])
DES_EVALUATION = DES_STUDY["evaluation"]
DES_BOOTSTRAP = {
    "samples": DES_EVALUATION["bootstrap_samples"],
    "confidence": DES_EVALUATION["confidence"],
    "seed": DES_STUDY["seed"],
}
# what each part shows: its predictions and histories lie here
DES_PARTS = {"first": "first", "second": "second/new"}
DES_RELABELS = DES_STUDY["relabels"]
FOREST_FEATURES = {"forest": "features", "forest_of_stamps": "stamp-features"}
CANDIDATES = "<results>/des_study/search/candidates.parquet"
CORRECTED = "<results>/des_study/labels.parquet"


def des_study_results(wildcards):
    """Every table and figure of the second study."""
    return shown([DES_CATEGORY], part=DES_PARTS)


def des_table(name, subcategory, **place):
    return table(f"des_study/tables/{name}", category=DES_CATEGORY, subcategory=subcategory, **place)


def des_figure(name, subcategory, **place):
    return figure(f"des_study/figures/{name}", category=DES_CATEGORY, subcategory=subcategory, **place)


def des_part_files(models, name):
    """A file of each model of the part that the wildcards name."""

    def found(wildcards):
        return [f"<results>/des_study/{DES_PARTS[wildcards.part]}/{model}/{name}" for model in models]

    return found


def des_study_fractions(wildcards):
    return DES_STUDY["fractions"][wildcards.part]


def des_study_second_folders(wildcards):
    return [f"des_study/second/{wildcards.labels}/{network}" for network in DES_NETWORKS]


# ---- labels, in lists that are empty where the archive's are trained on -----------------------------------


def network_labels(wildcards):
    return [CORRECTED] if wildcards.labels == "new" else []


def forest_labels(wildcards):
    return [CORRECTED] if wildcards.trained == "second/new" else []


def forest_features(wildcards):
    return f"<results>/des_study/{FOREST_FEATURES[wildcards.forest]}.parquet"


def forest_splits(wildcards):
    return f"<results>/des_study/splits/{wildcards.trained.split('/')[0]}.npz"


def existing(path):
    """A file that people make, in a list; empty until it is there: the job that needs it says how to make it."""
    return [path] if Path(path).exists() else []


def relabel_file(wildcards):
    return [] if DES_RELABELS["origin"] == "planted" else existing(DES_RELABELS["path"])


def reviewed_candidates(wildcards):
    """The candidates, in a list, where the truth of them is asked for, or people have yet to look at them."""
    unreviewed = DES_RELABELS["origin"] == "review" and not existing(DES_RELABELS["path"])
    return [CANDIDATES] if unreviewed or DES_RELABELS["origin"] == "planted" else []


def votes_file(wildcards):
    return existing(NEW_SURVEY["votes"]["path"]) if NEW_SURVEY["votes"]["origin"] == "path" else []
