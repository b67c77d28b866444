"""A model for a new survey from a few labels."""

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

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
    entropy_weight: Annotated[float, typer.Option(min=0, help="lambda of MME; 0 for none.")] = 0.1,
    temperature: Annotated[float, typer.Option(help="Of MME's head.")] = 0.05,
    epochs: Annotated[int, typer.Option(min=1, help="Epochs among which the labels choose.")] = 20,
    epochs_unjudged: Annotated[
        int, typer.Option(min=1, help="Epochs where a single label of a class leaves no choice.")
    ] = 5,
    epoch_size: Annotated[int, typer.Option(min=50, help="Labelled stamps drawn per epoch.")] = 2500,
    batch_size: Annotated[int, typer.Option(min=4, help="Labelled stamps per step.")] = 50,
    learning_rate: Annotated[float, typer.Option(help="Of stochastic gradient descent.")] = 0.01,
    momentum: Annotated[float, typer.Option(help="Of stochastic gradient descent.")] = 0.9,
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

    mme = {
        "labelled": ["source", "target"],
        "head": "random",
        "steps": "one",
        "temperature": temperature,
        "entropy_weight": entropy_weight,
    }
    setting = Setting(
        model=model / "model.pt",
        source=found_source(model, stamps=source_stamps, splits=source_splits),
        target=target,
        method=method.value,
        options=mme if method is Method.mme else {},
        training={
            "optimiser": "sgd",
            "learning_rate": learning_rate,
            "momentum": momentum,
            "halve_every_iterations": None,
            "batch_size": batch_size,
            "epoch_size": epoch_size,
        },
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
