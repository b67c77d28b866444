rule gather:
    input:
        BASELINE_METRICS,
        METRICS,
    output:
        report(
            "<results>/tables/runs.csv",
            caption="../report/gather.rst",
            category="Balanced accuracy",
            labels={"what": "every run", "kind": "table"},
        ),
    log:
        "<logs>/gather.log",
    localrule: True
    conda:
        "../../envs/stampshift.yaml"
    params:
        simulated=SIMULATED,
        code=code_digest("evaluation.gather"),
    script:
        "../scripts/gather.py"


rule gather_pair:
    input:
        pair_metrics,
    output:
        "<results>/tables/runs/{pair}.csv",
    log:
        "<logs>/gather/{pair}.log",
    localrule: True
    conda:
        "../../envs/stampshift.yaml"
    params:
        simulated=SIMULATED,
        code=code_digest("evaluation.gather"),
    script:
        "../scripts/gather.py"


rule overview:
    input:
        runs="<results>/tables/runs.csv",
    output:
        csv=report(
            "<results>/tables/overview.csv",
            caption="../report/overview.rst",
            category="Balanced accuracy",
            labels={"what": "all pairs", "kind": "table"},
        ),
        markdown="<results>/tables/overview.md",
        latex="<results>/tables/overview.tex",
    log:
        "<logs>/overview.log",
    localrule: True
    conda:
        "../../envs/stampshift.yaml"
    params:
        pairs=PAIRS,
        methods=METHODS,
        simulated=SIMULATED,
        code=code_digest("evaluation.overview"),
    script:
        "../scripts/overview.py"


rule table1:
    input:
        runs="<results>/tables/runs.csv",
        published="resources/published/published_balanced_accuracy.csv",
    output:
        csv=report(
            "<results>/tables/table-1.csv",
            caption="../report/table1.rst",
            category="Balanced accuracy",
            labels={"what": "baselines", "kind": "table"},
        ),
        markdown="<results>/tables/table-1.md",
        latex="<results>/tables/table-1.tex",
    log:
        "<logs>/table1.log",
    localrule: True
    conda:
        "../../envs/stampshift.yaml"
    params:
        surveys=SURVEYS,
        simulated=SIMULATED,
        code=code_digest("evaluation.tables"),
    script:
        "../scripts/table1.py"


rule pair_table:
    input:
        runs="<results>/tables/runs/{pair}.csv",
        published="resources/published/published_balanced_accuracy.csv",
    output:
        csv=report(
            "<results>/tables/pairs/{pair}.csv",
            caption="../report/pair_table.rst",
            category="Adaptation by pair",
            labels={"what": "{pair}", "kind": "table"},
        ),
        markdown="<results>/tables/pairs/{pair}.md",
        latex="<results>/tables/pairs/{pair}.tex",
    log:
        "<logs>/pair_table/{pair}.log",
    localrule: True
    conda:
        "../../envs/stampshift.yaml"
    params:
        methods=METHODS,
        simulated=SIMULATED,
        code=code_digest("evaluation.tables"),
    script:
        "../scripts/pair_table.py"


rule lambda_table:
    input:
        searches=expand("<results>/lambda/{pair}.json", pair=PAIRS),
        published="resources/published/published_lambda.csv",
    output:
        csv=report(
            "<results>/tables/lambda.csv",
            caption="../report/lambda_table.rst",
            category="Entropy weight",
            labels={"what": "all pairs", "kind": "table"},
        ),
        markdown="<results>/tables/lambda.md",
        latex="<results>/tables/lambda.tex",
    log:
        "<logs>/lambda_table.log",
    localrule: True
    conda:
        "../../envs/stampshift.yaml"
    params:
        simulated=SIMULATED,
        code=code_digest("evaluation.tables"),
    script:
        "../scripts/lambda_table.py"


rule ablation_table:
    input:
        runs="<results>/tables/runs.csv",
    output:
        csv=report(
            "<results>/tables/ablations.csv",
            caption="../report/ablation_table.rst",
            category="Ablations",
            labels={"what": "variants of MME", "kind": "table"},
        ),
        markdown="<results>/tables/ablations.md",
        latex="<results>/tables/ablations.tex",
    log:
        "<logs>/ablation_table.log",
    localrule: True
    conda:
        "../../envs/stampshift.yaml"
    params:
        names=METHODS + VARIANTS,
        labels=VARIANT_LABELS,
        reference="mme",
        simulated=SIMULATED,
        code=code_digest("evaluation.ablations"),
    script:
        "../scripts/ablation_table.py"
