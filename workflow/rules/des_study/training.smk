"""The second study: stamps, splits and trainings of networks."""


# the rules of data.smk cannot be used again here: Snakemake would look for their scripts beside this file
rule des_study_stamps:
    input:
        archive=des_study_archive,
        labels=des_study_label_file,
        schemas=des_study_schemas,
    output:
        "<results>/des_study/stamps.h5",
    threads: EXECUTION["preprocessing_threads"]
    resources:
        mem_mb=growing(8000),
        runtime=growing(480),
    params:
        survey=DES_STUDY["survey"],
        reader=survey_reader(DES_SURVEY),
        options=survey_options(DES_SURVEY),
        classes=survey_classes(DES_SURVEY),
        invalid=survey_invalid(DES_SURVEY),
        origin=archive_origin(DES_SURVEY),
        size_pixels=DES_STUDY["size_pixels"],
        normalisation=DES_STUDY["normalisation"],
    script:
        "../../scripts/stamps.py"


rule des_study_splits:
    input:
        "<results>/des_study/stamps.h5",
    output:
        "<results>/des_study/splits/{part}.npz",
    wildcard_constraints:
        part="first|second",
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        fractions=des_study_fractions,
        seeds=[DES_STUDY["seed"]],
    script:
        "../../scripts/splits.py"


rule des_study_folds:
    input:
        "<results>/des_study/stamps.h5",
    output:
        expand("<results>/des_study/splits/search/fold-{fold}.npz", fold=DES_FOLDS),
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        folds=DES_STUDY["search"]["folds"],
        validation=DES_STUDY["search"]["validation"],
        seed=DES_STUDY["seed"],
    script:
        "../../scripts/des_study_folds.py"


rule des_study_first:
    input:
        stamps="<results>/des_study/stamps.h5",
        splits=["<results>/des_study/splits/first.npz" for _ in DES_STUDY["networks"]],
        labels=[],
    output:
        expand("<results>/des_study/first/{network}/{file}", network=DES_STUDY["networks"], file=RUN_FILES),
    threads: EXECUTION["threads"]
    resources:
        gpu=GPUS,
        mem_mb=growing(32000),
        runtime=growing(2880),
    params:
        results=results_folder,
        method="baseline",
        architecture="ayyar",
        survey=DES_STUDY["survey"],
        folders=[f"des_study/first/{network}" for network in DES_STUDY["networks"]],
        networks=DES_STUDY["networks"],
        training=DES_STUDY["training"],
        seed=DES_STUDY["seed"],
    script:
        "../../scripts/des_study_networks.py"


use rule des_study_first as des_study_search with:
    input:
        stamps="<results>/des_study/stamps.h5",
        splits=expand("<results>/des_study/splits/search/fold-{fold}.npz", fold=DES_FOLDS),
        labels=[],
    output:
        expand("<results>/des_study/search/fold-{fold}/{file}", fold=DES_FOLDS, file=RUN_FILES),
    params:
        folders=[f"des_study/search/fold-{fold}" for fold in DES_FOLDS],
        networks=[DES_STUDY["search"]["network"] for _ in DES_FOLDS],


use rule des_study_first as des_study_second with:
    input:
        stamps="<results>/des_study/stamps.h5",
        splits=["<results>/des_study/splits/second.npz" for _ in DES_STUDY["networks"]],
        labels=des_study_labels,
    output:
        expand(
            "<results>/des_study/second/{{labels}}/{network}/{file}",
            network=DES_STUDY["networks"],
            file=RUN_FILES,
        ),
    wildcard_constraints:
        labels="old|new",
    params:
        folders=des_study_second_folders,


if NEW_SURVEY:

    use rule des_study_stamps as des_study_new_stamps with:
        input:
            archive=new_survey_archive,
            labels=new_survey_label_file,
            schemas=new_survey_schemas,
        output:
            "<results>/des_study/new-survey/stamps.h5",
        params:
            survey=NEW_SURVEY["survey"],
            reader=survey_reader(NEW_NAME),
            options=survey_options(NEW_NAME),
            classes=survey_classes(NEW_NAME),
            invalid=survey_invalid(NEW_NAME),
            origin=archive_origin(NEW_NAME),

    rule des_study_new_splits:
        input:
            stamps="<results>/des_study/new-survey/stamps.h5",
            labels="<results>/des_study/new-survey/labels.parquet",
        output:
            "<results>/des_study/new-survey/splits.npz",
        resources:
            mem_mb=growing(4000),
            runtime=growing(60),
        params:
            fractions=NEW_SURVEY["fractions"],
            seed=DES_STUDY["seed"],
        script:
            "../../scripts/des_study_new_splits.py"

    rule des_study_further:
        input:
            stamps="<results>/des_study/new-survey/stamps.h5",
            splits="<results>/des_study/new-survey/splits.npz",
            labels="<results>/des_study/new-survey/labels.parquet",
            model=f"<results>/des_study/first/{DES_STUDY['search']['network']}/model.pt",
        output:
            expand("<results>/des_study/new-survey/after/{file}", file=RUN_FILES),
            "<results>/des_study/new-survey/before/predictions.parquet",
        threads: EXECUTION["threads"]
        resources:
            gpu=GPUS,
            mem_mb=growing(32000),
            runtime=growing(1440),
        params:
            results=results_folder,
            method="further",
            architecture="ayyar",
            survey=NEW_SURVEY["survey"],
            before="des_study/new-survey/before",
            after="des_study/new-survey/after",
            training=NEW_SURVEY["training"],
            seed=DES_STUDY["seed"],
        script:
            "../../scripts/des_study_further.py"
