"""The jobs that Snakemake would run, from a dry run through its own interface."""

import logging.handlers
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from snakemake.api import SnakemakeApi
from snakemake.cli import parse_args
from snakemake.common.configfile import load_configfile
from snakemake.exceptions import RuleException, WorkflowError
from snakemake.logging import logger
from snakemake.settings import types as settings
from snakemake.utils import available_cpu_count, update_config
from snakemake_interface_logger_plugins.common import LogEvent

from stampshift.config.configuration import read_experiment
from stampshift.config.experiment import Experiment
from stampshift.core.errors import ConfigError
from stampshift.simulation import constants_file, expected_counts
from stampshift.stamps.file import read_attributes

BASE_CONFIG = Path("config.yaml")


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
    absent: Mapping[str, str]  # raw archives that jobs need and that are not there yet: path by survey
    stamps: Mapping[str, int | None]  # number by survey; None where it is unknown

    def result_files(self, job: PlannedJob) -> list[PurePath]:
        """Outputs of a job in the folder of the results, relative to it."""
        paths = sorted(map(PurePath, job.outputs))
        return [path.relative_to(self.results) for path in paths if path.is_relative_to(self.results)]

    def count(self, *surveys: str) -> int:
        """Stamps of these surveys; an unknown survey or number counts as none."""
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

    The other arguments are those of ``stampshift plan``. A missing raw archive does not stop the dry run.
    Raises `ConfigError` if there is no workflow here or Snakemake refuses the configuration.
    """
    if not BASE_CONFIG.is_file() or not Path("Snakefile").is_file():
        raise ConfigError(
            f"plan: {Path.cwd()} holds no Snakefile and config.yaml; run from the project's folder."
        )
    for kind, path in (
        ("profile", workflow_profile),
        *(("configuration file", each) for each in configfiles),
    ):
        if path and not (path.is_file() if kind == "configuration file" else path.exists()):
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
    known = {name: constants_file(name) for name in missing if not Path(missing[name]).exists()}
    instead = {name: str(path) for name, path in known.items() if path.is_file()}  # of a missing archive
    available, limits = arguments.cores or available_cpu_count(), arguments.resources or {}
    jobs = _dry_run(
        settings.ConfigSettings({"surveys": {n: {"path": path} for n, path in instead.items()}}, files),
        settings.DAGSettings(targets=set(targets), forceall=everything, force_incomplete=True),
        settings.ResourceSettings(cores=available),
    )
    return PlannedWorkflow(
        jobs=jobs,
        config=config,
        results=results,
        experiment=experiment,
        cores=available,
        gpus=int(limits["gpu"].value) if "gpu" in limits else None,
        absent={n: missing[n] for n, path in instead.items() if any(path in job.inputs for job in jobs)},
        stamps={
            name: survey_size(name, section, stamps_files(name, config["des_study"], results))
            for name, section in surveys.items()
        },
    )


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


def stamps_files(name: str, des_study: Mapping[str, Any], results: Path) -> list[Path]:
    """Where the stamps of a survey may be: of the study across surveys, and of the second study."""
    new = (des_study["new_survey"] or {}).get("survey")
    of_second = {"stamps.h5": des_study["survey"], "new-survey/stamps.h5": new}
    own = [results / "des_study" / file for file, survey in of_second.items() if survey == name]
    return [results / "stamps" / f"{name}.h5", *own]


def survey_size(name: str, section: Mapping[str, Any], files: Sequence[Path]) -> int | None:
    """Number of stamps of a survey: as configured, in a stamps file of it, or of the published archive."""
    made = [file for file in files if file.exists()]
    if section["origin"] != "simulate" and made:
        return int(read_attributes(made[0])["counts"]["read"])
    return sum(expected_counts(section, constants=constants_file(name)).values()) or None
