"""Released models: made from a run, and where to put the threshold."""

import json
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def export(
    run: Annotated[Path, typer.Argument(help="A trained run's folder, with model.pt and metrics.json.")],
    output: Annotated[Path, typer.Option(help="Folder to make; it must not be there yet.")],
    stamps: Annotated[
        list[Path] | None,
        typer.Option(help="Stamps file, if not that of the run's results; may be given again."),
    ] = None,
    splits: Annotated[
        list[Path] | None,
        typer.Option(help="Splits file, if not that of the run's results; may be given again."),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(help="Labels file of the run, if it took the place of the source's own labels."),
    ] = None,
    validation_shots: Annotated[
        int | None,
        typer.Option(
            min=1, help="Target stamps per class that chose the epoch, where metrics.json does not say."
        ),
    ] = None,
) -> None:
    """Make a released model of a run: ONNX and weights, contract, reference stamps, model card."""
    from stampshift.release.contract import CARD
    from stampshift.release.found import found_run
    from stampshift.release.making import make_release

    found = found_run(
        run, stamps=stamps or [], splits=splits or [], labels=labels, validation_shots=validation_shots
    )
    make_release(output, **found)
    typer.echo(f"{output}: released; read {output / CARD} before you use it.")


@app.command()
def threshold(
    release: Annotated[Path, typer.Argument(help="A released model's folder.")],
    max_mdr: Annotated[
        float | None, typer.Option(min=0, max=0.999, help="Share of the reals that may be missed.")
    ] = None,
    max_fpr: Annotated[
        float | None, typer.Option(min=0, max=0.999, help="Share of the bogus that may be let through.")
    ] = None,
    survey: Annotated[
        str | None, typer.Option(help="Survey of the stamps; the one the model was made for, if not given.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Choose the threshold on the score that keeps a missed-detection or a false-positive rate."""
    from stampshift.release.released import Release
    from stampshift.release.threshold import choose

    point = choose(Release.open(release), survey=survey, max_mdr=max_mdr, max_fpr=max_fpr)
    typer.echo(json.dumps(point.as_dict(), indent=2) if as_json else point.as_text())
