"""Options of the commands that score alerts."""

from pathlib import Path
from typing import Annotated

import typer

Survey = Annotated[
    str | None,
    typer.Option(help="Treat all alerts as those of this survey, one that the model knows."),
]
Schemas = Annotated[
    Path | None,
    typer.Option(help="Folder of Avro schemas, for packets in Confluent's wire format."),
]
Processes = Annotated[
    int | None, typer.Option(min=1, help="Worker processes; as many as cores if not given.")
]
