"""What the scripts of tables and figures share: a rule's function, and what it is called with."""

from collections.abc import Callable
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

from stampshift.core.files import read_json, read_table
from stampshift.stamps.file import Stamps
from stampshift.tables.kept_weights import gather_kept
from stampshift.tables.run_table import read_runs

READERS: dict[str, Callable[..., Any]] = {
    "runs": read_runs,
    "histories": lambda paths: dict(enumerate(map(read_table, paths))),
    "kept": lambda paths: gather_kept(Path(path).parent for path in paths),
    "search": read_json,
    "searches": lambda paths: list(map(read_json, paths)),
    "stamps": Stamps.verified,
}  # by name of the input; else a table
OF_THE_RULE = ("function", "simulated", "code", "caption")  # parameters that are no arguments


def function_of(snakemake: Any) -> Callable[..., Any]:
    """The function that a rule names."""
    function: Callable[..., Any] = resolve_name(f"stampshift.{snakemake.params.function}")
    return function


def arguments_of(snakemake: Any) -> dict[str, Any]:
    """What a rule's inputs hold, and its parameters, by their names."""
    inputs = {name: READERS.get(name, read_table)(path) for name, path in snakemake.input.items()}
    return inputs | {
        name: snakemake.params[name] for name in {*snakemake.params.keys()}.difference(OF_THE_RULE)
    }
