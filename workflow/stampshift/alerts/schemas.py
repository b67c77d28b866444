"""Schemas of packets that come without one: Confluent's wire format names it by a number."""

import json
from functools import lru_cache
from pathlib import Path

from fastavro.schema import load_schema

from stampshift.alerts.avro import Layout, layout_of_schema

VERSIONS = 100  # Rubin numbers its schemas 100 x major + minor


def schema_files(folder: Path, number: int) -> list[Path]:
    """Where the schema of a number may lie in a folder: by number, or in Rubin's layout by version."""
    major, minor = divmod(number, VERSIONS)
    name = f"lsst.v{major}_{minor}.alert.avsc"
    within = Path(str(major), str(minor), name)
    return [
        folder / f"{number}.avsc",
        folder / name,
        folder / within,
        folder / "schema" / within,
    ]


@lru_cache(maxsize=64)
def numbered_layout(folder: Path, number: int) -> Layout:
    """How packets of a numbered schema are read.

    Raises
    ------
    LookupError
        If the folder holds no file of that schema.
    Exception
        Of any kind, if it is no schema.
    """
    for path in schema_files(folder, number):
        if path.name.startswith("lsst.") and path.is_file():
            return layout_of_schema(load_schema(str(path)))  # parts of the schema lie in files beside it
        if path.is_file():
            return layout_of_schema(json.loads(path.read_text(encoding="utf-8")))
    raise LookupError(f"no {' or '.join(str(path) for path in schema_files(folder, number))}")
