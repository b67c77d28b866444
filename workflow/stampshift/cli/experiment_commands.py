"""The experiment: before it, and after it."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from stampshift.core.printing import echo

app = typer.Typer()


class Study(StrEnum):
    """The studies, by what asks Snakemake for them."""

    main = "main"
    des = "des"


@app.command(short_help="Print what the experiment will take here.")
def plan(
    configfile: Annotated[
        list[Path] | None, typer.Option(help="Overlay of config.yaml, as Snakemake's; may be given again.")
    ] = None,
    workflow_profile: Annotated[Path | None, typer.Option(help="Profile, as Snakemake's.")] = None,
    cores: Annotated[
        int | None,
        typer.Option(min=1, help="Cores for all jobs; those of the profile, or all, if not given."),
    ] = None,
    study: Annotated[Study, typer.Option(help="The study across surveys, or that of DES.")] = Study.main,
    everything: Annotated[bool, typer.Option("--all", help="Also count finished jobs.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print what the experiment will take here: jobs, trainings, hours, disk, memory. It takes a minute."""
    from stampshift.planning.dry_run import read_workflow
    from stampshift.planning.experiment_plan import as_text, plan_workflow

    workflow = read_workflow(
        configfiles=configfile or [],
        workflow_profile=workflow_profile,
        cores=cores,
        targets=["des_study"] if study is Study.des else [],
        everything=everything,
    )
    echo("calibrating, about a minute", err=True)
    planned = plan_workflow(workflow)
    echo(json.dumps(planned, indent=2) if as_json else as_text(planned))


@app.command(short_help="Print where an experiment's results are.")
def summary(
    results: Annotated[Path, typer.Argument(help="Folder of the results.")] = Path("results"),
) -> None:
    """Print in one line where an experiment's tables, figures and report are, and what they show."""
    from stampshift.core.errors import ContractError
    from stampshift.stamps.file import read_attributes
    from stampshift.tables.overview import summary_line
    from stampshift.tables.run_table import read_runs

    table = results / "tables" / "runs.csv"
    if not table.is_file():
        raise ContractError(
            f"{results}: expected the results of an experiment, found no tables/runs.csv in it; give the "
            "folder of one that has run, such as results/demo."
        )
    origins = [read_attributes(path)["origin"] for path in sorted(results.glob("stamps/*.h5"))]
    runs = read_runs(table)
    echo(summary_line(runs, results, simulated=any("simulate" in origin for origin in origins)))
