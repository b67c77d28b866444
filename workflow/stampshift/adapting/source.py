"""The model that an adaptation starts from, and where the files of the survey are that it was trained on."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from stampshift.core.errors import ContractError
from stampshift.core.shapes import check_shape
from stampshift.release.contract import CONTRACT, ONNX, Contract, Start
from stampshift.release.run_files import SOURCES, RunFiles, files_in_study
from stampshift.release.shipped import folder_of
from stampshift.training.run_folder import METRICS, MODEL, UNUSABLE, read_trained_run


class StartingPoint(NamedTuple):
    """A model, and what is known of its training."""

    model: Path  # model file
    files: RunFiles | None  # of its survey; None where they are not available
    seen: Start
    normalisation: str | None = None  # of its stamps, where a contract says it


@dataclass
class _Record:
    """Of a run's ``metrics.json``, what says which surveys it has seen."""

    source_surveys: list[str] = field(default_factory=list)
    started_from: Start = field(default_factory=Start)


def starting_point(
    model: Path | str, *, stamps: Path | None = None, splits: Path | None = None
) -> StartingPoint:
    """Open a run's folder, a released model's, or the name of one that comes with the package.

    Stamps and splits of its survey are those given, or of a run those of `source_of`. Raises a
    `ContractError` if there is no such model, a released one has changed, or a given file does not exist.
    """
    for given in (stamps, splits):
        if given is not None and not given.is_file():
            raise ContractError(f"{given}: no such file.")
    folder = folder_of(model)
    if folder.is_file():
        raise ContractError(
            f"{folder}: expected the folder of a trained run or of a released model, found a file; only the "
            f"{MODEL} of such a folder can be trained further."
        )
    if any((folder / name).exists() for name in (CONTRACT, ONNX)):
        contract = Contract.read(folder)
        files = RunFiles(stamps, splits) if stamps and splits else None
        return StartingPoint(folder / MODEL, files, _seen_by(contract, folder), contract.normalisation)
    return StartingPoint(
        folder / MODEL, source_of(folder, stamps=stamps, splits=splits), _seen_by_run(folder)
    )


def _seen_by(contract: Contract, folder: Path) -> Start:
    before, homes = contract.start or Start(simulated=False), contract.homes
    sources = [survey for survey in contract.surveys if survey not in homes]
    return Start(
        list(dict.fromkeys([*before.surveys, *sources, *homes])),
        name=folder.resolve().name,
        simulated=contract.simulated or before.simulated,
    )


def _seen_by_run(folder: Path) -> Start:
    """What a run has seen; whether that was simulated its record does not say, unless its start's was."""
    metrics = read_trained_run(folder)
    check_shape(metrics, _Record, path=folder / METRICS, remedy=UNUSABLE)
    before = Start.of(metrics.get("started_from", {}))
    surveys = [*(before.surveys or metrics.get(SOURCES) or [metrics["source"]]), metrics["target"]]
    return Start(list(dict.fromkeys(filter(None, surveys))), simulated=before.simulated or None)


def source_of(run: Path, *, stamps: Path | None, splits: Path | None) -> RunFiles | None:
    """Stamps and split of a run's source: those given, or those of the results that the run's folder is in.

    Of a run of the second study they come with its corrected labels. None where a file is neither given nor
    found. A `ContractError` if the folder is not that of a trained run.
    """
    metrics = read_trained_run(run)
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
