"""What people run outside the workflow."""

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
import yaml

from stampshift import __version__
from stampshift.errors import StampshiftError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


class Study(StrEnum):
    """The studies, by what asks Snakemake for them."""

    main = "main"
    des = "des"


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    """Real/bogus classification of alert stamps across surveys."""


@app.command()
def inspect(
    file: Annotated[Path, typer.Argument(help="A stamps file, or a raw archive or its folder.")],
) -> None:
    """Print counts, classes, and what was dropped and filled."""
    from stampshift.inspection import describe

    typer.echo(describe(file))


@app.command()
def simulate(
    survey: Annotated[str, typer.Argument(help="HiTS, DES, ATLAS, ZTF or DECAT.")],
    folder: Annotated[Path, typer.Argument(help="Folder to write the archive to.")],
    stamps: Annotated[int, typer.Option(help="Triplets to draw, all classes together.")],
    seed: Annotated[int, typer.Option(help="The same seed writes the same bytes.")],
    constants: Annotated[
        Path | None, typer.Option(help="Physical constants [default: resources/surveys/<survey>.yaml].")
    ] = None,
    processes: Annotated[int, typer.Option(help="Worker processes.")] = 1,
) -> None:
    """Draw a survey's raw archive, in the survey's native format."""
    from stampshift.simulation import simulate_survey

    path = constants or Path("resources/surveys") / f"{survey}.yaml"
    if not path.is_file():
        raise StampshiftError(f"{path}: no constants of {survey} there; run from the project's folder.")
    simulate_survey(
        survey,
        stamps=stamps,
        seed=seed,
        constants=yaml.safe_load(path.read_text()),
        folder=folder,
        processes=processes,
    )


@app.command()
def summary(
    results: Annotated[Path, typer.Argument(help="Folder of the results.")] = Path("results"),
) -> None:
    """Print in one line where an experiment's tables, figures and report are, and what they show."""
    from stampshift.evaluation.gather import read_runs
    from stampshift.evaluation.summary import summary_line
    from stampshift.stamps import read_attributes

    origins = [read_attributes(path)["origin"] for path in sorted(results.glob("stamps/*.h5"))]
    runs = read_runs(results / "tables" / "runs.csv")
    typer.echo(summary_line(runs, results, simulated=any("simulate" in origin for origin in origins)))


@app.command()
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
    everything: Annotated[bool, typer.Option("--all", help="Count what is there already, too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print what the experiment will take here: jobs, trainings, hours, disk, memory. It takes a minute."""
    from stampshift.planning.making import plan_experiment
    from stampshift.planning.report import as_text

    planned = plan_experiment(
        configfiles=configfile or [],
        workflow_profile=workflow_profile,
        cores=cores,
        targets=["des_study"] if study is Study.des else [],
        everything=everything,
        say=lambda text: typer.echo(text, err=True),
    )
    typer.echo(json.dumps(planned.as_dict(), indent=2) if as_json else as_text(planned))


@app.command()
def review(
    candidates: Annotated[
        Path,
        typer.Argument(
            help="Results of the DES study, a table of candidates (Parquet), or a stamps file to label."
        ),
    ],
    stamps: Annotated[Path | None, typer.Option(help="Stamps file of a table of candidates.")] = None,
    votes: Annotated[
        Path | None,
        typer.Option(help="SQLite file of the votes; resources/reviews/<survey>.sqlite if not given."),
    ] = None,
    raters_per_candidate: Annotated[int, typer.Option(min=1, help="Votes that each candidate gets.")] = 2,
    shuffle_seed: Annotated[
        int | None, typer.Option(help="Seed of a random order, in place of the most suspicious first.")
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen at; not loopback: a token is demanded.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen at; 0 for a free one.")] = 8765,
    token: Annotated[
        str | None,
        typer.Option(envvar="STAMPSHIFT_REVIEW_TOKEN", help="Token to demand; a random one if not given."),
    ] = None,
    open_browser: Annotated[
        bool, typer.Option("--open/--no-open", help="Open the page in a browser here.")
    ] = True,
) -> None:
    """Open a web page on which people say which candidates are real and which bogus."""
    from stampshift.review.candidates import open_review
    from stampshift.review.serve import serve
    from stampshift.review.store import VoteStore

    found = open_review(candidates, stamps=stamps, shuffle_seed=shuffle_seed)
    with VoteStore.open(votes or Path("resources/reviews") / f"{found.survey}.sqlite", found) as store:
        serve(
            found,
            store,
            raters_per_candidate=raters_per_candidate,
            host=host,
            port=port,
            token=token,
            open_browser=open_browser,
            say=typer.echo,
        )


@app.command()
def review_export(
    votes: Annotated[Path, typer.Argument(help="SQLite file of the votes.")],
    margin: Annotated[int, typer.Option(min=1, help="Votes by which the majority must lead.")] = 2,
    relabels: Annotated[
        Path | None,
        typer.Option(help="CSV of the decided candidates; <votes>.csv if not given."),
    ] = None,
    votes_csv: Annotated[
        Path | None,
        typer.Option(help="CSV of the votes; <votes>-votes.csv if not given."),
    ] = None,
) -> None:
    """Write the labels that a review decided, and its votes; print counts and the raters' agreement."""
    from stampshift.review.export import export
    from stampshift.review.store import VoteStore

    with VoteStore.read(votes) as store:
        told = export(
            store,
            margin=margin,
            relabels=relabels or votes.with_suffix(".csv"),
            votes=votes_csv or votes.with_name(f"{votes.stem}-votes.csv"),
        )
    typer.echo(told)


def main() -> None:
    """Run the command line; an error that the user can mend is its message and exit status 1."""
    try:
        app()
    except StampshiftError as error:
        sys.exit(f"{type(error).__name__}: {error}")
