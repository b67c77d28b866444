"""Archives drawn by the simulator."""

from pathlib import Path
from typing import Annotated

import typer
import yaml

from stampshift.core.errors import StampshiftError

app = typer.Typer()


@app.command()
def simulate(
    survey: Annotated[str, typer.Argument(help="HiTS, DES, ATLAS, ZTF, DECAT or Rubin.")],
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
