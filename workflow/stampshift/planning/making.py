"""From a call of Snakemake to its plan."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from stampshift.planning.calibrate import calibrate
from stampshift.planning.epochs import read_finished
from stampshift.planning.report import Plan, make_plan
from stampshift.planning.sizes import survey_sizes
from stampshift.planning.workflow import read_workflow


def plan_experiment(
    *,
    configfiles: Sequence[Path],
    workflow_profile: Path | None,
    cores: int | None,
    targets: Sequence[str],
    everything: bool,
    say: Callable[[str], None],
) -> Plan:
    """Plan what Snakemake would do with these arguments in this folder: dry run, calibration, arithmetic.

    Parameters
    ----------
    configfiles, workflow_profile, cores, targets, everything
        See `stampshift.planning.workflow.read_workflow`.
    say
        Told what is being done.

    Raises
    ------
    ConfigError
        If there is no workflow here, or Snakemake refuses the configuration.
    """
    begin = time.process_time()
    workflow = read_workflow(
        configfiles=configfiles,
        workflow_profile=workflow_profile,
        cores=cores,
        targets=targets,
        everything=everything,
    )
    dag_seconds = time.process_time() - begin
    stamps, unknown = survey_sizes(workflow)
    calibration = calibrate(workflow, stamps=stamps, dag_seconds=dag_seconds, say=say)
    finished = read_finished(workflow.results)
    return make_plan(workflow, calibration, stamps=stamps, unknown=unknown, finished=finished)
