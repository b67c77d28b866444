"""The second study: tables and figures."""


wildcard_constraints:
    part="|".join(DES_PARTS),


rule des_study:
    """Every table and figure of the second study: snakemake --cores 8 des_study"""
    input:
        lambda wildcards: shown([DES_SECTION], part=DES_PARTS),


rule des_performance:
    """How well the models of a part separate reals from bogus."""
    input:
        predictions=des_part_files(DES_MODELS, "predictions.parquet"),
        splits="<results>/des_study/splits/{part}.npz",
        histories=des_part_files(DES_NETWORKS, "history.parquet"),
        # simulated numbers are never shown beside the published ones
        published=[] if DES_SIMULATED else ["resources/published/des_study_forest_points.csv"],
    output:
        performance=des_table("performance-{part}", "performance", "{part} part, performance (table)"),
        confusion=des_table("confusion-{part}", "performance", "{part} part, confusion (table)"),
        confusion_figure=des_figure("confusion-{part}", "performance", "{part} part, confusion"),
        curves="<results>/des_study/tables/curves-{part}.csv",
        curves_figure=des_figure("curves-{part}", "performance", "{part} part, detection curves"),
        scores="<results>/des_study/tables/scores-{part}.csv",
        scores_figure=des_figure("scores-{part}", "performance", "{part} part, scores"),
        learning_figure=des_figure("learning-curves-{part}", "training", "{part} part"),
    resources:
        **growing(mem_mb=8000, runtime=60),
    params:
        **DES_JUDGED,
        networks=DES_NETWORKS,
        mdr=DES_EVALUATION["mdr"],
        bootstrap=DES_BOOTSTRAP,
        bins=50,
        cutoff=None,
        scores_title="DES study, {part} part",
        learning_title="DES study, {part} part",
    script:
        "../scripts/des_performance.py"


rule des_networks:
    """Size of the networks, and the time of their trainings."""
    input:
        **{
            part: expand(
                "<results>/des_study/{place}/{network}/metrics.json", place=place, network=DES_NETWORKS
            )
            for part, place in DES_PARTS.items()
        },
        published="resources/published/des_study.csv",
    output:
        des_table("networks", "training", "sizes and times of the networks (table)"),
    params:
        simulated=DES_SIMULATED,
    script:
        "../scripts/des_networks.py"


rule des_categories:
    input:
        predictions=des_part_files(DES_MODELS, "predictions.parquet"),
        splits="<results>/des_study/splits/{part}.npz",
    output:
        categories=des_table("categories-{part}", "categories", "{part} part, shares"),
        agreement=(
            des_table("agreement-{part}", "categories", "{part} part, agreement of models")
            if len(DES_MODELS) > 1
            else []
        ),
    resources:
        **growing(mem_mb=8000, runtime=60),
    params:
        **DES_JUDGED,
        bounds=DES_EVALUATION["categories"],
        reference=DES_NETWORKS[0],
    script:
        "../scripts/des_categories.py"


rule des_first_step:
    """The models of the first part, trained on old labels, by old and by corrected labels of their test stamps."""
    input:
        predictions=expand("<results>/des_study/first/{model}/predictions.parquet", model=DES_MODELS),
        splits="<results>/des_study/splits/first.npz",
        labels=CORRECTED,
        performance="<results>/des_study/tables/performance-first.csv",
        curves="<results>/des_study/tables/curves-first.csv",
    output:
        counts=des_table("first-step", "relabelling", "test stamps of the first step"),
        retested=des_table("retested", "relabelling", "old models by corrected labels"),
        categories=des_table("categories-first-corrected", "relabelling", "old models, categories"),
        curves="<results>/des_study/tables/curves-retested.csv",
        figure=des_figure("retested", "relabelling", "old models by corrected labels"),
    resources:
        **growing(mem_mb=8000, runtime=60),
    params:
        **DES_JUDGED,
        bounds=DES_EVALUATION["categories"],
        mdr=DES_EVALUATION["mdr"],
        bootstrap=DES_BOOTSTRAP,
    script:
        "../scripts/des_first_step.py"


rule des_examples:
    """
    Triplets of real and of bogus stamps, whole, as the networks see them; each image is stretched separately. Published:
    Figure 2 of Ayyar et al. (2022).
    """
    input:
        stamps=rules.des_study_stamps.output[0],
    output:
        des_figure("examples", "stamps", "real and bogus stamps", "caption"),
    resources:
        **growing(mem_mb=4000, runtime=60),
    params:
        function="des_study.example_figures:label_examples",
        per_label=6,
        simulated=DES_SIMULATED,
    script:
        "../scripts/draw.py"


rule des_relabelled_examples:
    """
    Stamps whose label changed, in both directions, spread over the file; each image is stretched separately. Published:
    Figure 6 of Ayyar et al. (2022).
    """
    input:
        stamps=rules.des_study_stamps.output[0],
        labels=CORRECTED,
    output:
        des_figure("relabelled-stamps", "stamps", "stamps whose label changed", "caption"),
    resources:
        **growing(mem_mb=4000, runtime=60),
    params:
        function="des_study.example_figures:relabelled_examples",
        per_change=6,
        simulated=DES_SIMULATED,
    script:
        "../scripts/draw.py"


