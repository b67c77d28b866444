rule calibrate:
    input:
        models=each_seed("<results>/{method}/{source}-to-{target}/shots-{shots}/seed-{seed}/model.pt"),
        stamps=of_pair("<results>/stamps/{survey}.h5"),
        splits=of_pair("<results>/splits/{survey}/seed-{seed}.npz", seed=SEEDS),
    output:
        "<results>/calibration/{method}/{source}-to-{target}/shots-{shots}.json",
    resources:
        **growing(mem_mb=8000, runtime=60),
        gpu=GPUS,
    params:
        architecture=ARCHITECTURE,
        seeds=SEEDS,
        sources=surveys_of_source,
        surveys=source_and_target,
        validation_shots=config["splits"]["validation_shots"],
    script:
        "../scripts/calibrate.py"


use rule calibrate as calibrate_baseline with:
    input:
        models=each_seed("<results>/baseline/{source}/seed-{seed}/model.pt"),
        stamps=of_source("<results>/stamps/{survey}.h5"),
        splits=of_source("<results>/splits/{survey}/seed-{seed}.npz", seed=SEEDS),
    output:
        "<results>/calibration/baseline/{source}.json",
    params:
        surveys=surveys_of_source,
        validation_shots=0,


rule features:
    input:
        models=files_of(of_first_split, "model.pt"),
        stamps=for_each(target_and_source, "<results>/stamps/{survey}.h5"),
        splits=for_each(target_and_source, f"<results>/splits/{{survey}}/seed-{SEEDS[0]}.npz"),
    output:
        "<results>/features/{pair}.parquet",
    resources:
        **growing(mem_mb=4000, runtime=60),
        gpu=GPUS,
    params:
        architecture=ARCHITECTURE,
        runs=listed(of_first_split),
        per_survey=DIAGNOSTICS["features_per_survey"],
    script:
        "../scripts/features.py"


rule signal_to_noise:
    input:
        archive=archive()["archive"],
    output:
        "<results>/tables/snr/{survey}.parquet",
    wildcard_constraints:
        survey="|".join(SNR_SURVEYS) or "(?!)",  # of the others, the archive gives none
    resources:
        **growing(mem_mb=2000, runtime=120),
    params:
        **places(),
        columns="SIGNAL_TO_NOISE",
        reader=of_survey(in_section("reader")),
    script:
        "../scripts/catalogue.py"


rule diagnostics:
    """Diagnostics of a pair: curves, scores, calibration, classes, and the shift between features."""
    input:
        few_and_many=files_of(few_and_many, "predictions.parquet"),
        many=files_of(many, "predictions.parquet"),
        calibrations=calibrations,
        stamps=for_each(target_and_source, "<results>/stamps/{survey}.h5"),
        features=rules.features.output[0],
    output:
        curves="<results>/tables/diagnostics/curves/{pair}.csv",
        points=diagnosed(table, "operating-points", "curves", caption="detection_curves"),
        curves_figure=diagnosed(figure, "curves", "curves", caption="detection_curves"),
        scores="<results>/tables/diagnostics/scores/{pair}.csv",
        scores_figure=diagnosed(figure, "scores", "scores", caption="score_histograms"),
        reliability="<results>/tables/diagnostics/reliability/{pair}.csv",
        calibration=diagnosed(table, "calibration", "calibration", caption="reliability"),
        reliability_figure=diagnosed(figure, "reliability", "calibration", caption="reliability"),
        classes=diagnosed(table, "classes", "classes", caption="class_recall"),
        classes_figure=diagnosed(figure, "classes", "classes", caption="class_recall"),
        shift="<results>/tables/diagnostics/shift/{pair}.csv",
        embedding="<results>/tables/diagnostics/embedding/{pair}.csv",
        embedding_figure=diagnosed(
            figure, "embedding", "shift", "features, {pair}", kind=None, caption="domain_shift"
        ),
    resources:
        **growing(mem_mb=8000, runtime=60),
    params:
        few_and_many=listed(few_and_many),
        many=listed(many),
        surveys=target_and_source,
        methods=METHODS,
        operating_points=DIAGNOSTICS["operating_points"],
        score_bins=25,
        bins=DIAGNOSTICS["reliability_bins"],
        confidence=DIAGNOSTICS["confidence"],
    script:
        "../scripts/diagnostics.py"


rule snr_recall:
    input:
        predictions=files_of(many, "predictions.parquet"),
        stamps=for_each(with_snr, "<results>/stamps/{survey}.h5"),
        ratios=for_each(with_snr, "<results>/tables/snr/{survey}.parquet"),
    output:
        table=diagnosed(table, "snr", "S/N", caption="snr_recall"),
        figure=diagnosed(figure, "snr", "S/N", caption="snr_recall"),
    wildcard_constraints:
        pair="|".join(SNR_PAIRS) or "(?!)",
    resources:
        **growing(mem_mb=8000, runtime=60),
    params:
        runs=listed(many),
        surveys=target_and_source,
        measured=with_snr,
        methods=METHODS,
        bins=DIAGNOSTICS["snr_bins"],
        confidence=DIAGNOSTICS["confidence"],
    script:
        "../scripts/snr_recall.py"


rule worst_errors:
    input:
        predictions=files_of(gallery, "predictions.parquet"),
        stamps=lambda wildcards: f"<results>/stamps/{Pair.parse(wildcards.pair).target}.h5",
    output:
        numbers="<results>/tables/diagnostics/errors/{pair}.csv",
        figure=diagnosed(figure, "errors", "errors", caption="worst_errors"),
    resources:
        **growing(mem_mb=8000, runtime=60),
    params:
        runs=listed(gallery),
        surveys=target_and_source,
        model=gallery_name,
        per_kind=DIAGNOSTICS["errors"]["per_kind"],
    script:
        "../scripts/worst_errors.py"


use rule worst_errors as worst_baseline_errors with:
    input:
        predictions=each_seed("<results>/baseline/{source}/seed-{seed}/predictions.parquet"),
        stamps="<results>/stamps/{source}.h5",
    output:
        numbers="<results>/tables/diagnostics/errors/{source}.csv",
        figure=diagnosed(figure, "errors", "errors", "{source} itself", of="{source}", caption="worst_errors"),
    params:
        runs=listed(own),
        surveys=["{source}"],
        model="baseline of the survey itself",


rule domain_shift_table:
    input:
        numbers=expand(rules.diagnostics.output.shift, pair=DIAGNOSED),
    output:
        diagnosed(table, "shift", "shift", "table of all pairs", of="", kind=None, caption="shift_table"),
    script:
        "../scripts/domain_shift_table.py"


rule retention:
    input:
        runs=rules.gather.output[0],
    output:
        numbers="<results>/tables/diagnostics/retention.csv",
        figure=diagnosed(figure, "retention", "retention", "all pairs", of="", caption="retention"),
    params:
        pairs=OF_TWO_SURVEYS,
        methods=METHODS,
    script:
        "../scripts/retention.py"
