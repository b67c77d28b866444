"""Stamps of one survey, outside the experiment."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def stamps(
    config: Annotated[
        Path,
        typer.Option(
            help="YAML with the survey's section under `surveys`: a config, an overlay, or that alone."
        ),
    ],
    survey: Annotated[str, typer.Option(help="The survey's name there.")],
    output: Annotated[Path, typer.Option(help="Stamps file to write (HDF5).")],
    processes: Annotated[int, typer.Option(min=1, help="Worker processes; the result is the same.")] = 1,
    drop_unlabelled: Annotated[
        bool, typer.Option("--drop-unlabelled", help="Leave out what has no label, as the experiment does.")
    ] = False,
) -> None:
    """Make a stamps file of a survey's archive, unlabelled stamps included.

    Keys of the survey that the file leaves out, and `stamps` (size_pixels, normalisation), are taken from
    config.yaml in this folder, where there is one; without it stamps are of 21 pixels, normalised by channel.
    Paths in it are relative to this folder.
    """
    from stampshift.surveys.one_survey import make_survey, survey_settings

    settings = survey_settings(config, survey=survey, defaults=Path("config.yaml"))
    told = make_survey(
        settings,
        output=output,
        processes=processes,
        unlabelled="drop" if drop_unlabelled else "keep",
    )
    typer.echo(told)
