rule gather:
    input:
        run_files(EXPERIMENT.baseline_runs(), "metrics.json"),
        run_files(EXPERIMENT.transfers(), "metrics.json"),
        run_files(EXPERIMENT.adaptations(), "metrics.json"),
    output:
        in_report("<results>/tables/runs.csv", "Balanced accuracy", "every run", caption="gather"),
    script:
        "../scripts/gather.py"


rule gather_pair:
    input:
        pair_metrics,
    output:
        "<results>/tables/runs/{pair}.csv",
    localrule: True
    script:
        "../scripts/gather.py"


# ---- a docstring is the caption in the report -------------------------------------------------------------


rule overview:
    """
    Balanced accuracy of every pair: the baseline on its source and on the target, and both methods by number of
    labelled target stamps per class, on the target and on the source; mean, sample standard deviation and number of
    splits.
    """
    input:
        runs=rules.gather.output[0],
    output:
        table("tables/overview", "Balanced accuracy", "all pairs"),
    params:
        function="tables.overview:overview_table",
        pairs=OF_TWO_SURVEYS,
        methods=METHODS,
    script:
        "../scripts/tabulate.py"


rule all_pairs_figure:
    """
    Balanced accuracy by number of labelled target stamps per class, a row per source and a column per target: means
    over splits, with the sample standard deviation as bar. Filled circles are on the target, open squares on the
    source; horizontal lines are the baseline without adaptation, dashed on the target and dotted on the source.
    Published: Figure 1 of Cabrera-Vives et al. (2023).
    """
    input:
        runs=rules.gather.output[0],
    output:
        figure("figures/all-pairs", "Balanced accuracy", "all pairs"),
    params:
        function="figures.accuracy_figures:all_pairs",
        surveys=NAMED,
        methods=METHODS,
    script:
        "../scripts/draw.py"


rule table1:
    """
    Balanced accuracy of baselines trained on one survey (source) and tested on another (target): mean, sample standard
    deviation and number of splits. Published as Table 1 of Bolívar (2022) and of Cabrera-Vives et al. (2023).
    """
    input:
        runs=rules.gather.output[0],
        published=PUBLISHED_ACCURACY,
    output:
        table("tables/table-1", "Balanced accuracy", "baselines"),
    params:
        function="tables.balanced_accuracy:baseline_table",
        surveys=NAMED,
    script:
        "../scripts/tabulate.py"


rule table1_figure:
    """
    Balanced accuracy of baselines trained on one survey (row) and tested on another (column), mean ± sample standard
    deviation over splits; a coin scores 0.5. Published as Table 1 of Bolívar (2022).
    """
    input:
        runs=rules.gather.output[0],
    output:
        figure("figures/table-1", "Balanced accuracy", "baselines"),
    params:
        function="figures.baseline_figures:baseline_map",
        surveys=NAMED,
    script:
        "../scripts/draw.py"


rule baseline_bars:
    """
    Balanced accuracy of baselines: a group of bars per survey that they were trained on, a bar per survey that they were
    tested on. Bars are means over splits, the lines on them the sample standard deviation; a coin scores 0.5. Published:
    Figure 14 of Bolívar (2022).
    """
    input:
        runs=rules.gather.output[0],
    output:
        figure("figures/baseline-bars", "Balanced accuracy", "baselines", kind="bars"),
    params:
        function="figures.baseline_figures:baseline_bars",
        surveys=NAMED,
    script:
        "../scripts/draw.py"


rule pair_table:
    """
    Balanced accuracy of models of {pair}, by number of labelled target stamps per class (shots), on the source and on
    the target: mean, sample standard deviation and number of splits. The first line is the baseline without
    adaptation; another one with 0 shots is MME without any label of the target. Published: Tables 2 to 25 of Bolívar (2022).
    """
    input:
        runs=rules.gather_pair.output[0],
        published=PUBLISHED_ACCURACY,
    output:
        table("tables/pairs/{pair}", "Adaptation by pair", "{pair}"),
    params:
        function="tables.balanced_accuracy:pair_table",
        pair="{pair}",
        methods=METHODS,
    script:
        "../scripts/tabulate.py"


rule pair_figure:
    """
    Balanced accuracy of models of {pair} by number of labelled target stamps per class, on the target (left) and on the
    source (right). Boxes show the quartiles over splits and the median, whiskers reach to 1.5 interquartile ranges,
    every split is a dot and a diamond is the mean; fewer than five splits have no box. The dashed line is the mean of the baseline without adaptation. The
    vertical axis starts at 0.4, or lower if a run is lower. Published: Figures 21 to 32 of Bolívar (2022).
    """
    input:
        runs=rules.gather_pair.output[0],
    output:
        figure("figures/pairs/{pair}", "Adaptation by pair", "{pair}"),
    params:
        function="figures.accuracy_figures:pair_boxplots",
        pair="{pair}",
        methods=METHODS,
    script:
        "../scripts/draw.py"


