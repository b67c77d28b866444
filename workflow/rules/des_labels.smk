"""The second study: features, forests, the search for mislabelled stamps, corrected labels, votes."""


rule des_study_features:
    """The 38 features of the archive's table."""
    input:
        archive=archive(DES_SURVEY)["archive"],
    output:
        "<results>/des_study/features.parquet",
    resources:
        **growing(mem_mb=8000, runtime=60),
    params:
        **places(DES_SURVEY),
        columns="FEATURES",
        reader=config["surveys"][DES_SURVEY]["reader"],
    script:
        "../scripts/catalogue.py"


rule des_study_stamp_features:
    """The 18 of them that are measured on the stamps, for any archive."""
    input:
        **archive(DES_SURVEY),
    output:
        "<results>/des_study/stamp-features.parquet",
    threads: EXECUTION["preprocessing_threads"]
    resources:
        **growing(mem_mb=8000, runtime=240),
    params:
        **reading(DES_SURVEY),
    script:
        "../scripts/des_study_stamp_features.py"


FOREST_FEATURES = {"forest": "features", "forest_of_stamps": "stamp-features"}


rule des_study_forest:
    input:
        stamps=rules.des_study_stamps.output[0],
        splits=des_splits,
        features=lambda wildcards: f"<results>/des_study/{FOREST_FEATURES[wildcards.forest]}.parquet",
        labels=des_labels,
    output:
        "<results>/des_study/{trained}/{forest}/predictions.parquet",
        "<results>/des_study/{trained}/{forest}/metrics.json",
        "<results>/des_study/{trained}/{forest}/importances.csv",
    wildcard_constraints:
        trained=DES_TRAINED,
        forest="|".join(DES_STUDY["forests"]) or "(?!)",
    threads: EXECUTION["threads"]
    resources:
        **growing(mem_mb=16000, runtime=240),
    params:
        settings=DES_STUDY["forest"],
        seed=DES_STUDY["seed"],
    script:
        "../scripts/des_study_forest.py"


rule des_study_candidates:
    """Stamps that may be mislabelled: categories 1 and 6 of a network that has not seen their labels."""
    input:
        **{
            network: expand(
                f"<results>/des_study/search/{network}/fold-{{fold}}/predictions.parquet", fold=DES_FOLDS
            )
            for network in DES_SEARCHED
        },
        stamps=rules.des_study_stamps.output[0],
    output:
        CANDIDATES,
    resources:
        **growing(mem_mb=4000, runtime=60),
    params:
        network=DES_STUDY["search"]["network"],
        networks=DES_SEARCHED,
        bounds=DES_EVALUATION["categories"],
    script:
        "../scripts/des_study_candidates.py"


RELABELLED = [] if DES_RELABELS["origin"] == "planted" else existing(DES_RELABELS["path"])


rule des_study_labels:
    """Old and corrected labels of every stamp; without a review it stops and says how to make one."""
    input:
        stamps=rules.des_study_stamps.output[0],
        relabels=inputs(RELABELLED),
        # of which a share has to be decided, or whose truth is asked for
        candidates=[] if DES_RELABELS["origin"] == "table" else [CANDIDATES],
        planted=of_survey(raw_archive, DES_SURVEY) if DES_PLANTED else [],
    output:
        CORRECTED,
    resources:
        **growing(mem_mb=4000, runtime=60),
    params:
        listing=listing_digest(RELABELLED),
        origin=DES_RELABELS["origin"],
        least_decided=DES_RELABELS["least_decided"],
        path=lambda wildcards: DES_RELABELS["path"],  # a function: braces in its value are no wildcards
        classes=config["surveys"][DES_SURVEY]["classes"],
    script:
        "../scripts/des_study_labels.py"


if NEW_SURVEY:

    VOTES_ARE_SIMULATED = NEW_SURVEY["votes"]["origin"] == "simulate"
    VOTES = [] if VOTES_ARE_SIMULATED else existing(NEW_SURVEY["votes"]["path"])

    rule des_study_votes:
        """Who says what of a new survey's candidates, read or simulated, and the labels of those with a majority.

        Without votes it stops and says how people give them. No other job of the study sees the truth of a new
        survey, and this one for simulated raters only.
        """
        input:
            stamps=rules.des_study_new_stamps.output[0],
            votes=inputs(VOTES),
            truth=of_survey(raw_archive, NEW_NAME) if VOTES_ARE_SIMULATED else [],
        output:
            votes="<results>/des_study/new-survey/votes.csv",
            labels="<results>/des_study/new-survey/labels.parquet",
            agreement="<results>/des_study/new-survey/agreement.json",
        resources:
            **growing(mem_mb=4000, runtime=60),
        params:
            listing=listing_digest(VOTES),
            votes=NEW_SURVEY["votes"],
            classes=config["surveys"][NEW_NAME]["classes"],
            rule={name: NEW_SURVEY.get(name) for name in ("margin", "min_votes", "adjudicator")},
        script:
            "../scripts/des_study_votes.py"
