"""A night against what a released model knows."""

import json
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def drift(
    release: Annotated[Path, typer.Argument(help="A released model's folder.")],
    scores: Annotated[Path, typer.Argument(help="Scores of a night by that model, Parquet or CSV.")],
    output: Annotated[
        Path | None,
        typer.Option(help="Page to write, with its JSON beside it; <scores>-drift.html if not given."),
    ] = None,
    max_mdr: Annotated[
        float | None,
        typer.Option(min=0, max=0.999, help="Call stamps real as `stampshift threshold` does with it."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of the findings.")] = False,
) -> None:
    """Compare a night's scores with the stamps that a released model knows."""
    from stampshift.core.files import atomic_path, write_json
    from stampshift.figures.shift_figures import drift_figure
    from stampshift.metrics.metrics import THRESHOLD
    from stampshift.release.released import Release
    from stampshift.release.threshold import choose
    from stampshift.scoring.drift import curves, drift_report
    from stampshift.scoring.drift_page import drift_page
    from stampshift.scoring.scores_file import read_scores

    model, table = Release.open(release), read_scores(scores)
    threshold = THRESHOLD
    if max_mdr is not None:
        threshold = choose(model, survey=None, max_mdr=max_mdr, max_fpr=None).threshold
    report = drift_report(table, release=model, threshold=threshold)
    figure = drift_figure(curves(table, release=model))
    page = output or scores.with_name(f"{scores.stem}-drift.html")
    with atomic_path(page) as temporary:
        temporary.write_text(drift_page(report, night=scores.name, figure=figure), encoding="utf-8")
    write_json(page.with_suffix(".json"), report)
    typer.echo(json.dumps(report, indent=2) if as_json else "\n".join([*report["findings"], f"page: {page}"]))
