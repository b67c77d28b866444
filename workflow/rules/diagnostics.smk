rule detection_curves:
    input:
        few_and_many_predictions,
    output:
        curves="<results>/tables/diagnostics/curves/{pair}.csv",
        csv=report(
            "<results>/tables/diagnostics/operating-points/{pair}.csv",
            caption="../report/detection_curves.rst",
            category="8 Diagnostics",
            subcategory="1 curves",
            labels={"what": "{pair}", "kind": "table"},
        ),
        markdown="<results>/tables/diagnostics/operating-points/{pair}.md",
        latex="<results>/tables/diagnostics/operating-points/{pair}.tex",
        pdf="<results>/figures/diagnostics/curves/{pair}.pdf",
        png=report(
            "<results>/figures/diagnostics/curves/{pair}.png",
            caption="../report/detection_curves.rst",
            category="8 Diagnostics",
            subcategory="1 curves",
            labels={"what": "{pair}", "kind": "figure"},
        ),
    resources:
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        runs=few_and_many_models,
        surveys=target_and_source,
        methods=METHODS,
        operating_points=DIAGNOSTICS["operating_points"],
        simulated=SIMULATED,
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
            category="8 Diagnostics",
            subcategory="2 scores",
            labels={"what": "{pair}", "kind": "figure"},
        ),
    resources:
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        runs=many_shots_models,
        surveys=target_and_source,
        bins=25,
        simulated=SIMULATED,
    script:
        "../scripts/score_histograms.py"


rule calibrate_baseline:
    input:
        models=expand("<results>/baseline/{{source}}/seed-{seed}/model.pt", seed=SEEDS),
        stamps="<results>/stamps/{source}.h5",
        splits=expand("<results>/splits/{{source}}/seed-{seed}.npz", seed=SEEDS),
    output:
        "<results>/calibration/baseline/{source}.json",
    resources:
        gpu=GPUS,
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        architecture="bolivar",
        seeds=SEEDS,
    script:
        "../scripts/calibrate_baseline.py"


rule calibrate:
    input:
        models=expand(
            "<results>/{{method}}/{{source}}-to-{{target}}/shots-{{shots}}/seed-{seed}/model.pt", seed=SEEDS
        ),
        source_stamps="<results>/stamps/{source}.h5",
        target_stamps=target_stamps,
        source_splits=expand("<results>/splits/{{source}}/seed-{seed}.npz", seed=SEEDS),
        target_splits=expand("<results>/splits/{{target}}/seed-{seed}.npz", seed=SEEDS),
    output:
        "<results>/calibration/{method}/{source}-to-{target}/shots-{shots}.json",
    resources:
        gpu=GPUS,
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        architecture="bolivar",
        seeds=SEEDS,
        validation_shots=config["splits"]["validation_shots"],
    script:
        "../scripts/calibrate.py"


rule reliability:
    input:
        predictions=many_shots_predictions,
        calibrations=many_shots_calibrations,
    output:
        curves="<results>/tables/diagnostics/reliability/{pair}.csv",
        csv=report(
            "<results>/tables/diagnostics/calibration/{pair}.csv",
            caption="../report/reliability.rst",
            category="8 Diagnostics",
            subcategory="3 calibration",
            labels={"what": "{pair}", "kind": "table"},
        ),
        markdown="<results>/tables/diagnostics/calibration/{pair}.md",
        latex="<results>/tables/diagnostics/calibration/{pair}.tex",
        pdf="<results>/figures/diagnostics/reliability/{pair}.pdf",
        png=report(
            "<results>/figures/diagnostics/reliability/{pair}.png",
            caption="../report/reliability.rst",
            category="8 Diagnostics",
            subcategory="3 calibration",
            labels={"what": "{pair}", "kind": "figure"},
        ),
    resources:
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        runs=many_shots_models,
        surveys=target_and_source,
        methods=METHODS,
        bins=DIAGNOSTICS["reliability_bins"],
        simulated=SIMULATED,
    script:
        "../scripts/reliability.py"


rule class_recall:
    input:
        predictions=many_shots_predictions,
        stamps=target_and_source_stamps,
    output:
        csv=report(
            "<results>/tables/diagnostics/classes/{pair}.csv",
            caption="../report/class_recall.rst",
            category="8 Diagnostics",
            subcategory="4 classes",
            labels={"what": "{pair}", "kind": "table"},
        ),
        markdown="<results>/tables/diagnostics/classes/{pair}.md",
        latex="<results>/tables/diagnostics/classes/{pair}.tex",
        pdf="<results>/figures/diagnostics/classes/{pair}.pdf",
        png=report(
            "<results>/figures/diagnostics/classes/{pair}.png",
            caption="../report/class_recall.rst",
            category="8 Diagnostics",
            subcategory="4 classes",
            labels={"what": "{pair}", "kind": "figure"},
        ),
    resources:
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        runs=many_shots_models,
        surveys=target_and_source,
        methods=METHODS,
        confidence=DIAGNOSTICS["confidence"],
        simulated=SIMULATED,
    script:
        "../scripts/class_recall.py"


rule signal_to_noise:
    input:
        archive=raw_archive,
    output:
        "<results>/tables/snr/{survey}.parquet",
    wildcard_constraints:
        survey="|".join(SNR_SURVEYS) or "(?!)",  # of the others, the archive gives none
    resources:
        mem_mb=growing(2000),
        runtime=growing(120),
    params:
        reader=survey_reader,
    script:
        "../scripts/signal_to_noise.py"


