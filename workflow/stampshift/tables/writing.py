"""A table on its way to files: CSV for machines, Markdown and LaTeX for people."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from stampshift.core.files import atomic_path
from stampshift.tables.wording import SIMULATED, counted

DASH = "–"
FLOAT_FORMAT = "%.10g"  # beyond the resolution of any count, and the same text on every machine
LATEX = str.maketrans(
    {"_": r"\_", "&": r"\&", "%": r"\%", "#": r"\#", "±": r"$\pm$", "λ": r"$\lambda$", DASH: "--"}
    | {"<": "$<$", ">": "$>$", "≤": r"$\leq$", "≥": r"$\geq$"}
)


@dataclass(frozen=True)
class Table:
    """A table to be written."""

    numbers: pd.DataFrame  # one line per number, unrounded: what the CSV holds
    cells: pd.DataFrame  # what is printed: strings under printed headings
    caption: str  # what the cells are, in which experiment, and which published table they stand beside
    label: str  # name for references in LaTeX


def format_mean(mean: float, std: float) -> str:
    """``"0.967 ± 0.008"``; a dash for a spread, or a mean, that does not exist."""
    if np.isnan(mean):
        return DASH
    return f"{mean:.3f} ± {DASH if np.isnan(std) else format(std, '.3f')}"


def format_means(means: Iterable[float], stds: Iterable[float]) -> list[str]:
    """`format_mean` of each."""
    return [format_mean(mean, std) for mean, std in zip(means, stds, strict=True)]


def format_number(value: float, spec: str) -> str:
    """A number as its format says; a dash for NaN."""
    return DASH if np.isnan(value) else format(value, spec)


def most_splits(numbers: pd.DataFrame) -> str:
    """``"10 splits"``: the largest number in the column ``splits``."""
    return counted(int(numbers["splits"].max()), "split")


def write_csv(numbers: pd.DataFrame, path: Path | str) -> None:
    """Write numbers as CSV; the same numbers give the same bytes."""
    with atomic_path(path) as temporary:
        numbers.to_csv(temporary, index=False, float_format=FLOAT_FORMAT, lineterminator="\n")


def write_table(table: Table, paths: Iterable[Path | str], *, simulated: bool) -> None:
    """Write a table's numbers as CSV, its cells and caption as Markdown and LaTeX, by suffix.

    The caption of a table of simulated surveys says so.
    """
    caption = full_caption(table, simulated=simulated)
    for path in paths:
        if Path(path).suffix == ".csv":
            write_csv(table.numbers, path)
        else:
            with atomic_path(path) as temporary:
                temporary.write_text(TEXTS[Path(path).suffix](table, caption), encoding="utf-8")


def full_caption(table: Table, *, simulated: bool) -> str:
    """Caption of a table, with a sentence where simulated surveys stand in for archives."""
    return table.caption.strip() + (f" With {SIMULATED} in place of archives." if simulated else "")


def _markdown(table: Table, caption: str) -> str:
    return f"{caption}\n\n{table.cells.to_markdown(index=False, disable_numparse=True)}\n"


def _latex(table: Table, caption: str) -> str:
    cells = table.cells.map(_escape).rename(columns=_escape).style.hide(axis="index")
    return cells.to_latex(
        caption=_escape(caption),
        label=table.label,
        position_float="centering",
        column_format="l" * len(table.cells.columns),
        hrules=True,
    )


def _escape(text: str) -> str:
    return text.translate(LATEX)


TEXTS = {".md": _markdown, ".tex": _latex}
