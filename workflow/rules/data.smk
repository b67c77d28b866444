rule download:
    output:
        "resources/raw/{survey}/{archive}",
    wildcard_constraints:
        survey="|".join(DOWNLOADED) or "(?!)",  # a file that the user put there is none of this rule's
        archive="[^/]+",
    resources:
        runtime=growing(1440),
    params:
        # what has come is not thrown away for an address that changed: the server is asked whether the file has
        url=archive_address,
        urls=archive_addresses,
        sha256=archive_checksum,
        tries=5,
    script:
        "../scripts/download.py"


rule simulate:
    input:
        constants="resources/surveys/{survey}.yaml",
    output:
        directory("resources/raw/simulated/{survey}-{size}-seed-{seed}"),
    wildcard_constraints:
        size="[0-9]+",
    threads: EXECUTION["preprocessing_threads"]
    script:
        "../scripts/simulate.py"


rule simulate_flipped:
    """An archive in DES' format with a share of wrong labels, and the truth beside them."""
    input:
        constants="resources/surveys/{survey}.yaml",
    output:
        directory("resources/raw/simulated/{survey}-{size}-seed-{seed}-flipped-{share}"),
    wildcard_constraints:
        size="[0-9]+",
        share="0[.][0-9]+|[0-9.]+e-[0-9]+",
    threads: EXECUTION["preprocessing_threads"]
    script:
        "../scripts/simulate_flipped.py"


rule stamps:
    input:
        archive=raw_archive,
        labels=survey_labels,
        schemas=survey_schemas,
    output:
        "<results>/stamps/{survey}.h5",
    threads: EXECUTION["preprocessing_threads"]
    resources:
        mem_mb=growing(4000),
        runtime=growing(240),
    params:
        survey=survey_name,
        reader=survey_reader,
        options=survey_options,
        classes=survey_classes,
        invalid=survey_invalid,
        origin=archive_origin,
        size_pixels=config["stamps"]["size_pixels"],
        normalisation=config["stamps"]["normalisation"],
    script:
        "../scripts/stamps.py"


rule splits:
    input:
        "<results>/stamps/{survey}.h5",
    output:
        expand("<results>/splits/{{survey}}/seed-{seed}.npz", seed=SEEDS),
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        fractions=config["splits"]["fractions"],
        seeds=SEEDS,
    script:
        "../scripts/splits.py"
