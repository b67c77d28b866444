import numpy as np
import pandas as pd
import pytest

from stampshift.core import columns
from stampshift.core.columns import check_columns
from stampshift.core.errors import ContractError


@pytest.mark.parametrize(
    ("kind", "cells", "found"),
    [
        (columns.TEXT, ["a", None], "expected text as x, found .* in line 2"),
        (columns.TEXT, [b"\xff"], r"expected text as x, found b'\\xff' in line 1"),
        (columns.TEXT, [1, 2], "expected text as x, found"),
        (columns.TEXT_OR_GAPS, [None, 1], "expected text or gaps as x, found .*1.* in line 2"),
        (columns.WHOLE, [1.0, 2.0], "expected whole numbers as x, found"),
        (columns.WHOLE, [True], "expected whole numbers as x, found"),
        (columns.FINITE, [1.0, np.nan], "expected finite numbers as x, found .*nan.* in line 2"),
        (columns.FINITE, [np.inf], "expected finite numbers as x, found .*inf"),
        (columns.FINITE_OR_GAPS, [np.nan, np.inf], "expected numbers as x, found .*inf.* in line 2"),
        (columns.FINITE, [[1], [2]], r"expected finite numbers as x, found \[1\]"),
        (columns.FINITE, [pd.Timestamp(0)], "expected finite numbers as x, found Timestamp"),
    ],
)
def test_a_cell_of_another_kind_is_named(kind, cells, found):
    with pytest.raises(ContractError, match=rf"runs\.csv: {found}.* Make it again\."):
        check_columns(pd.DataFrame({"x": cells}), {"x": kind}, path="runs.csv", remedy="Make it again.")


def test_an_identifier_in_another_encoding_is_named_with_its_line():
    table = pd.DataFrame({"id": [b"caf\xc3\xa9", b"\xff\xfe"]})
    with pytest.raises(
        ContractError, match=r"t: expected identifiers in UTF-8 as id, found .* in line 2\. Fix it"
    ):
        check_columns(table, {"id": columns.IDENTIFIER}, path="t", remedy="Fix it.")


def test_columns_of_their_kinds_pass_and_missing_ones_are_named():
    table = pd.DataFrame(
        {
            "id": ["a", "b"],
            "row": pd.array([0, 1], "Int8"),
            "score": np.float32([0.5, np.nan]),
            "note": ["x", None],
            "any": [None, b"x"],
        }
    )
    kinds = {"id": columns.TEXT, "row": columns.WHOLE, "score": columns.FINITE_OR_GAPS}
    kinds |= {"note": columns.TEXT_OR_GAPS, "any": columns.IDENTIFIER}
    check_columns(table, kinds, path="t", remedy="")
    check_columns(table[:0], kinds, path="t", remedy="")
    with pytest.raises(ContractError, match="t: columns id, label are needed; label missing"):
        check_columns(table, {"id": columns.TEXT, "label": columns.WHOLE}, path="t", remedy="")
