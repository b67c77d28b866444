"""Features of test stamps of source and target under the models of a pair."""

from pathlib import Path

from stampshift.config.experiment import Run
from stampshift.core.files import write_parquet
from stampshift.core.joblog import job_log
from stampshift.training.finished_models import extract_features

with job_log(snakemake.log[0]):
    features = extract_features(
        [Run(**run) for run in snakemake.params.runs],
        models=[Path(path) for path in snakemake.input.models],
        stamps=[Path(path) for path in snakemake.input.stamps],
        splits=[Path(path) for path in snakemake.input.splits],
        per_survey=snakemake.params.per_survey,
        device=snakemake.config["execution"]["device"],
    )
    write_parquet(snakemake.output[0], features)
