"""What the scripts of trainings share: how and where their job is executed, and its cohort."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stampshift.training.device import choose_device
from stampshift.training.execute import Job
from stampshift.training.jobs import Cohort, Neighbour


def job_of(snakemake: Any) -> Job:
    """Execution of a Snakemake job; none of it changes a result."""
    return Job(
        results=Path(snakemake.config.get("pathvars", {}).get("results", "results")),
        device=choose_device(snakemake.config["execution"]["device"]),
        threads=snakemake.threads,
        checkpoint_epochs=snakemake.config["execution"]["checkpoint_epochs"],
        log_file=Path(snakemake.log[0]),
    )


def cohort_of(snakemake: Any, *, name: str) -> Cohort:
    """What the adaptations of a Snakemake job share."""
    wildcards, files, params = snakemake.wildcards, snakemake.input, snakemake.params
    return Cohort(
        name=name,
        method=params.method,
        network=params.network,
        source=wildcards.source,
        target=wildcards.target,
        surveys=params.surveys[:-1],
        stamps=dict(zip(params.surveys, paths(files.stamps), strict=True)),
        options=params.options,
        training=params.training,
        validation_shots=params.validation_shots,
        precision=params.precision,
    )


def splits_by_seed(surveys: Sequence[str], files: Any, seeds: Sequence[int]) -> list[dict[str, Path]]:
    """Splits by survey, for each seed, of files that come survey by survey, each with all seeds."""
    splits = paths(files)
    return [dict(zip(surveys, splits[place :: len(seeds)], strict=True)) for place in range(len(seeds))]


def neighbours_of(snakemake: Any, *, seeds: Sequence[int]) -> list[Neighbour]:
    """Targets whose runs a Snakemake job trains ahead, with their files."""
    names, files = snakemake.params.get("neighbours", []), snakemake.input
    stamps, splits, weights = (files.get(f"ahead_{kind}", []) for kind in ("stamps", "splits", "weights"))
    by_seed = splits_by_seed(names, splits, seeds)
    return [
        Neighbour(name, own_stamps, [each[name] for each in by_seed], paths(weights[number : number + 1]))
        for number, (name, own_stamps) in enumerate(zip(names, paths(stamps), strict=True))
    ]


def paths(files: Any) -> list[Path]:
    """Input files as paths."""
    return [Path(file) for file in files]
