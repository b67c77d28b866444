"""Commands for models: export one, choose its threshold, score alerts, check a night for drift."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from stampshift.cli.options import Processes, Schemas, Survey
from stampshift.core.errors import ConfigError
from stampshift.core.printing import echo

app = typer.Typer()

Release = Annotated[
    Path,
    typer.Argument(
        help="Folder of a released model (made by `stampshift export`), its model.onnx alone, or the name of "
        "one that comes with stampshift."
    ),
]
MaxMdr = Annotated[
    float | None,
    typer.Option(
        min=0, max=0.999, help="Set the threshold that misses at most this share of the reals (MDR)."
    ),
]
MaxFpr = Annotated[
    float | None,
    typer.Option(
        min=0, max=0.999, help="Set the threshold that passes at most this share of the bogus (FPR)."
    ),
]


@app.command(short_help="Make a released model from a run.")
def export(
    run: Annotated[
        Path, typer.Argument(help="Folder of a trained or adapted run, with model.pt and metrics.json.")
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            help="Folder for the released model, which must not exist yet; <run>-release if not given."
        ),
    ] = None,
    hub: Annotated[
        Path | None,
        typer.Option(
            help="Folder for the released model as a repository of the Hugging Face Hub; not with --output."
        ),
    ] = None,
    stamps: Annotated[
        list[Path] | None,
        typer.Option(help="Stamps file, if not that of the run's results; once per survey."),
    ] = None,
    splits: Annotated[
        list[Path] | None,
        typer.Option(help="Splits file, if not that of the run's results; once per survey."),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(
            help="Labels file of a run that was trained on other labels than the archive's, if not that of "
            "its results."
        ),
    ] = None,
    notes: Annotated[
        Path | None, typer.Option(help="Markdown file whose text the model card takes over as its notes.")
    ] = None,
) -> None:
    """Make a released model from a run: network (ONNX), contract, reference stamps and model card."""
    from stampshift.release.contract import CARD
    from stampshift.release.exporting import export as export_run
    from stampshift.release.hub import README

    if output and hub:
        raise ConfigError(f"expected --output or --hub, found both: {output} and {hub}; give one at a time.")
    folder = hub or output or run.resolve().with_name(f"{run.resolve().name}-release")
    card = folder / (README if hub else CARD)
    export_run(
        run,
        folder,
        stamps=stamps or [],
        splits=splits or [],
        labels=labels,
        hub=hub is not None,
        notes=notes,
    )
    echo(f"{folder}: released; read {card} before you use it.")


@app.command(short_help="Choose the score threshold that keeps a rate.")
def threshold(
    release: Release,
    max_mdr: MaxMdr = None,
    max_fpr: MaxFpr = None,
    survey: Annotated[
        str | None, typer.Option(help="Survey of the stamps; the model's own survey if not given.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Choose the score threshold that keeps a missed-detection rate or a false-positive rate."""
    from stampshift.release.released import ReleasedModel
    from stampshift.release.threshold import choose

    point = choose(ReleasedModel.open(release), survey=survey, max_mdr=max_mdr, max_fpr=max_fpr)
    echo(json.dumps(asdict(point), indent=2) if as_json else point.as_text())


@app.command(short_help="Score alerts or stamps, and flag what has no score.")
def score(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="[MODEL] INPUTS...",
            help="Folder of a released model, its model.onnx alone, or the name of one that comes with "
            "stampshift (`generalist` if not given); then alerts (Avro, tar, tar.gz or Parquet files, or "
            "folders of them), or stamps files.",
        ),
    ],
    output: Annotated[
        Path, typer.Option(help="Scores file to write: .parquet, .csv, .fits or .vot (VOTable).")
    ],
    max_mdr: MaxMdr = None,
    max_fpr: MaxFpr = None,
    threshold: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Score from which a stamp is called real, instead of the two above."),
    ] = None,
    survey: Survey = None,
    schemas: Schemas = None,
    processes: Processes = None,
    unit_minutes: Annotated[
        float,
        typer.Option(
            min=0.001,
            help="Minutes that a unit of some hundred candidates may take; a candidate that takes longer is "
            "flagged. It has no effect with a single process.",
        ),
    ] = 10,
    max_unscored: Annotated[
        float,
        typer.Option(
            min=0, max=1, help="Share of candidates without a score beyond which the exit status is 3."
        ),
    ] = 1,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing scores file.")] = False,
) -> None:
    """Score alerts or stamps: P(real), and flags for what has no score or is unlike the training stamps.

    If it was stopped or killed, the same command continues where it was. Exit status: 0; 3 if more candidates
    than --max-unscored have no score, or a file could not be read; 4 if none has.
    """
    from joblib import cpu_count

    from stampshift.release.released import ReleasedModel
    from stampshift.release.shipped import DEFAULT, SHIPPED, model_and_inputs
    from stampshift.release.threshold import choose
    from stampshift.scoring.score import score as score_inputs

    release, inputs = model_and_inputs(paths)
    if release == SHIPPED / DEFAULT:
        echo(f"Model: {DEFAULT}, which comes with stampshift and has seen simulated surveys only.", err=True)
    if threshold is not None and (max_mdr is not None or max_fpr is not None):
        raise ConfigError("score: give --threshold, or --max-mdr and --max-fpr, not both.")
    if max_mdr is not None or max_fpr is not None:
        point = choose(ReleasedModel.open(release), survey=survey, max_mdr=max_mdr, max_fpr=max_fpr)
        threshold = point.threshold
        echo(point.as_text(), err=True)
    night = score_inputs(
        release,
        inputs,
        output=output,
        schemas=schemas,
        survey=survey,
        threshold=threshold,
        processes=processes or cpu_count(),
        unit_minutes=unit_minutes,
        overwrite=overwrite,
        progress=True,
    )
    status, verdict = night.verdict(max_unscored=max_unscored)
    echo(f"{night.as_text(output, threshold=threshold)}\n{verdict}")
    raise typer.Exit(status)


@app.command(short_help="Compare a night's scores with the reference stamps.")
def drift(
    release: Release,
    scores: Annotated[Path, typer.Argument(help="Scores file of a night by that model.")],
    output: Annotated[
        Path | None,
        typer.Option(help="HTML page to write, with its JSON beside it; <scores>-drift.html if not given."),
    ] = None,
    max_mdr: MaxMdr = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of sentences.")] = False,
) -> None:
    """Compare a night's scores with those of the model's reference stamps."""
    from stampshift.core.files import atomic_paths, json_text
    from stampshift.figures.shift_figures import drift_figure
    from stampshift.metrics.metrics import THRESHOLD
    from stampshift.release.released import ReleasedModel
    from stampshift.release.threshold import choose
    from stampshift.scoring.drift import curves, drift_page, drift_report
    from stampshift.scoring.scores_file import read_scores

    model, table = ReleasedModel.open(release), read_scores(scores)
    called = THRESHOLD
    if max_mdr is not None:
        called = choose(model, survey=None, max_mdr=max_mdr, max_fpr=None).threshold
    report = drift_report(table, release=model, threshold=called)
    figure = drift_figure(curves(table, release=model))
    page = output or scores.with_name(f"{scores.stem}-drift.html")
    with atomic_paths(page, page.with_suffix(".json")) as (html, numbers):
        html.write_text(drift_page(report, night=scores.name, figure=figure), encoding="utf-8")
        numbers.write_text(json_text(report))
    echo(json.dumps(report, indent=2) if as_json else "\n".join([*report["findings"], f"page: {page}"]))
