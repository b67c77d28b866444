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
        "<results>/des_study/splits/{part}.npz",
    wildcard_constraints:
        part="first|second",
    params:
        fractions=lambda wildcards: DES_STUDY["fractions"][wildcards.part],
        seeds=[DES_STUDY["seed"]],
        grouped=True,
        stratified=True,


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


rule des_study_first:
    input:
        stamps=rules.des_study_stamps.output[0],
        splits=["<results>/des_study/splits/first.npz" for _ in DES_NETWORKS],
        labels=[],
    output:
        expand("<results>/des_study/first/{network}/{file}", network=DES_NETWORKS, file=RUN_FILES),
    threads: EXECUTION["threads"]
    resources:
        **growing(mem_mb=32000, runtime=2880),
        gpu=GPUS,
    params:
        method="baseline",
        architecture="ayyar",
        survey=DES_SURVEY,
        folders=[f"des_study/first/{network}" for network in DES_NETWORKS],
        networks=DES_NETWORKS,
        training=DES_STUDY["training"],
        seed=DES_STUDY["seed"],
    script:
        "../scripts/des_study_networks.py"


use rule des_study_first as des_study_search with:
    input:
        stamps=rules.des_study_stamps.output[0],
        splits=rules.des_study_folds.output,
        labels=[],
    output:
        expand("<results>/des_study/search/fold-{fold}/{file}", fold=DES_FOLDS, file=RUN_FILES),
    params:
        folders=[f"des_study/search/fold-{fold}" for fold in DES_FOLDS],
        networks=[DES_STUDY["search"]["network"] for _ in DES_FOLDS],


use rule des_study_first as des_study_second with:
    input:
        stamps=rules.des_study_stamps.output[0],
        splits=["<results>/des_study/splits/second.npz" for _ in DES_NETWORKS],
        labels=lambda wildcards: [CORRECTED] if wildcards.labels == "new" else [],
    output:
        expand(
            "<results>/des_study/second/{{labels}}/{network}/{file}",
            network=DES_NETWORKS,
            file=RUN_FILES,
        ),
    wildcard_constraints:
        labels="old|new",
    params:
        folders=lambda wildcards: [f"des_study/second/{wildcards.labels}/{name}" for name in DES_NETWORKS],


if NEW_SURVEY:

    use rule des_study_stamps as des_study_new_stamps with:
        input:
            **archive(NEW_NAME),
        output:
            "<results>/des_study/new-survey/stamps.h5",
        params:
            **reading(NEW_NAME),
            origin=of_survey(archive_origin, NEW_NAME),

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
            model=f"<results>/des_study/first/{DES_STUDY['search']['network']}/model.pt",
        output:
            expand("<results>/des_study/new-survey/after/{file}", file=RUN_FILES),
            "<results>/des_study/new-survey/before/predictions.parquet",
        threads: EXECUTION["threads"]
        resources:
            **growing(mem_mb=32000, runtime=1440),
            gpu=GPUS,
        params:
            method="further",
            architecture="ayyar",
            survey=NEW_NAME,
            before="des_study/new-survey/before",
            after="des_study/new-survey/after",
            training=NEW_SURVEY["training"],
            seed=DES_STUDY["seed"],
        script:
            "../scripts/des_study_further.py"
