"""Fit temperatures: of adapted models on validation shots of the target, of baselines on the source's."""

from training_job import paths, splits_by_seed

from stampshift.config.experiment import BASELINE, Run
from stampshift.core.files import write_json
from stampshift.core.joblog import job_log
from stampshift.metrics.calibration import calibrated_splits
from stampshift.training.finished_models import score_validation

with job_log(snakemake.log[0]):
    named, seeds, surveys = snakemake.wildcards, snakemake.params.seeds, snakemake.params.surveys
    cohort = {
        "method": named.get("method", BASELINE),
        "source": named.source,
        "target": named.get("target"),
        "shots": int(named.get("shots", 0)),
    }
    validation = score_validation(
        [Run(**cohort, seed=seed) for seed in seeds],
        sources=snakemake.params.sources,
        models=paths(snakemake.input.models),
        stamps=dict(zip(surveys, paths(snakemake.input.stamps), strict=True)),
        splits=splits_by_seed(surveys, snakemake.input.splits, seeds),
        validation_shots=snakemake.params.validation_shots,
        device=snakemake.config["execution"]["device"],
    )
    write_json(snakemake.output[0], cohort | {"splits": calibrated_splits(validation)})
