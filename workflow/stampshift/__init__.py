"""Real/bogus classification of alert stamps across surveys, with few labels of the new one.

From a released model to scores: `load`, which opens a `ReleasedModel`, for cutouts that you have as arrays;
`read_alerts` and `score_alerts` for packets. From a stamps file with a few labels to a released model:
`Stamps`, `adapt`, `export`. `StampshiftError` is the base of all errors that a user can fix. All are imported
at first use, so that `import stampshift` stays light.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from stampshift.core.version import __version__ as __version__

if TYPE_CHECKING:
    from stampshift.adapting.adapt import adapt
    from stampshift.alerts import read_alerts
    from stampshift.core.errors import StampshiftError
    from stampshift.release.exporting import export
    from stampshift.release.released import ReleasedModel, load
    from stampshift.scoring.units import score_alerts
    from stampshift.stamps.file import Stamps

__all__ = [
    "ReleasedModel",
    "Stamps",
    "StampshiftError",
    "adapt",
    "export",
    "load",
    "read_alerts",
    "score_alerts",
]

HOMES = {
    "ReleasedModel": "release.released",
    "Stamps": "stamps.file",
    "StampshiftError": "core.errors",
    "adapt": "adapting.adapt",
    "export": "release.exporting",
    "load": "release.released",
    "read_alerts": "alerts",
    "score_alerts": "scoring.units",
}


def __getattr__(name: str) -> Any:
    """A public name, imported when first used."""
    if name not in HOMES:
        raise AttributeError(f"module 'stampshift' has no attribute {name!r}")
    return getattr(import_module(f"stampshift.{HOMES[name]}"), name)
