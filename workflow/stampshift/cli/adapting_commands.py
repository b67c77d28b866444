"""The command that adapts a trained model to a new survey."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from stampshift.adapting.defaults import AUGMENTATION, EPOCHS, EPOCHS_UNJUDGED, MME, TRAINING
from stampshift.core.printing import echo

app = typer.Typer()


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


class Augmentation(StrEnum):
    """What happens to a stamp whenever it is trained on."""

    none = "none"
    rotations_and_flips = "rotations_and_flips"


@app.command(short_help="Adapt a trained model to a new survey with few labels.")
def adapt(
    model: Annotated[
        Path,
        typer.Argument(
            help="Folder of a trained run, such as results/baseline/HiTS/seed-0, or of a released model, or "
            "the name of one that comes with stampshift."
        ),
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
        typer.Option(
            help="Stamps file of the model's own survey; a run's is found among its results if not given."
        ),
    ] = None,
    source_splits: Annotated[
        Path | None,
        typer.Option(
            help="Splits file of the model's training; a run's is found among its results if not given."
        ),
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
    fallback: Annotated[
        bool,
        typer.Option(
            help="Keep the model as it was where held-out labels are called worse; or adapt it all the same."
        ),
    ] = TRAINING["fallback"],
    epochs_unjudged: Annotated[
        int, typer.Option(min=1, help="Epochs if a class has a single label, which cannot be held out.")
    ] = EPOCHS_UNJUDGED,
    epoch_size: Annotated[
        int, typer.Option(min=50, help="Number of labelled stamps drawn per epoch.")
    ] = TRAINING["epoch_size"],
    batch_size: Annotated[
        int, typer.Option(min=4, help="Number of labelled stamps per training step.")
    ] = TRAINING["batch_size"],
    augmentation: Annotated[
        Augmentation | None,
        typer.Option(
            help="Whether stamps are turned whenever they are trained on; if not given, with MME alone."
        ),
    ] = None,
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
    from joblib import cpu_count

    from stampshift.adapting.adapt import adapt_model, check_output
    from stampshift.adapting.setting import Setting
    from stampshift.training.device import choose_device

    check_output(output, overwrite=overwrite)
    setting = Setting.of_model(
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
        augmentation=augmentation.value if augmentation else AUGMENTATION[method.value],
        fallback=fallback,
        seed=seed,
    )
    echo(setting.few_labels.how_judged(seed=seed, epochs_unjudged=epochs_unjudged), err=True)
    adaptation = adapt_model(
        setting,
        epochs=epochs,
        epochs_unjudged=epochs_unjudged,
        processes=processes or cpu_count(),
        progress=True,
    )
    adaptation.save(output, overwrite=overwrite)
    echo(adaptation.report())
    echo(f"The model and its record are in {output}.")
