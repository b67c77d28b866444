"""The second study: features, forests, the search for mislabelled stamps, corrected labels, votes."""

from types import SimpleNamespace

from stampshift.label_settings import check_labels

try:
    check_labels(config)
except ConfigError as error:
    raise WorkflowError(str(error)) from None

DES_STUDY = config["des_study"]
NEW_SURVEY = DES_STUDY["new_survey"]
DES_SURVEY = SimpleNamespace(survey=DES_STUDY["survey"])
DES_FOLDS = range(DES_STUDY["search"]["folds"])
DES_RELABELS = DES_STUDY["relabels"]
FOREST_FEATURES = {"forest": "features", "forest_of_stamps": "stamp-features"}
CANDIDATES = "<results>/des_study/search/candidates.parquet"


def des_study_archive(wildcards):
    return raw_archive(DES_SURVEY)


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


rule des_study_features:
    """The 38 features of the archive's table."""
    input:
        archive=des_study_archive,
    output:
        "<results>/des_study/features.parquet",
    log:
        "<logs>/des_study/features.log",
    conda:
        "../../../envs/stampshift.yaml"
    resources:
        mem_mb=8000,
        runtime=60,
    params:
        reader=survey_reader(DES_SURVEY),
        code=code_digest("surveys.features"),
    script:
        "../../scripts/des_study_features.py"


rule des_study_stamp_features:
    """The 18 of them that are measured on the stamps, for any archive."""
    input:
        archive=des_study_archive,
    output:
        "<results>/des_study/stamp-features.parquet",
    log:
        "<logs>/des_study/stamp-features.log",
    benchmark:
        "<benchmarks>/des_study/stamp-features.tsv"
    conda:
        "../../../envs/stampshift.yaml"
    threads: EXECUTION["preprocessing_threads"]
    resources:
        mem_mb=8000,
        runtime=240,
    params:
        survey=DES_STUDY["survey"],
        reader=survey_reader(DES_SURVEY),
        invalid=survey_invalid(DES_SURVEY),
        code=code_digest("measuring", f"surveys.{survey_reader(DES_SURVEY)}"),
    script:
        "../../scripts/des_study_stamp_features.py"


rule des_study_forest:
    input:
        stamps="<results>/des_study/stamps.h5",
        splits=forest_splits,
        features=forest_features,
        labels=forest_labels,
    output:
        "<results>/des_study/{trained}/{forest}/predictions.parquet",
        "<results>/des_study/{trained}/{forest}/metrics.json",
        "<results>/des_study/{trained}/{forest}/importances.csv",
    log:
        "<logs>/des_study/{trained}/{forest}.log",
    benchmark:
        "<benchmarks>/des_study/{trained}/{forest}.tsv"
    wildcard_constraints:
        trained="first|second/old|second/new",
        forest="|".join(DES_STUDY["forests"]) or "(?!)",
    conda:
        "../../../envs/stampshift.yaml"
    threads: EXECUTION["threads"]
    resources:
        mem_mb=16000,
        runtime=240,
    params:
        settings=DES_STUDY["forest"],
        seed=DES_STUDY["seed"],
        code=code_digest("forest", "label_file"),
    script:
        "../../scripts/des_study_forest.py"


rule des_study_candidates:
    """Stamps that may be mislabelled: categories 1 and 6 of the network that has not seen their labels."""
    input:
        stamps="<results>/des_study/stamps.h5",
        predictions=expand("<results>/des_study/search/fold-{fold}/predictions.parquet", fold=DES_FOLDS),
    output:
        CANDIDATES,
    log:
        "<logs>/des_study/candidates.log",
    conda:
        "../../../envs/stampshift.yaml"
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        bounds=DES_STUDY["evaluation"]["categories"],
        code=code_digest("relabelling.search"),
    script:
        "../../scripts/des_study_candidates.py"


rule des_study_labels:
    """Old and corrected labels of every stamp; without a review this ends with a message how to make one."""
    input:
        stamps="<results>/des_study/stamps.h5",
        relabels=relabel_file,
        candidates=reviewed_candidates,
        planted=planted_archive,
    output:
        "<results>/des_study/labels.parquet",
    log:
        "<logs>/des_study/labels.log",
    conda:
        "../../../envs/stampshift.yaml"
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        origin=DES_RELABELS["origin"],
        path=DES_RELABELS["path"],
        classes=survey_classes(DES_SURVEY),
        results=f"{RESULTS}/des_study",
        code=code_digest("relabelling.labels"),
    script:
        "../../scripts/des_study_labels.py"


if NEW_SURVEY:

    rule des_study_votes:
        """Who says what of a new survey's candidates; people's votes are read, or raters simulated."""
        input:
            stamps="<results>/des_study/new-survey/stamps.h5",
            votes=votes_file,
        output:
            "<results>/des_study/new-survey/votes.csv",
        log:
            "<logs>/des_study/new-survey/votes.log",
        conda:
            "../../../envs/stampshift.yaml"
        resources:
            mem_mb=4000,
            runtime=60,
        params:
            votes=NEW_SURVEY["votes"],
            code=code_digest("relabelling.new_survey"),
        script:
            "../../scripts/des_study_votes.py"

    rule des_study_voted_labels:
        """Labels of the candidates with a majority; the others have none."""
        input:
            stamps="<results>/des_study/new-survey/stamps.h5",
            votes="<results>/des_study/new-survey/votes.csv",
        output:
            labels="<results>/des_study/new-survey/labels.parquet",
            agreement="<results>/des_study/new-survey/agreement.json",
        log:
            "<logs>/des_study/new-survey/labels.log",
        conda:
            "../../../envs/stampshift.yaml"
        resources:
            mem_mb=4000,
            runtime=60,
        params:
            margin=NEW_SURVEY["margin"],
            code=code_digest("relabelling.new_survey"),
        script:
            "../../scripts/des_study_voted_labels.py"
