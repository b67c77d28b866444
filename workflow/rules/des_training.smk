"""The second study: stamps, splits and trainings of networks."""


use rule stamps as des_study_stamps with:
    input:
        **archive(DES_SURVEY),
    output:
        "<results>/des_study/stamps.h5",
    resources:
        **growing(mem_mb=8000, runtime=480),
    params:
        **reading(DES_SURVEY),
        origin=of_survey(archive_origin, DES_SURVEY),
        size_pixels=DES_STUDY["size_pixels"],
        normalisation=DES_STUDY["normalisation"],


use rule splits as des_study_splits with:
    input:
        rules.des_study_stamps.output,
    output:
        "<results>/des_study/splits/first.npz",
    params:
        fractions=DES_STUDY["fractions"]["first"],
        seeds=[DES_STUDY["seed"]],
        grouped=True,
        stratified=True,


rule des_study_second_splits:
    """Drawn anew, with a test part that the models of the first split have not seen."""
    input:
        stamps=rules.des_study_stamps.output[0],
        first=rules.des_study_splits.output[0],
    output:
        "<results>/des_study/splits/second.npz",
    resources:
        **growing(mem_mb=4000, runtime=60),
    params:
        fractions=DES_STUDY["fractions"],
        seed=DES_STUDY["seed"],
    script:
        "../scripts/des_study_second_splits.py"


rule des_study_folds:
    input:
        rules.des_study_stamps.output,
    output:
        expand("<results>/des_study/splits/search/fold-{fold}.npz", fold=DES_FOLDS),
    resources:
        **growing(mem_mb=4000, runtime=60),
    params:
        folds=DES_STUDY["search"]["folds"],
        validation=DES_STUDY["search"]["validation"],
        seed=DES_STUDY["seed"],
    script:
        "../scripts/des_study_folds.py"


rule des_study_network:
    input:
        stamps=rules.des_study_stamps.output[0],
        splits=des_splits,
        labels=des_labels,
    output:
        expand("<results>/des_study/{{trained}}/{{network}}/{file}", file=RUN_FILES),
    wildcard_constraints:
        trained=DES_TRAINED,
        network="|".join(DES_NETWORKS),
    # one training, which is of one thread on a CPU, so that as many run side by side as there are cores or GPUs
    threads: 1
    resources:
        **growing(mem_mb=16000, runtime=2880),
        gpu=GPUS,
    params:
        method="baseline",
        architecture="ayyar",
        survey=DES_SURVEY,
        folders=["des_study/{trained}/{network}"],
        network="{network}",
        training=DES_STUDY["training"],
        precision=EXECUTION["precision"],
        seed=DES_STUDY["seed"],
    script:
        "../scripts/des_study_network.py"


use rule des_study_network as des_study_search with:
    input:
        stamps=rules.des_study_stamps.output[0],
        splits=rules.des_study_folds.output,
        labels=[],
    output:
        expand("<results>/des_study/search/{{network}}/fold-{fold}/{file}", fold=DES_FOLDS, file=RUN_FILES),
    wildcard_constraints:
        network="|".join(DES_SEARCHED),
    # side by side on a CPU, as one stacked model on a GPU
    threads: min(EXECUTION["threads"], len(DES_FOLDS))
    params:
        folders=expand("des_study/search/{{network}}/fold-{fold}", fold=DES_FOLDS),


if NEW_SURVEY:

    use rule des_study_stamps as des_study_new_stamps with:
        input:
            **archive(NEW_NAME),
        output:
            "<results>/des_study/new-survey/stamps.h5",
        params:
            **reading(NEW_NAME),
            origin=of_survey(archive_origin, NEW_NAME),
            unlabelled="all",  # votes alone label it, whatever its archive says

    use rule splits as des_study_new_splits with:
        input:
            stamps=rules.des_study_new_stamps.output[0],
            labels="<results>/des_study/new-survey/labels.parquet",
        output:
            "<results>/des_study/new-survey/splits.npz",
        params:
            fractions=NEW_SURVEY["fractions"],
            seeds=[DES_STUDY["seed"]],
            grouped=True,
            stratified=True,

    rule des_study_further:
        input:
            stamps=rules.des_study_new_stamps.output[0],
            splits=rules.des_study_new_splits.output[0],
            labels="<results>/des_study/new-survey/labels.parquet",
            model=f"<results>/des_study/{NEW_START}/{DES_STUDY['search']['network']}/model.pt",
        output:
            expand("<results>/des_study/new-survey/after/{file}", file=RUN_FILES),
            "<results>/des_study/new-survey/before/predictions.parquet",
        threads: 1
        resources:
            **growing(mem_mb=16000, runtime=1440),
            gpu=GPUS,
        params:
            method="further",
            architecture="ayyar",
            survey=NEW_NAME,
            before="des_study/new-survey/before",
            after="des_study/new-survey/after",
            training=NEW_SURVEY["training"],
            precision=EXECUTION["precision"],
            seed=DES_STUDY["seed"],
        script:
            "../scripts/des_study_further.py"

    rule des_study_new_scores:
        """Every candidate of the new survey with its score, undecided ones included, and whether it passes."""
        input:
            stamps=rules.des_study_new_stamps.output[0],
            splits=rules.des_study_new_splits.output[0],
            labels="<results>/des_study/new-survey/labels.parquet",
            model="<results>/des_study/new-survey/after/model.pt",
        output:
            "<results>/des_study/new-survey/scores.parquet",
        resources:
            **growing(mem_mb=8000, runtime=240),
            gpu=GPUS,
        params:
            architecture="ayyar",
            mdr=DES_EVALUATION["mdr"],
        script:
            "../scripts/des_study_new_scores.py"
