"""The second study: tables and figures."""


wildcard_constraints:
    part="|".join(DES_PARTS),


rule des_study:
    """Every table and figure of the second study: snakemake --cores 8 des_study"""
    input:
        *[des_part_results(part) for part in DES_PARTS],
        DES_OF_RELABELLING,
        DES_OF_PLANTED_FLIPS,
        DES_OF_NEW_SURVEY,
        DES_BESIDE_PUBLISHED,


rule des_performance:
    input:
        predictions=des_predictions,
        splits="<results>/des_study/splits/{part}.npz",
    output:
        csv=report(
            "<results>/des_study/tables/performance-{part}.csv",
            caption="../../report/des_performance.rst",
            category="DES study",
            subcategory="1 performance",
            labels={"what": "{part} part, performance (table)"},
        ),
        markdown="<results>/des_study/tables/performance-{part}.md",
        latex="<results>/des_study/tables/performance-{part}.tex",
        confusion_csv=report(
            "<results>/des_study/tables/confusion-{part}.csv",
            caption="../../report/des_confusion.rst",
            category="DES study",
            subcategory="1 performance",
            labels={"what": "{part} part, confusion (table)"},
        ),
        confusion_markdown="<results>/des_study/tables/confusion-{part}.md",
        confusion_latex="<results>/des_study/tables/confusion-{part}.tex",
    resources:
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        models=DES_MODELS,
        survey=DES_STUDY["survey"],
        mdr=DES_EVALUATION["mdr"],
        bootstrap=DES_BOOTSTRAP,
        simulated=DES_SIMULATED,
    script:
        "../../scripts/des_performance.py"


rule des_curves:
    input:
        predictions=des_predictions,
        splits="<results>/des_study/splits/{part}.npz",
        performance="<results>/des_study/tables/performance-{part}.csv",
        published=DES_PUBLISHED_POINTS,
    output:
        csv="<results>/des_study/tables/curves-{part}.csv",
        pdf="<results>/des_study/figures/curves-{part}.pdf",
        png=report(
            "<results>/des_study/figures/curves-{part}.png",
            caption="../../report/des_curves.rst",
            category="DES study",
            subcategory="1 performance",
            labels={"what": "{part} part, detection curves"},
        ),
    resources:
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        models=DES_MODELS,
        survey=DES_STUDY["survey"],
        mdr=DES_EVALUATION["mdr"],
        simulated=DES_SIMULATED,
    script:
        "../../scripts/des_curves.py"


rule des_confusion_figure:
    input:
        confusion="<results>/des_study/tables/confusion-{part}.csv",
    output:
        pdf="<results>/des_study/figures/confusion-{part}.pdf",
        png=report(
            "<results>/des_study/figures/confusion-{part}.png",
            caption="../../report/des_confusion.rst",
            category="DES study",
            subcategory="1 performance",
            labels={"what": "{part} part, confusion"},
        ),
    localrule: True
    params:
        simulated=DES_SIMULATED,
    script:
        "../../scripts/des_confusion_figure.py"


rule des_scores:
    input:
        predictions=des_predictions,
        splits="<results>/des_study/splits/{part}.npz",
    output:
        csv="<results>/des_study/tables/scores-{part}.csv",
        pdf="<results>/des_study/figures/scores-{part}.pdf",
        png=report(
            "<results>/des_study/figures/scores-{part}.png",
            caption="../../report/des_scores.rst",
            category="DES study",
            subcategory="1 performance",
            labels={"what": "{part} part, scores"},
        ),
    resources:
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        models=DES_MODELS,
        survey=DES_STUDY["survey"],
        bins=50,
        title=des_part_title,
        simulated=DES_SIMULATED,
    script:
        "../../scripts/des_scores.py"


rule des_learning_curves:
    input:
        histories=des_histories,
    output:
        pdf="<results>/des_study/figures/learning-curves-{part}.pdf",
        png=report(
            "<results>/des_study/figures/learning-curves-{part}.png",
            caption="../../report/des_learning_curves.rst",
            category="DES study",
            subcategory="2 training",
            labels={"what": "{part} part", "kind": "figure"},
        ),
    localrule: True
    params:
        networks=DES_STUDY["networks"],
        title=des_part_title,
        simulated=DES_SIMULATED,
    script:
        "../../scripts/des_learning_curves.py"


