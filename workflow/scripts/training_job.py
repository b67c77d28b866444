"""What the scripts of trainings share: how and where their job is executed."""

from pathlib import Path
from typing import Any

from stampshift.training.jobs import Job


def job_of(snakemake: Any) -> Job:
    """Execution of a Snakemake job; none of it changes a result."""
    return Job(
        results=Path(snakemake.config.get("pathvars", {}).get("results", "results")),
        device=snakemake.config["execution"]["device"],
        threads=snakemake.threads,
        checkpoint_epochs=snakemake.config["execution"]["checkpoint_epochs"],
        log_file=Path(snakemake.log[0]),
    )


def paths(files: Any) -> list[Path]:
    """Input files as paths."""
    return [Path(file) for file in files]
