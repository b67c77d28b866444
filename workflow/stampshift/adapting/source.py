"""Where the files of the survey are that a model was trained on."""

from pathlib import Path

from stampshift.core.errors import ContractError
from stampshift.release.run_files import RunFiles, files_in_study
from stampshift.training.run_folder import read_trained_run


def source_of(run: Path, *, stamps: Path | None, splits: Path | None) -> RunFiles | None:
    """Stamps and split of a run's source: those given, or those of the results that the run's folder is in.

    Of a run of the second study they come with its corrected labels. None where a file is neither given nor
    found. A `ContractError` if the folder is not that of a trained run, or a given file does not exist.
    """
    metrics = read_trained_run(run)
    for given in (stamps, splits):
        if given is not None and not given.is_file():
            raise ContractError(f"{given}: no such file.")
    study = files_in_study(run)
    if study is not None:
        source = RunFiles(stamps or study.stamps, splits or study.splits, study.labels)
        return source if all(path is None or path.is_file() for path in source) else None
    for results in run.resolve().parents:
        beside = results / "stamps" / f"{metrics['source']}.h5"
        stamps = stamps or (beside if beside.is_file() else None)
        beside = results / "splits" / f"{metrics['source']}" / f"seed-{metrics['seed']}.npz"
        splits = splits or (beside if beside.is_file() else None)
    return RunFiles(stamps, splits) if stamps and splits else None