if config["surveys"][DES_SURVEY]["reader"] == "des":

    rule des_high_snr:
        """Errors of the models on candidates that stand out of the noise."""
        input:
            predictions=des_part_files(DES_MODELS, "predictions.parquet"),
            splits="<results>/des_study/splits/{part}.npz",
            stamps=rules.des_study_stamps.output[0],
            features=rules.des_study_features.output[0],
        output:
            des_table("high-snr-{part}", "performance", "{part} part, high S/N (table)"),
        resources:
            **growing(mem_mb=8000, runtime=60),
        params:
            **DES_JUDGED,
            bounds=DES_EVALUATION["categories"],
        script:
            "../scripts/des_high_snr.py"


rule des_retraining:
    input:
        old=expand("<results>/des_study/second/old/{model}/predictions.parquet", model=DES_MODELS),
        new=expand("<results>/des_study/second/new/{model}/predictions.parquet", model=DES_MODELS),
        labels=CORRECTED,
        splits="<results>/des_study/splits/second.npz",
    output:
        relabelled=des_table("relabelled", "relabelling", "categories before and after"),
        gain=des_table("retraining-gain", "relabelling", "gain of retraining"),
    resources:
        **growing(mem_mb=8000, runtime=120),
    params:
        **DES_JUDGED,
        bounds=DES_EVALUATION["categories"],
        mdr=DES_EVALUATION["mdr"],
        bootstrap=DES_BOOTSTRAP,
    script:
        "../scripts/des_retraining.py"


if DES_PLANTED:

    rule des_search_success:
        input:
            candidates=CANDIDATES,
            labels=CORRECTED,
        output:
            table=des_table("search", "relabelling", "search on planted flips"),
            queue="<results>/des_study/tables/review-queue.csv",
            figure=des_figure("search", "relabelling", "search on planted flips"),
            causes_figure=des_figure("search-causes", "relabelling", "search on planted flips by cause"),
        params:
            simulated=DES_SIMULATED,
        script:
            "../scripts/des_search_success.py"


if DES_PLANTED and len(DES_SEARCHED) > 1:

    rule des_rankings:
        """The candidates in the order of several networks and in that of one, on planted flips."""
        input:
            candidates=CANDIDATES,
            labels=CORRECTED,
        output:
            table=des_table("rankings", "relabelling", "candidates in two orders"),
            agreeing=des_table("agreeing", "relabelling", "candidates by agreeing networks"),
            queues="<results>/des_study/tables/ranked-queues.csv",
            figure=des_figure("rankings", "relabelling", "candidates in two orders"),
        params:
            networks=len(DES_SEARCHED),
            simulated=DES_SIMULATED,
        script:
            "../scripts/des_rankings.py"


if NEW_SURVEY:

    rule des_new_survey:
        input:
            predictions=expand(
                "<results>/des_study/new-survey/{model}/predictions.parquet", model=["before", "after"]
            ),
            labels="<results>/des_study/new-survey/labels.parquet",
            agreement="<results>/des_study/new-survey/agreement.json",
            splits="<results>/des_study/new-survey/splits.npz",
            scores="<results>/des_study/new-survey/scores.parquet",
            histories=["<results>/des_study/new-survey/after/history.parquet"],
        output:
            table=des_table("new-survey", "new survey", "rates at cutoffs (table)"),
            consensus=des_table("consensus", "new survey", "unanimous and disputed (table)"),
            unanimity=des_table("unanimity", "new survey", "unanimity by label (table)"),
            operating=des_table("operating-point", "new survey", "operating cutoff (table)"),
            cutoffs="<results>/des_study/tables/cutoffs.csv",
            figure=des_figure("new-survey", "new survey", "rates and cleanliness"),
            scores="<results>/des_study/tables/new-survey-scores.csv",
            scores_figure=des_figure("new-survey-scores", "new survey", "scores"),
            learning_figure=des_figure(
                "new-survey-learning-curves", "training", "new survey", "des_learning_curves"
            ),
        resources:
            **growing(mem_mb=4000, runtime=60),
        params:
            survey=NEW_NAME,
            mdr=DES_EVALUATION["mdr"],
            confidence=DES_EVALUATION["confidence"],
            models=["before", "after"],
            networks=["network_1"],
            bins=25,
            cutoff=0.3,  # as in the paper
            scores_title=f"{NEW_NAME}, labelled by votes",
            learning_title=f"{NEW_NAME}, network trained further on votes",
            simulated=DES_ANY_SIMULATED,
        script:
            "../scripts/des_new_survey.py"


if not DES_SIMULATED:

    rule des_beside_published:
        """Numbers that Ayyar et al. (2022) publish, ours beside them."""
        input:
            first="<results>/des_study/tables/performance-first.csv",
            second="<results>/des_study/tables/performance-second.csv",
            categories=[
                f"<results>/des_study/tables/categories-{part}.csv"
                for part in ("first", "first-corrected", "second")
            ],
            first_step="<results>/des_study/tables/first-step.csv",
            labels=CORRECTED,
            new_survey=[
                f"<results>/des_study/tables/{name}.csv"
                for name in ("new-survey", "consensus", "unanimity")
                if NEW_SURVEY and not DES_ANY_SIMULATED
            ],
            published="resources/published/des_study.csv",
        output:
            des_table("beside-published", "published", "ours beside the published"),
        params:
            simulated=False,
        script:
            "../scripts/des_beside_published.py"
