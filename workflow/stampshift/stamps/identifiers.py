"""How a table is joined to the stamps of a survey: by identifier, or by row and identifier."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stampshift.core.errors import ContractError, StampshiftError
from stampshift.stamps.file import Stamps

Identifiers = Sequence[str] | NDArray[Any] | pd.Series


def rows_of(
    ids: Identifiers,
    *,
    among: Identifiers,
    source: str,
    remedy: str,
    error: type[StampshiftError] = ContractError,
) -> NDArray[np.int64]:
    """Row of each of `ids` among those of a table or a stamps file, which `source` names in messages.

    An `error` is raised if an identifier is not there, or more than once.
    """
    index, wanted = pd.Index(among), pd.Index(ids)
    times = index.value_counts().reindex(wanted, fill_value=0)
    wrong = times[times != 1]
    if len(wrong):
        raise error(
            f"{source} should hold candidate {wrong.index[0]} once, found {wrong.iloc[0]} ({len(wrong)} of "
            f"{len(wanted)} candidates are missing or repeated). {remedy}"
        )
    # what occurs twice is none of those looked for
    return index.get_indexer_for(wanted)


def check_rows(table: pd.DataFrame, stamps: Stamps, *, source: str, remedy: str) -> None:
    """Raise a `ContractError` unless each ``row`` of a table is there once and is that of its ``id``."""
    rows = table["row"]
    beyond = int((~rows.between(0, len(stamps) - 1)).sum())
    twice = int(rows.duplicated().sum())
    if beyond or twice:
        raise ContractError(
            f"{source}: expected every row once, from 0 to {len(stamps) - 1}, the last of {stamps.survey}'s "
            f"stamps; found {twice} twice and {beyond} beyond. {remedy}"
        )
    here, there = stamps.ids[rows.to_numpy(np.int64)], table["id"].astype(str).to_numpy()
    if (here != there).any():
        first = int(np.argmax(here != there))
        raise ContractError(
            f"{source}: row {rows.iloc[first]} should be candidate {here[first]} of {stamps.survey}, found "
            f"{there[first]}. {remedy}"
        )
