"""Label tables: `id` and `label` beside an archive that holds no labels, CSV, Parquet or a folder of them."""

import csv
import logging
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from io import StringIO
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from stampshift.core.errors import ArchiveError, system_fault, unreadable_now
from stampshift.core.files import files_below
from stampshift.formats.archives import listing, passed_over
from stampshift.formats.cells import EXACT, MOST_CHARACTERS, as_text, too_long
from stampshift.formats.tables import names, open_table
from stampshift.stamps.file import UNLABELLED_CLASS

COLUMNS = ("id", "label")
PART = re.compile(r"[^._].*\.(csv|parquet)", re.IGNORECASE)
ROUNDED = re.compile(r"\d(\.\d+)?[eE]\+\d+")  # 1.7862167308150150e+18
WHOLE = re.compile(r"(\d+)\.0")  # of a column that pandas held as doubles
NO_VALUE = "__HIVE_DEFAULT_PARTITION__"  # a gap in the name of a folder


class Labels(NamedTuple):
    """What a label table says."""

    classes: Mapping[str, str]  # by identifier
    without_id: int  # lines that have a label and no identifier


def label_parts(path: Path) -> list[Path]:
    """Files of a label table: itself, or the CSV and Parquet files of a folder and those below it."""
    if not path.is_dir():
        return [path]
    parts = [part for part in files_below(path) if PART.fullmatch(part.name) and part.is_file()]
    if not parts:
        raise ArchiveError(
            f"{listing([path])}: expected parts of a label table, *.parquet or *.csv, found none in it."
        )
    return parts


def classes_by_id(path: Path) -> Mapping[str, str]:
    """Class of each candidate that a label table names; lines without a label are left out.

    Raises an `ArchiveError` if it cannot be read, lacks a column, or gives a candidate two labels.
    """
    return _labels(path).classes


def class_of(identifier: str, label_file: Path | None) -> str:
    """Class of a candidate by the label table; unlabelled where that does not name it or is None."""
    return classes_by_id(label_file).get(identifier, UNLABELLED_CLASS) if label_file else UNLABELLED_CLASS


def without(label_file: Path | None, files: Sequence[Path]) -> list[Path]:
    """Files of an archive except those of the label table, which may be among them."""
    if label_file is None:
        return list(files)
    parts = {part.resolve() for part in label_parts(label_file)}
    return [path for path in files if path.resolve() not in parts]


def check_labels(path: Path, classes: Mapping[str, str]) -> None:
    """Raise an `ArchiveError` at the first label that is no class of the survey's map.

    Lines without an id, and files of a folder that are no parts of the table, are counted in the log.
    """
    labels = _labels(path)
    for identifier, name in labels.classes.items():
        if name not in classes and name != UNLABELLED_CLASS:
            raise ArchiveError(
                f"{path}: expected labels among the classes of the config's map "
                f"({', '.join(sorted(classes))}), found {name!r} for {identifier}. Correct it, or add it to "
                "the survey's `classes` as real or bogus."
            )
    left = passed_over([path], label_parts(path))
    if left:
        logging.warning("%s: %s", path, left)
    if labels.without_id:
        logging.warning("%s: %d lines have a label and no id: they are left out", path, labels.without_id)


def _labels(path: Path) -> Labels:
    try:
        parts = label_parts(path)
        states = [(part, part.stat()) for part in parts]
    except FileNotFoundError as error:
        raise ArchiveError(f"{path}: no such label file. Correct the path in the config.") from error
    except OSError as error:
        raise ArchiveError(unreadable_now(path, error)) from error
    return _read_labels(path, tuple((part, state.st_mtime_ns, state.st_size) for part, state in states))


