"""Label files: a table of `id` and `label` beside an archive that holds none."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from io import StringIO
from pathlib import Path

import pandas as pd

from stampshift.core.errors import ArchiveError
from stampshift.stamps.file import UNLABELLED_CLASS

COLUMNS = ("id", "label")


def classes_by_id(path: Path) -> Mapping[str, str]:
    """Class of each candidate that a label file (CSV or Parquet) names; lines without a label are left out.

    Raises an `ArchiveError` if it cannot be read, lacks a column, or gives a candidate two labels.
    """
    try:
        state = path.stat()
    except OSError as error:
        raise ArchiveError(f"{path}: no such label file. Correct the path in the config.") from error
    return _read(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=4)  # every unit of an archive asks for it
def _read(path: Path, modified: int, size: int) -> Mapping[str, str]:  # noqa: ARG001
    try:
        if path.suffix == ".parquet":
            table = pd.read_parquet(path, columns=list(COLUMNS))
        else:
            # no `comment="#"`: an id may have one in it; nor any word for "nothing", which an id may be too
            lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
            table = pd.read_csv(
                StringIO("\n".join(lines)),
                usecols=list(COLUMNS),
                dtype=str,
                skipinitialspace=True,
                keep_default_na=False,
                na_values=[""],
            )
    except (OSError, ValueError, KeyError) as error:
        raise ArchiveError(
            f"{path}: expected a CSV or Parquet table with the columns id and label, but it cannot be read "
            f"as one ({error})."
        ) from error
    table = table.dropna().astype(str).drop_duplicates()
    twice = table[table["id"].duplicated()]
    if len(twice):
        identifier = twice["id"].iloc[0]
        found = " and ".join(table["label"][table["id"] == identifier])
        raise ArchiveError(
            f"{path}: expected one label for each id, found {found} for {identifier} ({len(twice)} such "
            "ids). Decide on one."
        )
    return dict(zip(table["id"], table["label"], strict=True))


def class_of(identifier: str, label_file: Path | None) -> str:
    """Class of a candidate by the label file; unlabelled where that does not name it or is None."""
    return classes_by_id(label_file).get(identifier, UNLABELLED_CLASS) if label_file else UNLABELLED_CLASS


def without(label_file: Path | None, files: Sequence[Path]) -> list[Path]:
    """Files of an archive but for the label file, which may lie among them."""
    return [path for path in files if label_file is None or path.resolve() != label_file.resolve()]


def check_labels(path: Path, classes: Mapping[str, str]) -> None:
    """Raise an `ArchiveError` at the first label that is no class of the survey's map."""
    for identifier, name in classes_by_id(path).items():
        if name not in classes and name != UNLABELLED_CLASS:
            raise ArchiveError(
                f"{path}: expected labels among the classes of the config's map "
                f"({', '.join(sorted(classes))}), found {name!r} for {identifier}. Correct it, or add it to "
                "the survey's `classes` as real or bogus."
            )
