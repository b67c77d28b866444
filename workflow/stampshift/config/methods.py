"""The sections of `methods` in the configuration: methods, and variants of them under names of their own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stampshift.core.errors import ConfigError

RESULT_FOLDERS = {"baseline", "benchmarks", "calibration", "des_study", "features", "figures", "lambda"} | {
    "logs", "pairs", "splits", "stamps", "store", "tables"
}  # fmt: skip
NAMING = ("variant_of", "label")  # keys of a variant that are no option of its method
WEIGHT = "entropy_weight"


@dataclass(frozen=True)
class Section:
    """One section of `methods`, complete: a variant has the options of its method where it gives none.

    Attributes
    ----------
    name
        As in paths and in the table of runs.
    method
        Module of `stampshift.methods` that trains it: `name`, or the method that it is a variant of.
    label
        Name of a variant in print; None for a method, which tables and figures know how to call.
    options
        Of the method. Without ``entropy_weight`` where that is chosen for each pair.
    search
        How its own entropy weight is chosen: ``choice``, ``grid`` and ``seed``; None where it is not.
    weights_of
        Section whose choice of the entropy weight for a pair it uses: itself, or the method that it is a
        variant of. None for a fixed weight, and for methods that have none.
    """

    name: str
    method: str
    label: str | None
    options: Mapping[str, Any]
    search: Mapping[str, Any] | None
    weights_of: str | None

    @property
    def is_variant(self) -> bool:
        """Whether it is a variant of another section."""
        return self.name != self.method


def read_sections(methods: Mapping[str, Mapping[str, Any]]) -> dict[str, Section]:
    """Sections of the configuration, which has passed its schema, by name and in its order.

    Raises
    ------
    ConfigError
        If a variant's method has no section, or a variant's name is taken by a folder of the results.
    """
    return {name: _read(name, methods) for name in methods}


def _read(name: str, methods: Mapping[str, Mapping[str, Any]]) -> Section:
    own = methods[name]
    method = own.get("variant_of", name)
    if name in RESULT_FOLDERS:
        raise ConfigError(
            f"config: methods.{name}: results/{name} is a folder of the workflow; give the variant "
            "another name."
        )
    if method not in methods:
        raise ConfigError(
            f"config: methods.{name} is a variant of '{method}', whose options it takes over, but there is "
            f"no section methods.{method}; add it."
        )
    options = {key: value for key, value in {**methods[method], **own}.items() if key not in NAMING}
    search, weights_of = None, None
    if isinstance(options.get(WEIGHT), Mapping):
        chosen = options.pop(WEIGHT)
        weights_of = name if WEIGHT in own else method
        search = chosen if weights_of == name else None
    return Section(name, method, own.get("label"), options, search, weights_of)
