"""Released models that come with the package, each a folder by its name."""

from pathlib import Path

from stampshift.core.errors import ContractError
from stampshift.release.contract import CONTRACT

SHIPPED = Path(__file__).with_name("shipped")


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