rule des_categories:
    input:
        predictions=des_predictions,
        splits="<results>/des_study/splits/{part}.npz",
    output:
        csv=report(
            "<results>/des_study/tables/categories-{part}.csv",
            caption="../../report/des_categories.rst",
            category="DES study",
            subcategory="3 categories",
            labels={"what": "{part} part, shares", "kind": "table"},
        ),
        markdown="<results>/des_study/tables/categories-{part}.md",
        latex="<results>/des_study/tables/categories-{part}.tex",
    resources:
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        models=DES_MODELS,
        survey=DES_STUDY["survey"],
        bounds=DES_EVALUATION["categories"],
        simulated=DES_SIMULATED,
    script:
        "../../scripts/des_categories.py"


rule des_agreement:
    input:
        predictions=des_predictions,
        splits="<results>/des_study/splits/{part}.npz",
    output:
        csv=report(
            "<results>/des_study/tables/agreement-{part}.csv",
            caption="../../report/des_agreement.rst",
            category="DES study",
            subcategory="3 categories",
            labels={"what": "{part} part, agreement of models", "kind": "table"},
        ),
        markdown="<results>/des_study/tables/agreement-{part}.md",
        latex="<results>/des_study/tables/agreement-{part}.tex",
    resources:
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        models=DES_MODELS,
        survey=DES_STUDY["survey"],
        reference=DES_STUDY["networks"][0],
        bounds=DES_EVALUATION["categories"],
        simulated=DES_SIMULATED,
    script:
        "../../scripts/des_agreement.py"


rule des_retraining:
    input:
        old=expand("<results>/des_study/second/old/{model}/predictions.parquet", model=DES_MODELS),
        new=expand("<results>/des_study/second/new/{model}/predictions.parquet", model=DES_MODELS),
        labels="<results>/des_study/labels.parquet",
        splits="<results>/des_study/splits/second.npz",
    output:
        csv=report(
            "<results>/des_study/tables/relabelled.csv",
            caption="../../report/des_relabelled.rst",
            category="DES study",
            subcategory="4 relabelling",
            labels={"what": "categories before and after", "kind": "table"},
        ),
        markdown="<results>/des_study/tables/relabelled.md",
        latex="<results>/des_study/tables/relabelled.tex",
        gain_csv=report(
            "<results>/des_study/tables/retraining-gain.csv",
            caption="../../report/des_retraining_gain.rst",
            category="DES study",
            subcategory="4 relabelling",
            labels={"what": "gain of retraining", "kind": "table"},
        ),
        gain_markdown="<results>/des_study/tables/retraining-gain.md",
        gain_latex="<results>/des_study/tables/retraining-gain.tex",
    resources:
        mem_mb=growing(8000),
        runtime=growing(120),
    params:
        models=DES_MODELS,
        survey=DES_STUDY["survey"],
        bounds=DES_EVALUATION["categories"],
        mdr=DES_EVALUATION["mdr"],
        bootstrap=DES_BOOTSTRAP,
        simulated=DES_SIMULATED,
    script:
        "../../scripts/des_retraining.py"


rule des_search_success:
    input:
        candidates="<results>/des_study/search/candidates.parquet",
        labels="<results>/des_study/labels.parquet",
    output:
        csv=report(
            "<results>/des_study/tables/search.csv",
            caption="../../report/des_search_success.rst",
            category="DES study",
            subcategory="4 relabelling",
            labels={"what": "search on planted flips", "kind": "table"},
        ),
        markdown="<results>/des_study/tables/search.md",
        latex="<results>/des_study/tables/search.tex",
        queue="<results>/des_study/tables/review-queue.csv",
        pdf="<results>/des_study/figures/search.pdf",
        png=report(
            "<results>/des_study/figures/search.png",
            caption="../../report/des_search_success.rst",
            category="DES study",
            subcategory="4 relabelling",
            labels={"what": "search on planted flips", "kind": "figure"},
        ),
    localrule: True
    params:
        simulated=DES_SIMULATED,
    script:
        "../../scripts/des_search_success.py"


