"""Commands for data: what a file holds, simulated archives, a survey's stamps."""

from pathlib import Path
from typing import Annotated

import typer

from stampshift.core.printing import echo

app = typer.Typer()


@app.command(short_help="Print what a file holds.")
def inspect(
    file: Annotated[
        Path, typer.Argument(help="A stamps file, alert packets, a table, a raw archive, or a folder.")
    ],
) -> None:
    """Print what a file holds: counts, classes, and what preprocessing dropped and filled."""
    from stampshift.surveys.inspection import describe

    echo(describe(file))


@app.command(short_help="Say whether files are as they were written.")
def verify(
    paths: Annotated[
        list[Path],
        typer.Argument(help="Files of stampshift, or folders such as a run, a release or results."),
    ],
    downloads: Annotated[
        Path, typer.Option(help="Records of downloaded archives, with their digests.")
    ] = Path("resources/downloads.lock"),
) -> None:
    """Say whether files are as they were written, by the digests and checksums that they carry.

    Exit status 0: all are as written; 1: something is not; 2: something cannot be verified.
    """
    from stampshift.surveys.verification import exit_status
    from stampshift.surveys.verification import verify as verdicts_on

    verdicts = []
    for path in paths:
        for verdict in verdicts_on(path, downloads=downloads):
            echo(verdict.line())
            verdicts.append(verdict)
    raise typer.Exit(exit_status(verdicts))


@app.command(short_help="Simulate a survey's raw archive, or its alert packets.")
def simulate(
    survey: Annotated[str, typer.Argument(help="HiTS, DES, ATLAS, ZTF, DECAT or Rubin.")],
    folder: Annotated[
        Path, typer.Argument(help="Folder for the archive; it must be empty or not exist yet.")
    ],
    stamps: Annotated[int, typer.Option(help="Number of triplets, all classes together.")],
    seed: Annotated[int, typer.Option(help="Random seed; the same seed writes the same bytes.")],
    constants: Annotated[
        Path | None,
        typer.Option(help="YAML of physical constants; those of the package if not given."),
    ] = None,
    processes: Annotated[int, typer.Option(help="Worker processes.")] = 1,
    hdus: Annotated[
        bool, typer.Option("--hdus", help="ATLAS alone: a pickle of astropy's HDUs instead of FITS files.")
    ] = False,
    packets: Annotated[
        bool,
        typer.Option(
            "--packets", help="Alert packets without labels, and the true ones in labels.csv, as of Rubin."
        ),
    ] = False,
) -> None:
    """Simulate a survey's raw archive, in the survey's native format, or its alert packets."""
    from stampshift.core.folders import new_folder
    from stampshift.simulation import read_constants, simulate_survey

    constants_read = read_constants(survey, constants)
    with new_folder(folder, advice="give another folder, or delete it first") as temporary:
        simulate_survey(
            survey,
            stamps=stamps,
            seed=seed,
            constants=constants_read,
            folder=temporary,
            processes=processes,
            hdus=hdus,
            packets=packets,
        )


@app.command(short_help="Make a stamps file from a survey's archive.")
def stamps(
    config: Annotated[
        Path,
        typer.Option(help="YAML file with the survey under `surveys`: a config, or that section alone."),
    ],
    survey: Annotated[str, typer.Option(help="The survey's name in that file.")],
    output: Annotated[Path, typer.Option(help="Stamps file to write (HDF5).")],
    processes: Annotated[
        int, typer.Option(min=1, help="Worker processes; they do not change the result.")
    ] = 1,
    unit_minutes: Annotated[
        float,
        typer.Option(
            min=0.001,
            help="Minutes that a unit of some hundred alert packets may take; a packet that takes longer is "
            "dropped and counted. It has no effect with a single process.",
        ),
    ] = 10,
    context: Annotated[
        int,
        typer.Option(
            min=0,
            help="Also keep so many central pixels squared of each cutout, which the review page can show "
            "around the stamp; no model sees them.",
        ),
    ] = 0,
    drop_unlabelled: Annotated[
        bool, typer.Option("--drop-unlabelled", help="Drop stamps without a label, as the experiment does.")
    ] = False,
) -> None:
    """Make a stamps file from a survey's archive, including unlabelled stamps.

    Missing keys of the survey and of `stamps` (size_pixels, normalisation) come from config.yaml in the
    current folder. Without that file, stamps have 21 pixels and are normalised by channel. Paths are
    relative to the current folder.
    """
    from stampshift.surveys.one_survey import make_survey, survey_settings

    section, settings = survey_settings(config, survey=survey, defaults=Path("config.yaml"))
    unlabelled = "drop" if drop_unlabelled else "keep"
    text = make_survey(
        survey,
        section,
        settings,
        output=output,
        processes=processes,
        unit_minutes=unit_minutes,
        unlabelled=unlabelled,
        context_pixels=context,
    )
    echo(text)
