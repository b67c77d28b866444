"""What the rules of the second study share. No rules, no torch."""

from types import SimpleNamespace

DES_STUDY = config["des_study"]
NEW_SURVEY = DES_STUDY["new_survey"]
# what functions of common.smk take for wildcards: there is none in the paths of this study
DES_SURVEY = SimpleNamespace(survey=DES_STUDY["survey"])
NEW_NAME = SimpleNamespace(survey=NEW_SURVEY["survey"]) if NEW_SURVEY else None
DES_FOLDS = range(DES_STUDY["search"]["folds"])


def des_study_archive(wildcards):
    return raw_archive(DES_SURVEY)


def des_study_fractions(wildcards):
    return DES_STUDY["fractions"][wildcards.part]


def des_study_labels(wildcards):
    """File of corrected labels, in a list that is empty where the archive's are trained on."""
    return ["<results>/des_study/labels.parquet"] if wildcards.labels == "new" else []


def des_study_second_folders(wildcards):
    return [f"des_study/second/{wildcards.labels}/{network}" for network in DES_STUDY["networks"]]


def des_study_label_file(wildcards):
    return survey_labels(DES_SURVEY)


def des_study_schemas(wildcards):
    return survey_schemas(DES_SURVEY)


def new_survey_schemas(wildcards):
    return survey_schemas(NEW_NAME)


def new_survey_label_file(wildcards):
    return survey_labels(NEW_NAME)


def new_survey_archive(wildcards):
    return raw_archive(NEW_NAME)