if ENTROPY_WEIGHT_CHOICE:

    rule lambda_table:
        """
        Weight λ of the entropy term of MME chosen for each pair, the choice of Bolívar (2022), the number of weights that
        tie for the highest validation accuracy, and MME with the chosen and with the published λ, on the test parts of
        target and source. The last columns are the balanced accuracy on the labelled validation stamps of the target that
        each λ of the grid reached. All are means over numbers of shots on the split of the search.
        """
        input:
            searches=expand("<results>/lambda/{pair}.json", pair=PAIRS),
            published="resources/published/published_lambda.csv",
        output:
            table("tables/lambda", "Entropy weight", "table of all pairs", kind=None),
        params:
            function="tables.lambda_tables:lambda_table",
        script:
            "../scripts/tabulate.py"


if ENTROPY_WEIGHT_CHOICE == "search":

    rule lambda_figure:
        """
        Search of the weight λ of the entropy term of MME for {pair}: balanced accuracy on the labelled validation stamps
        of the target, a line per number of shots. The thick line is the mean over shots. Its highest point, marked by the
        star, gives the λ of the pair; where several weights reach it (rings), it is the one of the lowest validation
        cross-entropy.
        """
        input:
            search="<results>/lambda/{pair}.json",
        output:
            figure("figures/lambda/{pair}", "Entropy weight", "{pair}", kind=None),
        params:
            function="figures.training_figures:lambda_curves",
        script:
            "../scripts/draw.py"

    rule lambda_by_shots_figure:
        """
        The same search by number of labelled target stamps per class, a line per λ, that of the chosen one thick:
        balanced accuracy of the kept weights on the labelled target stamps that they were trained on (left) and on the
        labelled validation stamps of the target (right). Published: Figures 15 to 20 of Bolívar (2022).
        """
        input:
            search="<results>/lambda/{pair}.json",
        output:
            figure("figures/lambda/{pair}-by-shots", "Entropy weight", "{pair} by shots", kind=None),
        params:
            function="figures.lambda_figures:lambda_by_shots",
        script:
            "../scripts/draw.py"


rule significance:
    """Every comparison, and the decisions that rest on them."""
    input:
        runs=rules.gather.output[0],
        # simulated numbers are never shown beside the published ones
        published=[] if SIMULATED else [PUBLISHED_ACCURACY],
    output:
        comparisons=in_report(
            "<results>/tables/significance.csv", "Claims", "every comparison", caption="significance"
        ),
        claims=table("tables/claims", "Claims", "claims", caption="claims"),
        shots_to_beat=table(
            "tables/table-26", "Claims", "shots to beat the baseline", caption="shots_to_beat"
        ),
        winner=table("tables/table-27", "Claims", "better method", caption="winner"),
    params:
        pairs=OF_TWO_SURVEYS,
        methods=METHODS,
    script:
        "../scripts/significance.py"


rule published_claims:
    """
    The same claims judged by the same rule on the published means and standard deviations of Bolívar (2022), Tables 1 to
    25, with unpaired tests: the single splits are not published. No number here comes from this run.
    """
    input:
        published=PUBLISHED_ACCURACY,
    output:
        table("tables/published-claims", "Claims", "claims on the published means"),
    params:
        function="tables.claims:published_claims_table",
        simulated=False,
    script:
        "../scripts/tabulate.py"


rule data_table:
    input:
        stamps=expand("<results>/stamps/{survey}.h5", survey=SURVEYS),
        published="resources/published/published_counts.csv",
    output:
        table("tables/data", "Surveys", "table of all triplets", kind=None, caption="data"),
    priority: 1  # a mismatch is known before the trainings
    params:
        surveys=SURVEYS,
    script:
        "../scripts/data_table.py"


rule summary_page:
    input:
        data=rules.data_table.output[0],
        runs=rules.gather.output[0],
        comparisons=rules.significance.output.comparisons,
        published=PUBLISHED_ACCURACY,
        panel="<results>/figures/all-pairs.png",
        several=["<results>/tables/generalist/comparisons.csv"] if GENERALISTS else [],
        answers=[f"<results>/figures/generalist/{name}.png" for name in ANSWERS if GENERALISTS],
        template="workflow/report/summary.html.jinja",
    output:
        in_report("<results>/summary.html", "Claims", "one-page summary", kind="page", caption="summary"),
    params:
        pairs=OF_TWO_SURVEYS,
        methods=METHODS,
    script:
        "../scripts/summary_page.py"


