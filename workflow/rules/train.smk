rule baseline:
    input:
        stamps="<results>/stamps/{source}.h5",
        splits=expand("<results>/splits/{{source}}/seed-{seed}.npz", seed=SEEDS),
    output:
        expand("<results>/baseline/{{source}}/seed-{seed}/{file}", seed=SEEDS, file=RUN_FILES),
    threads: EXECUTION["threads"]
    resources:
        gpu=GPUS,
        mem_mb=growing(8000),
        runtime=growing(480),
    params:
        results=results_folder,
        method="baseline",
        architecture="bolivar",
        seeds=SEEDS,
        training=config["training"],
    script:
        "../scripts/baseline.py"


rule transfer:
    input:
        models=expand("<results>/baseline/{{source}}/seed-{seed}/model.pt", seed=SEEDS),
        metrics=expand("<results>/baseline/{{source}}/seed-{seed}/metrics.json", seed=SEEDS),
        stamps=target_stamps,
        splits=expand("<results>/splits/{{target}}/seed-{seed}.npz", seed=SEEDS),
    output:
        expand(
            "<results>/baseline/{{source}}-to-{{target}}/shots-0/seed-{seed}/{file}",
            seed=SEEDS,
            file=TRANSFER_FILES,
        ),
    resources:
        gpu=GPUS,
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        results=results_folder,
        method="baseline",
        architecture="bolivar",
        seeds=SEEDS,
    script:
        "../scripts/transfer.py"


rule select_lambda:
    input:
        source_stamps="<results>/stamps/{source}.h5",
        target_stamps=target_stamps,
        splits=search_splits,
        baseline=search_baseline,
    output:
        "<results>/lambda/{source}-to-{target}.json",
    threads: EXECUTION["threads"]
    resources:
        gpu=GPUS,
        mem_mb=growing(8000),
        runtime=growing(720),
    params:
        results=results_folder,
        method="mme",
        architecture="bolivar",
        name=search_name,
        shots=SHOTS,
        options=search_options,
        search=search_grid,
        training=config["training"],
        validation_shots=config["splits"]["validation_shots"],
    script:
        "../scripts/select_lambda.py"


if VARIANTS:

    use rule select_lambda as select_variant_lambda with:
        output:
            "<results>/lambda/{variant}/{source}-to-{target}.json",


if ENTROPY_WEIGHT_CHOICE == "published":

    ruleorder: published_lambda > select_lambda

    rule published_lambda:
        input:
            "resources/published/published_lambda.csv",
        output:
            "<results>/lambda/{source}-to-{target}.json",
        script:
            "../scripts/published_lambda.py"


rule adapt:
    input:
        source_stamps="<results>/stamps/{source}.h5",
        target_stamps=target_stamps,
        source_splits=expand("<results>/splits/{{source}}/seed-{seed}.npz", seed=SEEDS),
        target_splits=expand("<results>/splits/{{target}}/seed-{seed}.npz", seed=SEEDS),
        baselines=expand("<results>/baseline/{{source}}/seed-{seed}/model.pt", seed=SEEDS),
        entropy_weight=chosen_entropy_weight,
    output:
        expand(
            "<results>/{{method}}/{{source}}-to-{{target}}/shots-{{shots}}/seed-{seed}/{file}",
            seed=SEEDS,
            file=RUN_FILES,
        ),
    threads: EXECUTION["threads"]
    resources:
        gpu=GPUS,
        mem_mb=growing(8000),
        runtime=growing(240),
    params:
        results=results_folder,
        seeds=SEEDS,
        method=adaptation_method,
        architecture="bolivar",
        options=adaptation_options,
        training=config["training"],
        validation_shots=config["splits"]["validation_shots"],
    script:
        "../scripts/adapt.py"
