"""Released models that come with the package, each a folder by its name."""

from collections.abc import Sequence
from pathlib import Path

from stampshift.core.errors import ContractError
from stampshift.release.contract import CONTRACT, DIGESTED

SHIPPED = Path(__file__).with_name("models")
DEFAULT = "generalist"  # for alerts that come without a model


def shipped() -> list[str]:
    """Names of the models that come with the package."""
    return sorted(path.parent.name for path in SHIPPED.glob(f"*/{CONTRACT}"))


def folder_of(model: Path | str) -> Path:
    """Folder of a released model: the one given, or that of a name among `shipped`.

    A folder of the user's goes before a model of the same name. Raises a `ContractError` for a bare name that
    is neither.
    """
    folder = Path(model)
    if folder.exists() or folder != Path(folder.name):
        return folder
    names = shipped()
    if folder.name in names:
        return SHIPPED / folder.name
    raise ContractError(
        f"{model}: no such folder, and no model of that name comes with stampshift "
        f"({', '.join(names) or 'none does'}). Give the folder of a released model; `stampshift export` "
        "makes one."
    )


def model_and_inputs(paths: Sequence[Path]) -> tuple[Path, Sequence[Path]]:
    """The model that the first path is, or else the package's `DEFAULT`, and the inputs to be scored.

    A model is a name among `shipped`, an ONNX file, or a folder that holds a file of a released model or of a
    run. Raises a `ContractError` if nothing is left to be scored.
    """
    first, *others = paths
    if not _is_model(first):
        return SHIPPED / DEFAULT, paths  # not a folder of that name where the command runs
    if not others:
        raise ContractError(f"{first}: is a model; name the alerts that it is to score, too.")
    return first, others


def _is_model(path: Path) -> bool:
    if path.is_dir():
        return any((path / name).exists() for name in (CONTRACT, *DIGESTED))
    return path.suffix == ".onnx" or (not path.exists() and str(path) in shipped())