rule published_decisions:
    """
    Tables 26 and 27 of Bolívar (2022) as printed, and as they follow from the published means and standard deviations
    under our rule, with Welch's t-test in place of the paired one: the single splits are not published. No number here
    comes from this run.
    """
    input:
        published=PUBLISHED_ACCURACY,
        shots_to_beat="resources/published/published_shots_to_beat_baseline.csv",
        winner="resources/published/published_winner.csv",
    output:
        table("tables/published-decisions", "Claims", "the published decisions under our rule"),
    params:
        function="tables.beside_published:published_decisions_table",
        simulated=False,
    script:
        "../scripts/tabulate.py"


if not SIMULATED:

    rule beside_published:
        """
        Every published balanced accuracy that this run has too, next to ours: mean and standard deviation over splits,
        their difference, and the difference in units of the combined standard error.
        """
        input:
            runs=rules.gather.output[0],
            published=PUBLISHED_ACCURACY,
        output:
            table("tables/beside-published", "Balanced accuracy", "beside the published"),
        params:
            function="tables.beside_published:beside_published_table",
            simulated=False,
        script:
            "../scripts/tabulate.py"

    rule beside_published_figure:
        """
        Our balanced accuracies beside the published ones. Left: each mean against the published mean, with standard
        errors; on the line they agree. Right: the difference in units of the combined standard error; nineteen in
        twenty should be within the shaded two, if chance were the only difference.
        """
        input:
            numbers=rules.beside_published.output[0],
        output:
            figure("figures/beside-published", "Balanced accuracy", "beside the published"),
        params:
            function="figures.change_figures:beside_published",
            simulated=False,
        script:
            "../scripts/draw.py"


if ZERO_LABEL:

    rule zero_shot_table:
        """
        Balanced accuracy without any label of the target: the baseline as it is (source only) and every method that
        adapts it with 0 labelled target stamps, on the target of every pair; mean ± sample standard deviation over
        splits. The last lines are means over pairs, on the target and on the source. The source's validation part
        chooses every epoch. The table's file also has the differences from the baseline, split by split.
        """
        input:
            runs=rules.gather.output[0],
        output:
            table("tables/zero-shots", "Balanced accuracy", "no label of the target"),
        params:
            function="tables.zero_shots:zero_shot_table",
            pairs=PAIRS,
            names=WITHOUT_LABELS,
            variant_names=VARIANT_NAMES,
        script:
            "../scripts/tabulate.py"

    rule zero_shot_figure:
        """
        Balanced accuracy on the target without any label of it, a row per pair and a column per method: mean ± sample
        standard deviation over splits. The first column is the baseline as it is; a coin scores 0.5.
        """
        input:
            numbers=rules.zero_shot_table.output[0],
        output:
            figure("figures/zero-shots", "Balanced accuracy", "no label of the target"),
        params:
            function="figures.zero_shot_figures:zero_shot_map",
            variant_names=VARIANT_NAMES,
        script:
            "../scripts/draw.py"


if VARIANTS:

    COMPARED = {"names": METHODS + VARIANTS, "variant_names": VARIANT_NAMES, "reference": "mme"}

    rule ablation_table:
        """
        What each part of the method is worth: balanced accuracy of its variants, of the other methods and of the
        baseline without adaptation (source only), on the target and on the source, by number of labelled target stamps
        per class (shots); mean ± sample standard deviation over splits and pairs. The spread holds the differences
        between pairs; the table's file also has the differences from the method run by run, on the same pair, shots and
        split. Variants share the method's random draws and, where they name none, its weight λ, chosen for
        each pair.
        """
        input:
            runs=rules.gather.output[0],
        output:
            table("tables/ablations", "Ablations", "variants of MME"),
        params:
            **COMPARED,
            function="tables.change_tables:ablation_table",
        script:
            "../scripts/tabulate.py"

    rule ablation_figure:
        """
        Balanced accuracy of each variant less that of the method it is a variant of, run by run on the same pair, number
        of shots and split: single differences (dots), their mean and sample standard deviation (markers with bars).
        Left of the dashed line the variant is worse. The baseline (source only) knows no shots; what it is compared with
        does.
        """
        input:
            runs=rules.gather.output[0],
        output:
            figure("figures/ablations", "Ablations", "variants of MME"),
        params:
            **COMPARED,
            function="figures.change_figures:ablation_differences",
        script:
            "../scripts/draw.py"


rule network_table:
    output:
        table("tables/network", "Training", "table of the networks' layers", kind=None, caption="network"),
    params:
        network=config["network"],
        size_pixels=config["stamps"]["size_pixels"],
        simulated=False,
    script:
        "../scripts/network_table.py"


