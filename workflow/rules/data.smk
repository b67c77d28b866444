rule download:
    output:
        "resources/raw/{survey}/{archive}",
    wildcard_constraints:
        survey="|".join(DOWNLOADED) or "(?!)",  # a file that the user put there is not made by this rule
        archive="[^/]+",
    resources:
        **growing(runtime=1440),
    params:
        # what has come is not thrown away for an address that changed: the server is asked whether the file has
        url=archive_address,
        urls=lookup(dpath="surveys/{survey}/url", within=config),
        sha256=lambda wildcards: config["surveys"][wildcards.survey].get("sha256", {}).get(wildcards.archive),
        tries=5,
    script:
        "../scripts/download.py"


rule simulate:
    input:
        constants=of_survey(constants_of),
    output:
        directory("resources/raw/simulated/{survey}-{size}-seed-{seed}"),
    wildcard_constraints:
        size="[0-9]+",
    threads: EXECUTION["preprocessing_threads"]
    params:
        flipped=None,
        hdus=False,
        packets=False,
    script:
        "../scripts/simulate.py"


use rule simulate as simulate_flipped with:
    """An archive in DES' format with a share of wrong labels, and a file of the true ones."""
    output:
        directory("resources/raw/simulated/{survey}-{size}-seed-{seed}-flipped-{share}-by-{by}"),
    wildcard_constraints:
        size="[0-9]+",
        share="0[.][0-9]+|[0-9.]+e-[0-9]+",
        by="cause|chance",
    params:
        flipped=lambda wildcards: float(wildcards.share),


use rule simulate as simulate_hdus with:
    """ATLAS' archive as pickled HDUs of astropy."""
    output:
        directory("resources/raw/simulated/{survey}-{size}-seed-{seed}-hdus"),
    wildcard_constraints:
        size="[0-9]+",
    params:
        hdus=True,


use rule simulate as simulate_packets with:
    """Alert packets without labels, and a table of the true ones."""
    output:
        directory("resources/raw/simulated/{survey}-{size}-seed-{seed}-packets"),
    wildcard_constraints:
        size="[0-9]+",
    params:
        packets=True,


rule stamps:
    input:
        **archive(),
    output:
        "<results>/stamps/{survey}.h5",
    threads: EXECUTION["preprocessing_threads"]
    resources:
        **growing(mem_mb=4000, runtime=240),
    params:
        **reading(),
        origin=of_survey(archive_origin),
        size_pixels=config["stamps"]["size_pixels"],
        normalisation=config["stamps"]["normalisation"],
        unlabelled="drop",
        unit_minutes=EXECUTION["unit_minutes"],
    script:
        "../scripts/stamps.py"


rule splits:
    input:
        "<results>/stamps/{survey}.h5",
    output:
        each_seed("<results>/splits/{survey}/seed-{seed}.npz"),
    resources:
        **growing(mem_mb=4000, runtime=60),
    params:
        **{name: config["splits"][name] for name in ("fractions", "grouped", "stratified")},
        seeds=SEEDS,
    script:
        "../scripts/splits.py"
