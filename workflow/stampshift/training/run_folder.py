"""A trained run's folder, and what it says of itself. No torch."""

from pathlib import Path
from typing import Any

from stampshift.config.experiment import Run
from stampshift.core.errors import ContractError
from stampshift.core.files import read_json

MODEL = "model.pt"
METRICS = "metrics.json"


def read_metrics(folder: Path) -> dict[str, Any]:
    """Content of ``metrics.json`` of a trained run, of the workflow or of `stampshift adapt`.

    Parameters
    ----------
    folder
        ``results/<method>/<pair>/shots-<k>/seed-<s>``, ``results/baseline/<source>/seed-<s>``, or the output
        of `stampshift adapt`.

    Raises
    ------
    ContractError
        If the folder is not that of a trained run, or the file is damaged.
    """
    path = folder / METRICS
    missing = [name for name in (MODEL, METRICS) if not (folder / name).is_file()]
    if missing:
        found = f"no {' and no '.join(missing)} in it" if folder.is_dir() else "no such folder"
        raise ContractError(
            f"{folder}: expected the folder of a trained run, with {MODEL} and {METRICS}, found {found}; "
            "give one such as results/baseline/<source>/seed-0 or "
            "results/mme/<source>-to-<target>/shots-10/seed-0."
        )
    metrics = read_json(path, remedy="Delete the run's folder.")
    factors = list(Run.__dataclass_fields__)
    absent = [name for name in factors if name not in metrics] if isinstance(metrics, dict) else factors
    if absent:
        raise ContractError(f"{path}: misses {', '.join(absent)}. Delete the run's folder.")
    return dict(metrics)
