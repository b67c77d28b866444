"""Fit temperatures: of adapted models on validation shots of the target, of baselines on the source's."""

from training_job import paths

from stampshift.config.experiment import BASELINE, Run
from stampshift.core.files import write_json
from stampshift.core.joblog import job_log
from stampshift.metrics.calibration import calibrated_splits
from stampshift.training.finished_models import score_validation

with job_log(snakemake.log[0]):
    named, seeds = snakemake.wildcards, snakemake.params.seeds
    cohort = {
        "method": named.get("method", BASELINE),
        "source": named.source,
        "target": named.get("target"),
        "shots": int(named.get("shots", 0)),
    }
    surveys = [survey for survey in (cohort["source"], cohort["target"]) if survey]
    splits = paths(snakemake.input.splits)  # the seeds of the source, then those of the target
    validation = score_validation(
        [Run(**cohort, seed=seed) for seed in seeds],
        models=paths(snakemake.input.models),
        stamps=dict(zip(surveys, paths(snakemake.input.stamps), strict=True)),
        splits=[dict(zip(surveys, splits[place :: len(seeds)], strict=True)) for place in range(len(seeds))],
        validation_shots=snakemake.params.validation_shots,
        device=snakemake.config["execution"]["device"],
    )
    write_json(snakemake.output[0], cohort | {"splits": calibrated_splits(validation)})
