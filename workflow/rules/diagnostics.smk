rule detection_curves:
    input:
        few_and_many_predictions,
    output:
        curves="<results>/tables/diagnostics/curves/{pair}.csv",
        csv=report(
            "<results>/tables/diagnostics/operating-points/{pair}.csv",
            caption="../report/detection_curves.rst",
            category="Diagnostics",
            subcategory="1 detection curves",
            labels={"what": "{pair}", "kind": "table"},
        ),
        markdown="<results>/tables/diagnostics/operating-points/{pair}.md",
        latex="<results>/tables/diagnostics/operating-points/{pair}.tex",
        pdf="<results>/figures/diagnostics/curves/{pair}.pdf",
        png=report(
            "<results>/figures/diagnostics/curves/{pair}.png",
            caption="../report/detection_curves.rst",
            category="Diagnostics",
            subcategory="1 detection curves",
            labels={"what": "{pair}", "kind": "figure"},
        ),
    log:
        "<logs>/detection_curves/{pair}.log",
    localrule: True
    conda:
        "../../envs/stampshift.yaml"
    params:
        runs=few_and_many_models,
        surveys=target_and_source,
        methods=METHODS,
        operating_points=DIAGNOSTICS["operating_points"],
        simulated=SIMULATED,
        code=code_digest("evaluation.curves", "figures.curves"),
    script:
        "../scripts/detection_curves.py"


rule score_histograms:
    input:
        many_shots_predictions,
    output:
        csv="<results>/tables/diagnostics/scores/{pair}.csv",
        pdf="<results>/figures/diagnostics/scores/{pair}.pdf",
        png=report(
            "<results>/figures/diagnostics/scores/{pair}.png",
            caption="../report/score_histograms.rst",
            category="Diagnostics",
            subcategory="2 scores",
            labels={"what": "{pair}", "kind": "figure"},
        ),
    log:
        "<logs>/score_histograms/{pair}.log",
    localrule: True
    conda:
        "../../envs/stampshift.yaml"
    params:
        runs=many_shots_models,
        surveys=target_and_source,
        bins=25,
        simulated=SIMULATED,
        code=code_digest("figures.scores"),
    script:
        "../scripts/score_histograms.py"
