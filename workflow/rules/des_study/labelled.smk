"""Where the second study's features and labels come from. No rules."""

DES_RELABELS = DES_STUDY["relabels"]
FOREST_FEATURES = {"forest": "features", "forest_of_stamps": "stamp-features"}
CANDIDATES = "<results>/des_study/search/candidates.parquet"


def forest_features(wildcards):
    return f"<results>/des_study/{FOREST_FEATURES[wildcards.forest]}.parquet"


def forest_splits(wildcards):
    return f"<results>/des_study/splits/{wildcards.trained.split('/')[0]}.npz"


def forest_labels(wildcards):
    """File of corrected labels, in a list that is empty where the archive's are trained on."""
    return ["<results>/des_study/labels.parquet"] if wildcards.trained == "second/new" else []


def existing(path):
    """A file that people make, in a list; empty until it is there: the job that needs it says how to make it."""
    return [path] if Path(path).exists() else []


def relabel_file(wildcards):
    return [] if DES_RELABELS["origin"] == "planted" else existing(DES_RELABELS["path"])


def reviewed_candidates(wildcards):
    """The candidates, in a list, where the truth of them is asked for, or people have yet to look at them."""
    unreviewed = DES_RELABELS["origin"] == "review" and not existing(DES_RELABELS["path"])
    return [CANDIDATES] if unreviewed or DES_RELABELS["origin"] == "planted" else []


def planted_archive(wildcards):
    """The archive in which wrong labels were planted, in a list."""
    section = survey_section(DES_SURVEY)
    planted = survey_simulated(DES_SURVEY) and "flipped" in section["simulate"]
    return raw_archive(DES_SURVEY) if planted else []


def votes_file(wildcards):
    return existing(NEW_SURVEY["votes"]["path"]) if NEW_SURVEY["votes"]["origin"] == "path" else []
