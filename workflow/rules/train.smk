rule baseline:
    input:
        stamps=of_source("<results>/stamps/{survey}.h5"),
        splits=of_source("<results>/splits/{survey}/seed-{seed}.npz", seed=SEEDS),
    output:
        each_seed("<results>/baseline/{source}/seed-{seed}/{file}", file=RUN_FILES),
    threads: EXECUTION["threads"]
    resources:
        **growing(mem_mb=8000, runtime=480),
        gpu=GPUS,
    params:
        seeds=SEEDS,
        surveys=surveys_of_source,
        method="baseline",
        architecture=ARCHITECTURE,
        network=config["network"],
        training=config["training"],
        precision=EXECUTION["precision"],
        folder=None,
    script:
        "../scripts/baseline.py"


if COMPARED_NETWORKS:

    use rule baseline as baseline_of_network with:
        output:
            each_seed("<results>/networks/{network}/{source}/seed-{seed}/{file}", file=RUN_FILES),
        wildcard_constraints:
            network="|".join(COMPARED_NETWORKS),
        params:
            architecture=lambda wildcards: NETWORK_MODULES[wildcards.network],
            network="{network}",
            folder="networks/{network}",


rule transfer:
    input:
        models=each_seed("<results>/baseline/{source}/seed-{seed}/model.pt"),
        metrics=each_seed("<results>/baseline/{source}/seed-{seed}/metrics.json"),
        stamps=target_stamps,
        splits=each_seed("<results>/splits/{target}/seed-{seed}.npz"),
    output:
        each_seed("<results>/baseline/{source}-to-{target}/shots-0/seed-{seed}/{file}", file=TRANSFER_FILES),
    resources:
        **growing(mem_mb=8000, runtime=60),
        gpu=GPUS,
    params:
        seeds=SEEDS,
        method="baseline",
        architecture=ARCHITECTURE,
    script:
        "../scripts/transfer.py"


rule select_lambda:
    input:
        stamps=of_pair("<results>/stamps/{survey}.h5"),
        splits=of_search("<results>/splits/{survey}/seed-{seed}.npz"),
        baseline=of_search("<results>/baseline/{source}/seed-{seed}/model.pt"),
    output:
        "<results>/lambda/{source}-to-{target}.json",
    threads: EXECUTION["threads"]
    resources:
        **growing(mem_mb=8000, runtime=720),
        gpu=GPUS,
    params:
        name=searched("name"),
        surveys=source_and_target,
        method="mme",
        architecture=ARCHITECTURE,
        network=config["network"],
        shots=LABELLED_SHOTS,
        options=searched("options"),
        search=searched("search"),
        training=config["training"],
        precision=EXECUTION["precision"],
        validation_shots=config["splits"]["validation_shots"],
    script:
        "../scripts/select_lambda.py"


if OWN_WEIGHTS:

    use rule select_lambda as select_variant_lambda with:
        output:
            "<results>/lambda/{variant}/{source}-to-{target}.json",
        wildcard_constraints:
            variant="|".join(OWN_WEIGHTS),


if PUBLISHED_WEIGHTS:

    rule published_variant_lambda:
        input:
            "resources/published/published_lambda.csv",
        output:
            "<results>/lambda/{variant}/{source}-to-{target}.json",
        wildcard_constraints:
            variant="|".join(PUBLISHED_WEIGHTS),
        script:
            "../scripts/published_lambda.py"


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
        stamps=of_pair("<results>/stamps/{survey}.h5"),
        splits=of_pair("<results>/splits/{survey}/seed-{seed}.npz", seed=SEEDS),
        baselines=each_seed("<results>/baseline/{source}/seed-{seed}/model.pt"),
        entropy_weight=chosen_entropy_weight,
    output:
        each_seed(
            "<results>/{method}/{source}-to-{target}/shots-{shots}/seed-{seed}/{file}",
            shots=LABELLED_SHOTS,
            file=RUN_FILES,
        ),
    threads: EXECUTION["threads"]
    resources:
        **growing(mem_mb=8000, runtime=960),
        gpu=GPUS,
    params:
        shots=LABELLED_SHOTS,
        seeds=SEEDS,
        surveys=source_and_target,
        method=trained("method"),
        architecture=ARCHITECTURE,
        network=config["network"],
        options=trained("options"),
        weight_without_labels=trained("weight_without_labels"),
        training=config["training"],
        precision=EXECUTION["precision"],
        validation_shots=config["splits"]["validation_shots"],
    script:
        "../scripts/adapt.py"


if WITHOUT_LABELS:

    use rule adapt as adapt_without_labels with:
        input:
            stamps=of_pair("<results>/stamps/{survey}.h5"),
            splits=of_pair("<results>/splits/{survey}/seed-{seed}.npz", seed=SEEDS),
            baselines=each_seed("<results>/baseline/{source}/seed-{seed}/model.pt"),
            entropy_weight=[],
        output:
            each_seed("<results>/{method}/{source}-to-{target}/shots-0/seed-{seed}/{file}", file=RUN_FILES),
        wildcard_constraints:
            method="|".join(WITHOUT_LABELS),
        params:
            shots=[0],