rule network_costs:
    input:
        run_files(EXPERIMENT.baseline_runs(), "metrics.json"),
        each_seed(
            "<results>/networks/{network}/{source}/seed-{seed}/metrics.json",
            network=COMPARED_NETWORKS,
            source=SOURCES,
        ),
    output:
        table(
            "tables/network-costs",
            "Training",
            "table of the networks' accuracy and cost",
            kind=None,
            caption="network_costs",
        ),
    params:
        networks=[config["network"], *COMPARED_NETWORKS],
        size_pixels=config["stamps"]["size_pixels"],
    script:
        "../scripts/network_costs.py"


rule kept_table:
    """
    What the choice of the epoch is worth: balanced accuracy on the target and on the source with the weights of the
    first or the last epoch of the highest validation balanced accuracy, of the lowest validation cross-entropy, or of the
    last epoch trained, and the mean number of that epoch; means over splits and pairs. One training gives all four. Where
    the configuration keeps the first best epoch, a perfect validation ends a training, and no rule sees a later epoch.
    """
    input:
        kept=run_files(EXPERIMENT.baseline_runs(), "metrics.json")
        + run_files(EXPERIMENT.adaptations(), "metrics.json"),
    output:
        table("tables/kept-weights", "Training", "table of kept epochs", kind=None),
    params:
        function="tables.kept_weights:kept_table",
        names=METHODS + VARIANTS + ZERO_LABEL,
        variant_names=VARIANT_NAMES,
        keep=config["training"]["keep"],
    script:
        "../scripts/tabulate.py"


rule kept_comparison:
    """
    What other rules of keeping an epoch change against the first epoch of the highest validation balanced accuracy:
    differences of balanced accuracy on target and source by method, means over splits, shots and pairs, with a
    signed-rank test over the pairs.
    """
    input:
        numbers=rules.kept_table.output[0],
    output:
        table("tables/kept-weights-compared", "Training", "rules of keeping an epoch compared", kind=None),
    params:
        function="tables.kept_weights:rules_compared",
        names=METHODS + VARIANTS + ZERO_LABEL,
        variant_names=VARIANT_NAMES,
    script:
        "../scripts/tabulate.py"


rule kept_figure:
    """
    What the choice of the epoch is worth: balanced accuracy on the target and on the source, and the number of the kept
    epoch, by number of labelled target stamps per class; means over splits and pairs, a line per rule. One training gives
    all four.
    """
    input:
        numbers=rules.kept_table.output[0],
    output:
        figure("figures/kept-weights", "Training", "kept epochs", kind=None),
    params:
        function="figures.training_figures:kept_weights",
        methods=METHODS,
    script:
        "../scripts/draw.py"


rule learning_curves_figure:
    """
    Training of the baselines of {source}, a line per split: cross-entropy on the training batches and balanced accuracy
    on the validation part. Dots mark the epochs whose weights are kept.
    """
    input:
        histories=each_seed("<results>/baseline/{source}/seed-{seed}/history.parquet"),
    output:
        figure("figures/learning-curves/{source}", "Training", "baselines of {source}", kind=None),
    params:
        function="figures.training_figures:learning_curves",
        survey="{source}",
        simulated=lambda wildcards: any(map(is_simulated, surveys_of_source(wildcards))),
    script:
        "../scripts/draw.py"


rule examples_figure:
    """
    Preprocessed triplets (template, science, difference) of every class of {survey}, chosen evenly from the class's
    stamps. Each image is stretched separately.
    """
    input:
        stamps="<results>/stamps/{survey}.h5",
    output:
        figure("figures/examples/{survey}", "Surveys", "examples of {survey}", kind=None),
    params:
        function="figures.stamp_figures:class_examples",
        per_class=3,
        simulated=of_survey(is_simulated),
    script:
        "../scripts/draw.py"


rule preprocessing_figure:
    input:
        **archive(),
        stamps="<results>/stamps/{survey}.h5",
    output:
        examples=figure(
            "figures/preprocessing/{survey}",
            "Surveys",
            "preprocessing of {survey}",
            kind=None,
            caption="preprocessing",
        ),
        steps=figure(
            "figures/preprocessing/{survey}-steps",
            "Surveys",
            "steps of preprocessing of {survey}",
            kind=None,
            caption="preprocessing_steps",
        ),
        extreme=figure(
            "figures/preprocessing/{survey}-extreme",
            "Surveys",
            "extreme case of {survey}",
            kind=None,
            caption="extreme_case",
        ),
    resources:
        **growing(mem_mb=4000, runtime=60),
    params:
        **reading(),
        size_pixels=config["stamps"]["size_pixels"],
        normalisation=config["stamps"]["normalisation"],
        per_class=2,
        simulated=of_survey(is_simulated),
    script:
        "../scripts/preprocessing_figure.py"
