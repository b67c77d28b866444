import re

import pandas as pd
import pytest

from stampshift.core.errors import ContractError
from stampshift.stamps.identifiers import check_rows, rows_of

THERE = ["c", "a", "b", "b", "d"]


def test_rows_come_in_the_order_of_the_identifiers():
    assert rows_of(["d", "a", "c", "a"], among=THERE, source="table", remedy="").tolist() == [4, 1, 0, 1]
    assert rows_of([], among=THERE, source="table", remedy="").dtype == "int64"


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (
            ["a", "x", "y"],
            "candidate x once, found 0 (2 of 3 candidates are missing or repeated)",
        ),
        (["a", "b"], "candidate b once, found 2 (1 of 2 candidates are missing or repeated)"),
    ],
)
def test_what_is_missing_or_repeated_is_named(ids, message):
    with pytest.raises(ContractError, match=re.escape(f"B: the table should hold {message}. Make it again.")):
        rows_of(ids, among=THERE, source="B: the table", remedy="Make it again.")


def test_rows_with_the_identifiers_of_the_stamps_pass(surveys):
    check_rows(pd.DataFrame({"row": [2, 0], "id": ["A-2", "A-0"]}), surveys["A"], source="", remedy="")


@pytest.mark.parametrize(
    ("rows", "ids", "message"),
    [
        ([2, 2], ["A-2", "A-2"], "found 1 twice and 0 beyond. Delete it."),
        ([-1, 400], ["A-0", "A-1"], "from 0 to 399, the last of A's stamps; found 0 twice and 2 beyond."),
        ([1, 2], ["A-1", "A-3"], "row 2 should be candidate A-2 of A, found A-3. Delete it."),
    ],
)
def test_rows_of_other_stamps_are_refused(surveys, rows, ids, message):
    with pytest.raises(ContractError, match=re.escape(message)):
        check_rows(pd.DataFrame({"row": rows, "id": ids}), surveys["A"], source="x.csv", remedy="Delete it.")
