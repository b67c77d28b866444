"""Scores of a night."""

import os
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def score(
    release: Annotated[Path, typer.Argument(help="A released model's folder (`stampshift export`).")],
    inputs: Annotated[
        list[Path],
        typer.Argument(help="Alerts: Avro, tar(.gz) or Parquet files, or folders of them; or stamps files."),
    ],
    output: Annotated[Path, typer.Option(help="Scores file to write, .parquet or .csv.")],
    max_mdr: Annotated[
        float | None,
        typer.Option(min=0, max=0.999, help="Call real so that at most this share of the reals is missed."),
    ] = None,
    max_fpr: Annotated[
        float | None,
        typer.Option(min=0, max=0.999, help="Or so that at most this share of the bogus is let through."),
    ] = None,
    threshold: Annotated[float | None, typer.Option(min=0, max=1, help="Or from this score on.")] = None,
    survey: Annotated[
        str | None,
        typer.Option(help="One of the model's surveys, for alerts of it whose packets go by another name."),
    ] = None,
    schemas: Annotated[
        Path | None,
        typer.Option(help="Folder of Avro schemas, for packets in Confluent's wire format."),
    ] = None,
    processes: Annotated[
        int | None, typer.Option(min=1, help="Worker processes; all cores if not given.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the scores file.")] = False,
) -> None:
    """Score alerts or stamps: P(real), and flags for what cannot be scored or looks unlike the training.

    Stopped or killed, the same command goes on where it was.
    """
    from stampshift.core.errors import ConfigError
    from stampshift.release.released import Release
    from stampshift.release.threshold import choose
    from stampshift.scoring.score import score as score_inputs

    if threshold is not None and (max_mdr is not None or max_fpr is not None):
        raise ConfigError("score: give --threshold, or --max-mdr and --max-fpr, not both.")
    if max_mdr is not None or max_fpr is not None:
        point = choose(Release.open(release), survey=survey, max_mdr=max_mdr, max_fpr=max_fpr)
        threshold = point.threshold
        typer.echo(point.as_text(), err=True)
    told = score_inputs(
        release,
        inputs,
        output=output,
        schemas=schemas,
        survey=survey,
        threshold=threshold,
        processes=processes or len(os.sched_getaffinity(0)),
        overwrite=overwrite,
        progress=True,
    )
    typer.echo(told.as_text(output, threshold=threshold))
