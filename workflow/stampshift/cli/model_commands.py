"""Commands for models: adapt and export one, choose its threshold, score alerts, check a night for drift."""

import json
import os
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from stampshift.adapting.defaults import EPOCHS, EPOCHS_UNJUDGED, MME, TRAINING
from stampshift.core.errors import ConfigError
from stampshift.core.printing import echo

app = typer.Typer()

Release = Annotated[Path, typer.Argument(help="Folder of a released model (made by `stampshift export`).")]
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


class Method(StrEnum):
    """Methods of adaptation."""

    mme = "mme"
    finetune = "finetune"


class Keep(StrEnum):
    """Rules by which an epoch is chosen."""

    first_best = "first_best"
    last_best = "last_best"
    lowest_validation_loss = "lowest_validation_loss"
    last = "last"


@app.command()
def adapt(
    model: Annotated[
        Path, typer.Argument(help="Folder of a trained run, such as results/baseline/HiTS/seed-0.")
    ],
    target: Annotated[
        Path,
        typer.Argument(
            help="Stamps file of the new survey, made by `stampshift stamps`, with labels for a few stamps "
            "or for none."
        ),
    ],
    output: Annotated[Path, typer.Option(help="Folder for the adapted model; it must not exist yet.")],
    method: Annotated[
        Method, typer.Option(help="Minimax entropy (mme) or fine-tuning (finetune).")
    ] = Method.mme,
    source_stamps: Annotated[
        Path | None,
        typer.Option(help="Stamps file of the model's own survey; found among its results if not given."),
    ] = None,
    source_splits: Annotated[
        Path | None,
        typer.Option(help="Splits file of the model's training; found among its results if not given."),
    ] = None,
    test: Annotated[
        Path | None, typer.Option(help="Stamps file with labels, used only to judge the result.")
    ] = None,
    entropy_weight: Annotated[
        float, typer.Option(min=0, help="Weight of MME's entropy (lambda); 0 for none.")
    ] = MME["entropy_weight"],
    temperature: Annotated[float, typer.Option(help="Temperature of MME's head.")] = MME["temperature"],
    epochs: Annotated[
        int, typer.Option(min=1, help="Largest number of epochs; held-out labels choose the number.")
    ] = EPOCHS,
    keep: Annotated[
        Keep | None,
        typer.Option(
            help="How held-out labels choose it: the first or the last epoch of the highest balanced "
            "accuracy, that of the lowest cross-entropy, or the last; if not given, that of the highest "
            "balanced accuracy, of equals that of the lowest cross-entropy."
        ),
    ] = None,
    epochs_unjudged: Annotated[
        int, typer.Option(min=1, help="Epochs if a class has a single label, which cannot be held out.")
    ] = EPOCHS_UNJUDGED,
    epoch_size: Annotated[
        int, typer.Option(min=50, help="Number of labelled stamps drawn per epoch.")
    ] = TRAINING["epoch_size"],
    batch_size: Annotated[
        int, typer.Option(min=4, help="Number of labelled stamps per training step.")
    ] = TRAINING["batch_size"],
    learning_rate: Annotated[
        float, typer.Option(help="Learning rate of stochastic gradient descent.")
    ] = TRAINING["learning_rate"],
    momentum: Annotated[float, typer.Option(help="Momentum of stochastic gradient descent.")] = TRAINING[
        "momentum"
    ],
    seed: Annotated[
        int, typer.Option(min=0, help="Random seed; on a CPU the same seed gives the same model.")
    ] = 0,
    processes: Annotated[
        int | None, typer.Option(min=1, help="Trainings at the same time; as many as cores if not given.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier adapted model.")] = False,
) -> None:
    """Adapt a trained model to a new survey with 0 to 40 labels per class; print what it gained and lost."""
    from stampshift.adapting.adapt import adapt_model, check_output
    from stampshift.adapting.setting import Setting
    from stampshift.training.device import choose_device

    check_output(output, overwrite=overwrite)
    setting = Setting.of_run(
        model,
        target,
        method=method.value,
        device=choose_device(device),
        test=test,
        source_stamps=source_stamps,
        source_splits=source_splits,
        entropy_weight=entropy_weight,
        temperature=temperature,
        learning_rate=learning_rate,
        momentum=momentum,
        batch_size=batch_size,
        epoch_size=epoch_size,
        keep=keep and keep.value,
        seed=seed,
    )
    echo(setting.few_labels.how_judged(seed=seed, epochs_unjudged=epochs_unjudged), err=True)
    adaptation = adapt_model(
        setting,
        epochs=epochs,
        epochs_unjudged=epochs_unjudged,
        processes=processes or len(os.sched_getaffinity(0)),
        progress=True,
    )
    adaptation.save(output, overwrite=overwrite)
    echo(adaptation.report())
    echo(f"The model and its record are in {output}.")


@app.command()
def export(
    run: Annotated[
        Path, typer.Argument(help="Folder of a trained or adapted run, with model.pt and metrics.json.")
    ],
    output: Annotated[Path, typer.Option(help="Folder for the released model; it must not exist yet.")],
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
        typer.Option(help="Labels file, if the run was trained on other labels than the archive's."),
    ] = None,
) -> None:
    """Make a released model from a run: network (ONNX), contract, reference stamps and model card."""
    from stampshift.release.contract import CARD
    from stampshift.release.exporting import export as export_run

    export_run(run, output, stamps=stamps or [], splits=splits or [], labels=labels)
    echo(f"{output}: released; read {output / CARD} before you use it.")


@app.command()
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


@app.command()
def score(
    release: Release,
    inputs: Annotated[
        list[Path],
        typer.Argument(
            help="Alerts (Avro, tar, tar.gz or Parquet files, or folders of them), or stamps files."
        ),
    ],
    output: Annotated[Path, typer.Option(help="Scores file to write, .parquet or .csv.")],
    max_mdr: MaxMdr = None,
    max_fpr: MaxFpr = None,
    threshold: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Score from which a stamp is called real, instead of the two above."),
    ] = None,
    survey: Annotated[
        str | None,
        typer.Option(help="Treat all alerts as those of this survey, one that the model knows."),
    ] = None,
    schemas: Annotated[
        Path | None,
        typer.Option(help="Folder of Avro schemas, for packets in Confluent's wire format."),
    ] = None,
    processes: Annotated[
        int | None, typer.Option(min=1, help="Worker processes; as many as cores if not given.")
    ] = None,
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
    from stampshift.release.released import ReleasedModel
    from stampshift.release.threshold import choose
    from stampshift.scoring.score import score as score_inputs

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
        processes=processes or len(os.sched_getaffinity(0)),
        unit_minutes=unit_minutes,
        overwrite=overwrite,
        progress=True,
    )
    status, verdict = night.verdict(max_unscored=max_unscored)
    echo(f"{night.as_text(output, threshold=threshold)}\n{verdict}")
    raise typer.Exit(status)


@app.command()
def drift(
    release: Release,
    scores: Annotated[Path, typer.Argument(help="Scores file of a night by that model, Parquet or CSV.")],
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