rule snr_recall:
    input:
        predictions=many_shots_predictions,
        stamps=snr_stamps,
        ratios=snr_ratios,
    output:
        csv=report(
            "<results>/tables/diagnostics/snr/{pair}.csv",
            caption="../report/snr_recall.rst",
            category="8 Diagnostics",
            subcategory="5 S/N",
            labels={"what": "{pair}", "kind": "table"},
        ),
        markdown="<results>/tables/diagnostics/snr/{pair}.md",
        latex="<results>/tables/diagnostics/snr/{pair}.tex",
        pdf="<results>/figures/diagnostics/snr/{pair}.pdf",
        png=report(
            "<results>/figures/diagnostics/snr/{pair}.png",
            caption="../report/snr_recall.rst",
            category="8 Diagnostics",
            subcategory="5 S/N",
            labels={"what": "{pair}", "kind": "figure"},
        ),
    wildcard_constraints:
        pair="|".join(SNR_PAIRS) or "(?!)",
    resources:
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        runs=many_shots_models,
        surveys=target_and_source,
        measured=snr_surveys,
        methods=METHODS,
        bins=DIAGNOSTICS["snr_bins"],
        confidence=DIAGNOSTICS["confidence"],
        simulated=SIMULATED,
    script:
        "../scripts/snr_recall.py"


rule retention:
    input:
        runs="<results>/tables/runs.csv",
    output:
        csv="<results>/tables/diagnostics/retention.csv",
        pdf="<results>/figures/diagnostics/retention.pdf",
        png=report(
            "<results>/figures/diagnostics/retention.png",
            caption="../report/retention.rst",
            category="8 Diagnostics",
            subcategory="6 retention",
            labels={"what": "all pairs", "kind": "figure"},
        ),
    localrule: True
    params:
        pairs=PAIRS,
        surveys=SURVEYS,
        methods=METHODS,
        simulated=SIMULATED,
    script:
        "../scripts/retention.py"


rule worst_errors:
    input:
        predictions=gallery_predictions,
        stamps=gallery_stamps,
    output:
        csv="<results>/tables/diagnostics/errors/{pair}.csv",
        pdf="<results>/figures/diagnostics/errors/{pair}.pdf",
        png=report(
            "<results>/figures/diagnostics/errors/{pair}.png",
            caption="../report/worst_errors.rst",
            category="8 Diagnostics",
            subcategory="7 errors",
            labels={"what": "{pair}", "kind": "figure"},
        ),
    resources:
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        runs=gallery_models,
        surveys=target_and_source,
        model=gallery_name,
        per_kind=DIAGNOSTICS["errors"]["per_kind"],
        simulated=SIMULATED,
    script:
        "../scripts/worst_errors.py"


use rule worst_errors as worst_baseline_errors with:
    input:
        predictions=expand("<results>/baseline/{{survey}}/seed-{seed}/predictions.parquet", seed=SEEDS),
        stamps="<results>/stamps/{survey}.h5",
    output:
        csv="<results>/tables/diagnostics/errors/{survey}.csv",
        pdf="<results>/figures/diagnostics/errors/{survey}.pdf",
        png=report(
            "<results>/figures/diagnostics/errors/{survey}.png",
            caption="../report/worst_errors.rst",
            category="8 Diagnostics",
            subcategory="7 errors",
            labels={"what": "{survey} itself", "kind": "figure"},
        ),
    params:
        runs=own_models,
        surveys=own_survey,
        model="baseline of the survey itself",
        per_kind=DIAGNOSTICS["errors"]["per_kind"],
        simulated=SIMULATED,


rule features:
    input:
        models=first_split_model_files,
        stamps=target_and_source_stamps,
        splits=target_and_source_first_splits,
    output:
        "<results>/features/{pair}.parquet",
    resources:
        gpu=GPUS,
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        architecture="bolivar",
        runs=first_split_models,
        per_survey=DIAGNOSTICS["features_per_survey"],
    script:
        "../scripts/features.py"


rule domain_shift:
    input:
        features="<results>/features/{pair}.parquet",
    output:
        numbers="<results>/tables/diagnostics/shift/{pair}.csv",
        points="<results>/tables/diagnostics/embedding/{pair}.csv",
        pdf="<results>/figures/diagnostics/embedding/{pair}.pdf",
        png=report(
            "<results>/figures/diagnostics/embedding/{pair}.png",
            caption="../report/domain_shift.rst",
            category="8 Diagnostics",
            subcategory="8 shift",
            labels={"what": "features, {pair}"},
        ),
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        simulated=SIMULATED,
    script:
        "../scripts/domain_shift.py"


rule domain_shift_table:
    input:
        numbers=expand("<results>/tables/diagnostics/shift/{pair}.csv", pair=DIAGNOSED),
    output:
        csv=report(
            "<results>/tables/diagnostics/shift.csv",
            caption="../report/domain_shift_table.rst",
            category="8 Diagnostics",
            subcategory="8 shift",
            labels={"what": "table of all pairs"},
        ),
        markdown="<results>/tables/diagnostics/shift.md",
        latex="<results>/tables/diagnostics/shift.tex",
    localrule: True
    params:
        simulated=SIMULATED,
    script:
        "../scripts/domain_shift_table.py"
