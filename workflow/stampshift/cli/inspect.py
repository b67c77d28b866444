"""What a file holds."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def inspect(
    file: Annotated[
        Path, typer.Argument(help="A stamps file, alert packets, a table, a raw archive, or a folder.")
    ],
) -> None:
    """Print counts, classes, and what was dropped and filled."""
    from stampshift.surveys.inspection import describe

    typer.echo(describe(file))
