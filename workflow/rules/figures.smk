rule table1_figure:
    input:
        runs="<results>/tables/runs.csv",
    output:
        pdf="<results>/figures/table-1.pdf",
        png=report(
            "<results>/figures/table-1.png",
            caption="../report/table1_figure.rst",
            category="2 Balanced accuracy",
            labels={"what": "baselines", "kind": "figure"},
        ),
    localrule: True
    params:
        surveys=SURVEYS,
        simulated=SIMULATED,
    script:
        "../scripts/table1_figure.py"


rule pair_figure:
    input:
        runs="<results>/tables/runs/{pair}.csv",
    output:
        pdf="<results>/figures/pairs/{pair}.pdf",
        png=report(
            "<results>/figures/pairs/{pair}.png",
            caption="../report/pair_figure.rst",
            category="3 Adaptation by pair",
            labels={"what": "{pair}", "kind": "figure"},
        ),
    localrule: True
    params:
        methods=METHODS,
        simulated=SIMULATED,
    script:
        "../scripts/pair_figure.py"


rule all_pairs_figure:
    input:
        runs="<results>/tables/runs.csv",
    output:
        pdf="<results>/figures/all-pairs.pdf",
        png=report(
            "<results>/figures/all-pairs.png",
            caption="../report/all_pairs_figure.rst",
            category="2 Balanced accuracy",
            labels={"what": "all pairs", "kind": "figure"},
        ),
    localrule: True
    params:
        surveys=SURVEYS,
        methods=METHODS,
        simulated=SIMULATED,
    script:
        "../scripts/all_pairs_figure.py"


rule lambda_figure:
    input:
        search="<results>/lambda/{pair}.json",
    output:
        pdf="<results>/figures/lambda/{pair}.pdf",
        png=report(
            "<results>/figures/lambda/{pair}.png",
            caption="../report/lambda_figure.rst",
            category="4 Entropy weight",
            labels={"what": "{pair}"},
        ),
    localrule: True
    params:
        simulated=SIMULATED,
    script:
        "../scripts/lambda_figure.py"


rule examples_figure:
    input:
        stamps="<results>/stamps/{survey}.h5",
    output:
        pdf="<results>/figures/examples/{survey}.pdf",
        png=report(
            "<results>/figures/examples/{survey}.png",
            caption="../report/examples_figure.rst",
            category="9 Surveys",
            labels={"what": "examples of {survey}", "kind": "figure"},
        ),
    localrule: True
    params:
        per_class=3,
        simulated=survey_simulated,
    script:
        "../scripts/examples_figure.py"


rule preprocessing_figure:
    input:
        archive=raw_archive,
        labels=survey_labels,
        schemas=survey_schemas,
    output:
        pdf="<results>/figures/preprocessing/{survey}.pdf",
        png=report(
            "<results>/figures/preprocessing/{survey}.png",
            caption="../report/preprocessing_figure.rst",
            category="9 Surveys",
            labels={"what": "preprocessing of {survey}", "kind": "figure"},
        ),
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        reader=survey_reader,
        options=survey_options,
        classes=survey_classes,
        invalid=survey_invalid,
        size_pixels=config["stamps"]["size_pixels"],
        normalisation=config["stamps"]["normalisation"],
        per_class=2,
        simulated=survey_simulated,
    script:
        "../scripts/preprocessing_figure.py"


rule learning_curves_figure:
    input:
        histories=expand("<results>/baseline/{{survey}}/seed-{seed}/history.parquet", seed=SEEDS),
    output:
        pdf="<results>/figures/learning-curves/{survey}.pdf",
        png=report(
            "<results>/figures/learning-curves/{survey}.png",
            caption="../report/learning_curves_figure.rst",
            category="7 Training",
            labels={"what": "baselines of {survey}"},
        ),
    localrule: True
    params:
        seeds=SEEDS,
        simulated=survey_simulated,
    script:
        "../scripts/learning_curves_figure.py"


rule beside_published_figure:
    input:
        numbers="<results>/tables/beside-published.csv",
    output:
        pdf="<results>/figures/beside-published.pdf",
        png=report(
            "<results>/figures/beside-published.png",
            caption="../report/beside_published_figure.rst",
            category="5 Published",
            labels={"what": "ours beside the published", "kind": "figure"},
        ),
    localrule: True
    params:
        simulated=False,
    script:
        "../scripts/beside_published_figure.py"


rule ablation_figure:
    input:
        runs="<results>/tables/runs.csv",
    output:
        pdf="<results>/figures/ablations.pdf",
        png=report(
            "<results>/figures/ablations.png",
            caption="../report/ablation_figure.rst",
            category="6 Ablations",
            labels={"what": "variants of MME", "kind": "figure"},
        ),
    localrule: True
    params:
        names=METHODS + VARIANTS,
        variant_names=VARIANT_NAMES,
        reference="mme",
        simulated=SIMULATED,
    script:
        "../scripts/ablation_figure.py"
