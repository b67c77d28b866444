"""The jobs that Snakemake would run, from a dry run through its own interface."""

import logging.handlers
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

import yaml
from snakemake.api import SnakemakeApi
from snakemake.cli import parse_args
from snakemake.common.configfile import load_configfile
from snakemake.exceptions import RuleException, WorkflowError
from snakemake.logging import logger
from snakemake.settings import types as settings
from snakemake.utils import available_cpu_count, update_config
from snakemake_interface_logger_plugins.common import LogEvent

from stampshift.config.experiment import Experiment
from stampshift.config.model import read_experiment
from stampshift.core.errors import ConfigError
from stampshift.stamps.file import read_attributes

BASE_CONFIG = Path("config.yaml")
CONSTANTS = "resources/surveys/{survey}.yaml"


@dataclass(frozen=True)
class PlannedJob:
    """One job of a dry run, as Snakemake describes it."""

    rule: str
    wildcards: Mapping[str, str]
    threads: int  # no more than the cores
    gpus: int  # the resource ``gpu``
    inputs: frozenset[str]
    outputs: frozenset[str]


@dataclass(frozen=True)
class PlannedWorkflow:
    """What a call of Snakemake would do."""

    jobs: tuple[PlannedJob, ...]  # none before one that it waits for
    config: Mapping[str, Any]  # with the overlays
    results: Path
    experiment: Experiment
    cores: int
    gpus: int | None  # limit of the resource ``gpu``; None where there is no limit
    absent: Mapping[str, str]  # paths of raw archives that the user has yet to put there, by survey
    stamps: Mapping[str, int | None]  # number by survey; None where it is unknown
    seconds: float  # of the processor, that the dry run took

    def result_files(self, job: PlannedJob) -> list[PurePath]:
        """Outputs of a job in the folder of the results, relative to it."""
        paths = sorted(map(PurePath, job.outputs))
        return [path.relative_to(self.results) for path in paths if path.is_relative_to(self.results)]

    def count(self, *surveys: str) -> int:
        """Stamps of these surveys, none of one that is unknown or whose number is."""
        return sum(self.stamps.get(survey) or 0 for survey in surveys)


def read_workflow(
    *,
    configfiles: Sequence[Path],
    workflow_profile: Path | None,
    cores: int | None,
    targets: Sequence[str],
    everything: bool,
) -> PlannedWorkflow:
    """Ask Snakemake, in the project's folder, what it would run to make `targets`; if none, the whole study.

    The other arguments are those of ``stampshift plan``. An archive that is not there yet does not stop the
    dry run. A `ConfigError` says that there is no workflow here, or why Snakemake refuses the configuration.
    """
    begin = time.process_time()
    if not BASE_CONFIG.is_file() or not Path("Snakefile").is_file():
        raise ConfigError(
            f"plan: {Path.cwd()} holds no Snakefile and config.yaml; run from the project's folder."
        )
    for path in (workflow_profile, *configfiles):
        if path is not None and not path.exists():
            kind = "profile" if path is workflow_profile else "configuration file"
            raise ConfigError(f"plan: {path}: no such {kind}.")
    given = ["--workflow-profile", str(workflow_profile)] if workflow_profile else []
    given += ["--cores", str(cores)] if cores else []
    given += ["--configfile", *map(str, configfiles)] if configfiles else []
    arguments = parse_args(given)[1]  # as Snakemake itself reads them and the profile
    files = [Path(path) for path in arguments.configfile or []]
    config: dict[str, Any] = load_configfile(BASE_CONFIG)
    for path in files:
        update_config(config, load_configfile(path))
    experiment = read_experiment(config)
    surveys, results = config["surveys"], Path(config.get("pathvars", {}).get("results", "results"))
    missing = {name: each["path"] for name, each in surveys.items() if each["origin"] == "path"}
    known = {name: CONSTANTS.format(survey=name) for name in missing}
    absent = {n: path for n, path in missing.items() if Path(known[n]).is_file() and not Path(path).exists()}
    instead = {"surveys": {name: {"path": known[name]} for name in absent}}
    available, limits = arguments.cores or available_cpu_count(), arguments.resources or {}
    jobs = _dry_run(
        settings.ConfigSettings(configfiles=files, config=instead if absent else {}),
        settings.DAGSettings(targets=set(targets), forceall=everything, force_incomplete=True),
        settings.ResourceSettings(cores=available),
    )
    gpus = int(limits["gpu"].value) if "gpu" in limits else None
    stamps = {name: survey_size(name, section, results) for name, section in surveys.items()}
    seconds = time.process_time() - begin
    return PlannedWorkflow(jobs, config, results, experiment, available, gpus, absent, stamps, seconds)


def _dry_run(
    config: settings.ConfigSettings, dag: settings.DAGSettings, resources: settings.ResourceSettings
) -> tuple[PlannedJob, ...]:
    """Jobs as Snakemake logs them; it prints nothing."""
    kept = logging.handlers.BufferingHandler(capacity=sys.maxsize)
    greedy = settings.SchedulingSettings(scheduler="greedy")
    try:
        with SnakemakeApi(settings.OutputSettings(dryrun=True)) as api:
            logger.handlers[:] = [kept]
            workflow = api.workflow(resources, config_settings=config)
            workflow.dag(dag).execute_workflow(pseudo_executor="dryrun", scheduling_settings=greedy)
            records: list[Any] = kept.buffer[:]  # Snakemake empties it at its end
    except (WorkflowError, RuleException) as error:
        raise ConfigError(f"plan: Snakemake refuses this: {error}") from None
    finally:
        logger.handlers.clear()
    return tuple(_job(each) for each in records if getattr(each, "event", None) is LogEvent.JOB_INFO)


def _job(record: Any) -> PlannedJob:
    paths = (frozenset(map(str, each)) for each in (record.input, record.output))
    gpus = int(record.resources.get("gpu") or 0)
    return PlannedJob(record.rule_name, dict(record.wildcards), int(record.threads), gpus, *paths)


def survey_size(name: str, section: Mapping[str, Any], results: Path) -> int | None:
    """Number of stamps of a survey: as configured, in its stamps file, or of the published archive."""
    if section["origin"] == "simulate":
        return int(section["simulate"]["stamps"])
    file, constants = results / "stamps" / f"{name}.h5", Path(CONSTANTS.format(survey=name))
    if file.exists():
        return int(read_attributes(file)["counts"]["read"])
    if constants.exists():
        return sum(yaml.safe_load(constants.read_text())["archive_counts"].values())
    return None