@lru_cache(maxsize=4)  # every unit of an archive asks for it
def _read_labels(path: Path, parts: tuple[tuple[Path, int, int], ...]) -> Labels:
    table = pd.concat([_read_part(part, folder=path) for part, *_ in parts], ignore_index=True)
    table = table[table["label"] != ""]
    named = table[table["id"] != ""].drop_duplicates()
    twice = named[named["id"].duplicated()]
    if len(twice):
        identifier = twice["id"].iloc[0]
        found = " and ".join(named["label"][named["id"] == identifier])
        raise ArchiveError(
            f"{path}: expected one label for each id, found {found} for {identifier} ({len(twice)} such "
            "ids). Decide on one."
        )
    return Labels(dict(zip(named["id"], named["label"], strict=True)), int((table["id"] == "").sum()))


def _read_part(path: Path, *, folder: Path) -> pd.DataFrame:
    """Columns id and label of a file as text, ``""`` for a gap."""
    if path.suffix.lower() != ".parquet":
        return _read_csv(path)
    # a part of a table that was written by its classes has those in the names of its folders
    within = path.relative_to(folder).parent.parts if path != folder else ()
    by_folder = dict(part.split("=", 1) for part in within if part.partition("=")[0] in COLUMNS)
    found = names(path)
    missing = [name for name in COLUMNS if name not in found and name not in by_folder]
    if missing:
        raise ArchiveError(
            f"{path}: expected a CSV or Parquet table with the columns id and label, found no '{missing[0]}' "
            f"among {', '.join(found) or 'nothing'}. Rename its columns."
        )
    stored = [name for name in COLUMNS if name not in by_folder]
    table = open_table(path, pixels=(), others=stored)
    columns = {name: list(map(as_text, table.others[name])) for name in stored}
    return pd.DataFrame(
        columns | {name: [text.replace(NO_VALUE, "")] * table.rows for name, text in by_folder.items()},
        dtype=str,
    )


def _read_csv(path: Path) -> pd.DataFrame:
    try:
        # no `comment="#"`: an id may contain one; and no word for a gap, which an id may be too
        table = pd.read_csv(
            StringIO(_without_comments(path.read_bytes().decode("utf-8-sig"))),
            usecols=list(COLUMNS),
            dtype=str,
            skipinitialspace=True,
            keep_default_na=False,
        )
    except (OSError, ValueError, KeyError, csv.Error) as error:
        if system_fault(error):
            raise ArchiveError(unreadable_now(path, error)) from error
        raise ArchiveError(
            f"{path}: expected a CSV or Parquet table with the columns id and label, but it cannot be read "
            f"as one ({error})."
        ) from error
    table = table.fillna("")
    for name in COLUMNS:
        longest = int(table[name].str.len().max()) if len(table) else 0
        if longest > MOST_CHARACTERS:
            raise ArchiveError(f"{path}: {too_long(longest, name)}")
    return table.assign(id=_exact(table["id"], path))


def _without_comments(text: str) -> str:
    """Lines of a CSV table but for those that begin with "#", unless they are inside a quoted cell."""
    lines, kept = StringIO(text, newline=""), list[str]()

    def keep(more: Iterable[str]) -> Iterator[str]:
        for line in more:
            kept.append(line)
            yield line

    for line in lines:
        if not line.startswith("#"):
            # takes as many lines as the record has
            next(csv.reader(keep(chain([line], lines))))
    return "".join(kept)


def _exact(ids: pd.Series, path: Path) -> pd.Series:
    """Identifiers of a column that a program held as doubles, as the whole numbers that they were."""
    named = ids[ids != ""]
    rounded = named[named.str.fullmatch(ROUNDED)]
    whole = named.str.fullmatch(WHOLE)
    if len(named) and whole.all():
        rounded = named[named.str.removesuffix(".0").map(int) >= EXACT]
        ids = ids.str.removesuffix(".0")
    if len(rounded):
        raise ArchiveError(
            f"{path}: expected exact numbers in 'id', found {rounded.iloc[0]}, a floating-point number, "
            "which loses digits from 2**53 on. Write the column again as integers or text, from where its "
            "digits are whole."
        )
    return ids
