"""A model for a new survey from a few labels."""

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from stampshift.adapting.defaults import (
    BATCH_SIZE,
    ENTROPY_WEIGHT,
    EPOCH_SIZE,
    EPOCHS,
    LEARNING_RATE,
    MOMENTUM,
    TEMPERATURE,
    mme_options,
    training_options,
)

app = typer.Typer()


class Method(StrEnum):
    """Methods of adaptation."""

    mme = "mme"
    finetune = "finetune"


@app.command()
def adapt(
    model: Annotated[Path, typer.Argument(help="Folder of a run, such as results/baseline/HiTS/seed-0.")],
    target: Annotated[
        Path,
        typer.Argument(help="Stamps file of the new survey, a few of them labelled: `stampshift stamps`."),
    ],
    output: Annotated[Path, typer.Option(help="Folder of the adapted model.")],
    method: Annotated[Method, typer.Option(help="Minimax entropy, or fine-tuning.")] = Method.mme,
    source_stamps: Annotated[
        Path | None, typer.Option(help="Stamps of the model's survey; found among the results if not given.")
    ] = None,
    source_splits: Annotated[
        Path | None, typer.Option(help="Split of the model's training; found likewise.")
    ] = None,
    test: Annotated[
        Path | None,
        typer.Option(help="Stamps file with labels that judge the result and nothing else."),
    ] = None,
    entropy_weight: Annotated[float, typer.Option(min=0, help="lambda of MME; 0 for none.")] = ENTROPY_WEIGHT,
    temperature: Annotated[float, typer.Option(help="Of MME's head.")] = TEMPERATURE,
    epochs: Annotated[int, typer.Option(min=1, help="Epochs among which the labels choose.")] = EPOCHS,
    epochs_unjudged: Annotated[
        int, typer.Option(min=1, help="Epochs where a single label of a class leaves no choice.")
    ] = 5,
    epoch_size: Annotated[int, typer.Option(min=50, help="Labelled stamps drawn per epoch.")] = EPOCH_SIZE,
    batch_size: Annotated[int, typer.Option(min=4, help="Labelled stamps per step.")] = BATCH_SIZE,
    learning_rate: Annotated[float, typer.Option(help="Of stochastic gradient descent.")] = LEARNING_RATE,
    momentum: Annotated[float, typer.Option(help="Of stochastic gradient descent.")] = MOMENTUM,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same model on a CPU.")] = 0,
    processes: Annotated[
        int | None, typer.Option(min=1, help="Trainings side by side; all cores if not given.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
) -> None:
    """Adapt a trained model to a new survey with 1 to 40 labels per class; tell what it gained and lost."""
    from stampshift.adapting.adapt import adapt as adapt_model
    from stampshift.adapting.found import found_source
    from stampshift.adapting.report import as_markdown
    from stampshift.adapting.setting import Setting
    from stampshift.training.device import choose_device

    setting = Setting(
        model=model / "model.pt",
        source=found_source(model, stamps=source_stamps, splits=source_splits),
        target=target,
        method=method.value,
        options=mme_options(entropy_weight=entropy_weight, temperature=temperature)
        if method is Method.mme
        else {},
        training=training_options(
            learning_rate=learning_rate, momentum=momentum, batch_size=batch_size, epoch_size=epoch_size
        ),
        seed=seed,
    )
    typer.echo(setting.few_labels.how_judged(epochs_unjudged=epochs_unjudged), err=True)
    adaptation = adapt_model(
        setting,
        epochs=epochs,
        epochs_unjudged=epochs_unjudged,
        test=test,
        device=choose_device(device),
        processes=processes or len(os.sched_getaffinity(0)),
        progress=True,
    )
    report = as_markdown(adaptation)
    adaptation.save(output, report=report)
    typer.echo(report)
    typer.echo(f"The model and its record are in {output}.")
