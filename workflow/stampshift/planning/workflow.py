"""The jobs that Snakemake would run, from a dry run through its own interface."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from snakemake.api import SnakemakeApi
from snakemake.cli import parse_args
from snakemake.common.configfile import load_configfile
from snakemake.exceptions import RuleException, WorkflowError
from snakemake.logging import logger
from snakemake.settings.types import (
    ConfigSettings,
    DAGSettings,
    OutputSettings,
    ResourceSettings,
    SchedulingSettings,
)
from snakemake.utils import available_cpu_count, update_config
from snakemake_interface_logger_plugins.common import LogEvent

from stampshift.config.experiment import Experiment
from stampshift.config.model import read_experiment
from stampshift.core.errors import ConfigError

BASE_CONFIG = Path("config.yaml")
CONSTANTS = "resources/surveys/{survey}.yaml"


@dataclass(frozen=True)
class PlannedJob:
    """One job of a dry run.

    Attributes
    ----------
    rule, wildcards, threads
        As Snakemake has them; the threads are no more than the cores.
    gpus
        The job's resource ``gpu``.
    inputs, outputs
        Paths; they say which job waits for which.
    """

    rule: str
    wildcards: Mapping[str, str]
    threads: int
    gpus: int
    inputs: frozenset[str]
    outputs: frozenset[str]


@dataclass(frozen=True)
class PlannedWorkflow:
    """What a call of Snakemake would do.

    Attributes
    ----------
    jobs
        In the order of the dry run, in which no job comes before one that it waits for.
    config
        The configuration, overlays laid over it.
    experiment
        What it asks for.
    cores
        Cores that the jobs share.
    gpus
        Limit of the resource ``gpu``; None where the call sets none.
    absent
        Path of the raw archives that the user has yet to put there, by survey.
    """

    jobs: tuple[PlannedJob, ...]
    config: Mapping[str, Any]
    experiment: Experiment
    cores: int
    gpus: int | None
    absent: Mapping[str, str]

    @property
    def results(self) -> Path:
        """Folder of the results."""
        return Path(self.config.get("pathvars", {}).get("results", "results"))


def read_workflow(
    *,
    configfiles: Sequence[Path],
    workflow_profile: Path | None,
    cores: int | None,
    targets: Sequence[str],
    everything: bool,
) -> PlannedWorkflow:
    """Ask Snakemake, in the project's folder, what it would run.

    An archive that has yet to be put there does not stop the dry run, as it would stop the run.

    Parameters
    ----------
    configfiles, workflow_profile, cores
        As Snakemake's options of these names; None for what the profile says or, for the cores, all.
    targets
        Rules or files to make; none for the whole study.
    everything
        Whether jobs count whose results are there already.

    Raises
    ------
    ConfigError
        If there is no workflow here, or Snakemake refuses the configuration.
    """
    if not BASE_CONFIG.is_file() or not Path("Snakefile").is_file():
        raise ConfigError(
            f"plan: {Path.cwd()} holds no Snakefile and config.yaml; run from the project's folder."
        )
    arguments = _arguments(configfiles=configfiles, workflow_profile=workflow_profile, cores=cores)
    files = [Path(path) for path in arguments.configfile or []]
    config = _merged(files)
    experiment = read_experiment(config)
    absent = _absent_archives(config)
    stand_ins = {name: {"path": CONSTANTS.format(survey=name)} for name in absent}
    available = arguments.cores or available_cpu_count()
    records = _dry_run(
        ConfigSettings(configfiles=files, config={"surveys": stand_ins} if stand_ins else {}),
        cores=available,
        targets=targets,
        everything=everything,
    )
    limits = arguments.resources or {}
    return PlannedWorkflow(
        jobs=tuple(_job(record) for record in records),
        config=config,
        experiment=experiment,
        cores=available,
        gpus=int(limits["gpu"].value) if "gpu" in limits else None,
        absent=absent,
    )


def _arguments(*, configfiles: Sequence[Path], workflow_profile: Path | None, cores: int | None) -> Any:
    """Snakemake's own reading of its options and of a profile."""
    given = ["--workflow-profile", str(workflow_profile)] if workflow_profile else []
    given += ["--cores", str(cores)] if cores else []
    given += ["--configfile", *map(str, configfiles)] if configfiles else []
    if workflow_profile is not None and not workflow_profile.exists():
        raise ConfigError(f"plan: {workflow_profile}: no such profile.")
    for path in configfiles:
        if not path.is_file():
            raise ConfigError(f"plan: {path}: no such configuration file.")
    return parse_args(given)[1]


def _merged(files: Sequence[Path]) -> dict[str, Any]:
    config: dict[str, Any] = load_configfile(BASE_CONFIG)
    for path in files:
        update_config(config, load_configfile(path))
    return config


def _absent_archives(config: Mapping[str, Any]) -> dict[str, str]:
    paths = {
        name: section["path"]
        for name, section in config["surveys"].items()
        if section["origin"] == "path" and not Path(section["path"]).exists()
    }
    return {name: path for name, path in paths.items() if Path(CONSTANTS.format(survey=name)).is_file()}


class _Records(logging.Handler):
    """Keeps what Snakemake logs of each job, and its errors."""

    def __init__(self) -> None:
        super().__init__()
        self.jobs: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record of a job."""
        if getattr(record, "event", None) is LogEvent.JOB_INFO:
            self.jobs.append(record)


def _dry_run(
    config: ConfigSettings, *, cores: int, targets: Sequence[str], everything: bool
) -> list[logging.LogRecord]:
    kept = _Records()
    try:
        with SnakemakeApi(OutputSettings(dryrun=True)) as api:
            logger.handlers[:] = [kept]  # nothing is printed
            workflow = api.workflow(ResourceSettings(cores=cores), config_settings=config)
            dag = workflow.dag(DAGSettings(targets=set(targets), forceall=everything, force_incomplete=True))
            dag.execute_workflow(
                pseudo_executor="dryrun", scheduling_settings=SchedulingSettings(scheduler="greedy")
            )
    except (WorkflowError, RuleException) as error:
        raise ConfigError(f"plan: Snakemake refuses this: {error}") from None
    finally:
        logger.handlers.clear()
    return kept.jobs


def _job(record: Any) -> PlannedJob:
    return PlannedJob(
        rule=record.rule_name,
        wildcards=dict(record.wildcards),
        threads=int(record.threads),
        gpus=int(record.resources.get("gpu") or 0),
        inputs=frozenset(map(str, record.input)),
        outputs=frozenset(map(str, record.output)),
    )