rule des_new_survey:
    input:
        predictions=expand(
            "<results>/des_study/new-survey/{training}/predictions.parquet", training=["before", "after"]
        ),
        labels="<results>/des_study/new-survey/labels.parquet",
        splits="<results>/des_study/new-survey/splits.npz",
    output:
        csv=report(
            "<results>/des_study/tables/new-survey.csv",
            caption="../../report/des_new_survey.rst",
            category="DES study",
            subcategory="5 new survey",
            labels={"what": "rates at cutoffs (table)"},
        ),
        markdown="<results>/des_study/tables/new-survey.md",
        latex="<results>/des_study/tables/new-survey.tex",
        consensus_csv=report(
            "<results>/des_study/tables/consensus.csv",
            caption="../../report/des_consensus.rst",
            category="DES study",
            subcategory="5 new survey",
            labels={"what": "unanimous and disputed (table)"},
        ),
        consensus_markdown="<results>/des_study/tables/consensus.md",
        consensus_latex="<results>/des_study/tables/consensus.tex",
        cutoffs="<results>/des_study/tables/cutoffs.csv",
        pdf="<results>/des_study/figures/new-survey.pdf",
        png=report(
            "<results>/des_study/figures/new-survey.png",
            caption="../../report/des_new_survey.rst",
            category="DES study",
            subcategory="5 new survey",
            labels={"what": "rates and cleanliness"},
        ),
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        survey=DES_NEW_SURVEY,
        simulated=DES_ANY_SIMULATED,
    script:
        "../../scripts/des_new_survey.py"


use rule des_scores as des_new_survey_scores with:
    input:
        predictions=expand(
            "<results>/des_study/new-survey/{training}/predictions.parquet", training=["before", "after"]
        ),
        splits="<results>/des_study/new-survey/splits.npz",
    output:
        csv="<results>/des_study/tables/new-survey-scores.csv",
        pdf="<results>/des_study/figures/new-survey-scores.pdf",
        png=report(
            "<results>/des_study/figures/new-survey-scores.png",
            caption="../../report/des_new_survey_scores.rst",
            category="DES study",
            subcategory="5 new survey",
            labels={"what": "scores"},
        ),
    params:
        models=["before", "after"],
        survey=DES_NEW_SURVEY,
        bins=25,
        title=f"{DES_NEW_SURVEY}, labelled by votes",
        simulated=DES_ANY_SIMULATED,


use rule des_learning_curves as des_new_survey_learning_curves with:
    input:
        histories=["<results>/des_study/new-survey/after/history.parquet"],
    output:
        pdf="<results>/des_study/figures/new-survey-learning-curves.pdf",
        png=report(
            "<results>/des_study/figures/new-survey-learning-curves.png",
            caption="../../report/des_learning_curves.rst",
            category="DES study",
            subcategory="2 training",
            labels={"what": "new survey", "kind": "figure"},
        ),
    params:
        networks=["network_1"],
        title=f"{DES_NEW_SURVEY}, network trained further on votes",
        simulated=DES_ANY_SIMULATED,


rule des_beside_published:
    input:
        first="<results>/des_study/tables/performance-first.csv",
        second="<results>/des_study/tables/performance-second.csv",
        categories="<results>/des_study/tables/categories-second.csv",
        labels="<results>/des_study/labels.parquet",
        candidates="<results>/des_study/search/candidates.parquet",
        new_survey=DES_COMPARED_NEW_SURVEY,
        published="resources/published/des_study.csv",
    output:
        csv=report(
            "<results>/des_study/tables/beside-published.csv",
            caption="../../report/des_beside_published.rst",
            category="DES study",
            subcategory="6 published",
            labels={"what": "ours beside the published", "kind": "table"},
        ),
        markdown="<results>/des_study/tables/beside-published.md",
        latex="<results>/des_study/tables/beside-published.tex",
    localrule: True
    params:
        simulated=False,
    script:
        "../../scripts/des_beside_published.py"
