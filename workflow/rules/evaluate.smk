rule gather:
    input:
        BASELINE_METRICS,
        METRICS,
    output:
        report(
            "<results>/tables/runs.csv",
            caption="../report/gather.rst",
            category="2 Balanced accuracy",
            labels={"what": "every run", "kind": "table"},
        ),
    localrule: True
    params:
        simulated=SIMULATED,
    script:
        "../scripts/gather.py"


rule gather_pair:
    input:
        pair_metrics,
    output:
        "<results>/tables/runs/{pair}.csv",
    localrule: True
    params:
        simulated=SIMULATED,
    script:
        "../scripts/gather.py"


rule overview:
    input:
        runs="<results>/tables/runs.csv",
    output:
        csv=report(
            "<results>/tables/overview.csv",
            caption="../report/overview.rst",
            category="2 Balanced accuracy",
            labels={"what": "all pairs", "kind": "table"},
        ),
        markdown="<results>/tables/overview.md",
        latex="<results>/tables/overview.tex",
    localrule: True
    params:
        pairs=PAIRS,
        methods=METHODS,
        simulated=SIMULATED,
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
            category="2 Balanced accuracy",
            labels={"what": "baselines", "kind": "table"},
        ),
        markdown="<results>/tables/table-1.md",
        latex="<results>/tables/table-1.tex",
    localrule: True
    params:
        surveys=SURVEYS,
        simulated=SIMULATED,
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
            category="3 Adaptation by pair",
            labels={"what": "{pair}", "kind": "table"},
        ),
        markdown="<results>/tables/pairs/{pair}.md",
        latex="<results>/tables/pairs/{pair}.tex",
    localrule: True
    params:
        methods=METHODS,
        simulated=SIMULATED,
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
            category="4 Entropy weight",
            labels={"what": "table of all pairs"},
        ),
        markdown="<results>/tables/lambda.md",
        latex="<results>/tables/lambda.tex",
    localrule: True
    params:
        simulated=SIMULATED,
    script:
        "../scripts/lambda_table.py"


rule significance:
    """Every comparison, and the decisions that rest on them."""
    input:
        runs="<results>/tables/runs.csv",
        published=[] if SIMULATED else ["resources/published/published_balanced_accuracy.csv"],
    output:
        comparisons=report(
            "<results>/tables/significance.csv",
            caption="../report/significance.rst",
            category="1 Claims",
            labels={"what": "every comparison", "kind": "table"},
        ),
        claims=[
            report(
                "<results>/tables/claims.csv",
                caption="../report/claims.rst",
                category="1 Claims",
                labels={"what": "claims", "kind": "table"},
            ),
            "<results>/tables/claims.md",
            "<results>/tables/claims.tex",
        ],
        shots_to_beat=[
            report(
                "<results>/tables/table-26.csv",
                caption="../report/shots_to_beat.rst",
                category="1 Claims",
                labels={"what": "shots to beat the baseline", "kind": "table"},
            ),
            "<results>/tables/table-26.md",
            "<results>/tables/table-26.tex",
        ],
        winner=[
            report(
                "<results>/tables/table-27.csv",
                caption="../report/winner.rst",
                category="1 Claims",
                labels={"what": "better method", "kind": "table"},
            ),
            "<results>/tables/table-27.md",
            "<results>/tables/table-27.tex",
        ],
    localrule: True
    params:
        pairs=PAIRS,
        methods=METHODS,
        simulated=SIMULATED,
    script:
        "../scripts/significance.py"


rule published_decisions:
    """Tables 26 and 27 of the thesis under our rule: of the published means alone."""
    input:
        means="resources/published/published_balanced_accuracy.csv",
        shots_to_beat="resources/published/published_shots_to_beat_baseline.csv",
        winner="resources/published/published_winner.csv",
    output:
        csv=report(
            "<results>/tables/published-decisions.csv",
            caption="../report/published_decisions.rst",
            category="5 Published",
            labels={"what": "Tables 26 and 27 under our rule", "kind": "table"},
        ),
        markdown="<results>/tables/published-decisions.md",
        latex="<results>/tables/published-decisions.tex",
    localrule: True
    params:
        simulated=False,
    script:
        "../scripts/published_decisions.py"


rule beside_published:
    input:
        runs="<results>/tables/runs.csv",
        published="resources/published/published_balanced_accuracy.csv",
    output:
        csv=report(
            "<results>/tables/beside-published.csv",
            caption="../report/beside_published.rst",
            category="5 Published",
            labels={"what": "ours beside the published", "kind": "table"},
        ),
        markdown="<results>/tables/beside-published.md",
        latex="<results>/tables/beside-published.tex",
    localrule: True
    params:
        simulated=False,
    script:
        "../scripts/beside_published.py"


rule summary_page:
    input:
        runs="<results>/tables/runs.csv",
        comparisons="<results>/tables/significance.csv",
        published="resources/published/published_balanced_accuracy.csv",
        panel="<results>/figures/all-pairs.png",
        template="workflow/report/summary.html.jinja",
    output:
        report(
            "<results>/summary.html",
            caption="../report/summary_page.rst",
            category="1 Claims",
            labels={"what": "one-page summary", "kind": "page"},
        ),
    localrule: True
    params:
        pairs=PAIRS,
        methods=METHODS,
        simulated=SIMULATED,
    script:
        "../scripts/summary_page.py"


rule network_table:
    output:
        csv=report(
            "<results>/tables/network.csv",
            caption="../report/network_table.rst",
            category="7 Training",
            labels={"what": "table of the networks' layers"},
        ),
        markdown="<results>/tables/network.md",
        latex="<results>/tables/network.tex",
    localrule: True
    params:
        size_pixels=config["stamps"]["size_pixels"],
        simulated=False,
    script:
        "../scripts/network_table.py"


rule ablation_table:
    input:
        runs="<results>/tables/runs.csv",
    output:
        csv=report(
            "<results>/tables/ablations.csv",
            caption="../report/ablation_table.rst",
            category="6 Ablations",
            labels={"what": "variants of MME", "kind": "table"},
        ),
        markdown="<results>/tables/ablations.md",
        latex="<results>/tables/ablations.tex",
    localrule: True
    params:
        names=METHODS + VARIANTS,
        variant_names=VARIANT_NAMES,
        reference="mme",
        simulated=SIMULATED,
    script:
        "../scripts/ablation_table.py"
