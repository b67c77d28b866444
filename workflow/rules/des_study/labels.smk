"""The second study: features, forests, the search for mislabelled stamps, corrected labels, votes."""


rule des_study_features:
    """The 38 features of the archive's table."""
    input:
        archive=des_study_archive,
    output:
        "<results>/des_study/features.parquet",
    resources:
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        reader=survey_reader(DES_SURVEY),
    script:
        "../../scripts/des_study_features.py"


rule des_study_stamp_features:
    """The 18 of them that are measured on the stamps, for any archive."""
    input:
        archive=des_study_archive,
        labels=des_study_label_file,
        schemas=des_study_schemas,
    output:
        "<results>/des_study/stamp-features.parquet",
    threads: EXECUTION["preprocessing_threads"]
    resources:
        mem_mb=growing(8000),
        runtime=growing(240),
    params:
        survey=DES_STUDY["survey"],
        reader=survey_reader(DES_SURVEY),
        options=survey_options(DES_SURVEY),
        invalid=survey_invalid(DES_SURVEY),
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
    wildcard_constraints:
        trained="first|second/old|second/new",
        forest="|".join(DES_STUDY["forests"]) or "(?!)",
    threads: EXECUTION["threads"]
    resources:
        mem_mb=growing(16000),
        runtime=growing(240),
    params:
        settings=DES_STUDY["forest"],
        seed=DES_STUDY["seed"],
    script:
        "../../scripts/des_study_forest.py"


rule des_study_candidates:
    """Stamps that may be mislabelled: categories 1 and 6 of the network that has not seen their labels."""
    input:
        stamps="<results>/des_study/stamps.h5",
        predictions=expand("<results>/des_study/search/fold-{fold}/predictions.parquet", fold=DES_FOLDS),
    output:
        CANDIDATES,
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        bounds=DES_STUDY["evaluation"]["categories"],
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
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        origin=DES_RELABELS["origin"],
        path=DES_RELABELS["path"],
        classes=survey_classes(DES_SURVEY),
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
        resources:
            mem_mb=growing(4000),
            runtime=growing(60),
        params:
            votes=NEW_SURVEY["votes"],
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
        resources:
            mem_mb=growing(4000),
            runtime=growing(60),
        params:
            margin=NEW_SURVEY["margin"],
        script:
            "../../scripts/des_study_voted_labels.py"
