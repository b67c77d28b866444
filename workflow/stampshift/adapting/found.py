"""The files of the survey that a model was trained on, from where the model is."""

from pathlib import Path

from stampshift.adapting.setting import Source
from stampshift.core.errors import ContractError
from stampshift.training.run_folder import read_trained_run


def found_source(run: Path, *, stamps: Path | None, splits: Path | None) -> Source | None:
    """Stamps and split of the source of a run, given or found among the results that the run is part of.

    Parameters
    ----------
    run
        Folder of a run's files, ``<results>/baseline/<source>/seed-<s>`` say.
    stamps, splits
        Files to take in place of those found.

    Returns
    -------
    Source or None
        None where one of the two files is neither given nor there.

    Raises
    ------
    ContractError
        If the folder is not that of a trained run, or a given file does not exist.
    """
    metrics = read_trained_run(run)
    for given in (stamps, splits):
        if given is not None and not given.is_file():
            raise ContractError(f"{given}: no such file.")
    name, seed = metrics["source"], metrics["seed"]
    for results in run.resolve().parents:
        stamps = stamps or _if_there(results / "stamps" / f"{name}.h5")
        splits = splits or _if_there(results / "splits" / f"{name}" / f"seed-{seed}.npz")
    return Source(stamps, splits) if stamps and splits else None


def _if_there(path: Path) -> Path | None:
    return path if path.is_file() else None
