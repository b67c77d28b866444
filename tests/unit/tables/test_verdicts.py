"""The rule of the verdicts."""

import pandas as pd
import pytest

from stampshift.tables.verdicts import FAILS, judge


@pytest.mark.filterwarnings("error")
def test_no_difference_anywhere_bears_nothing():
    none = pd.DataFrame({"difference": [0.0, 0.0, 0.0], "p_corrected": [1.0, 1.0, 1.0]})
    verdict, evidence = judge(none, sign=1)
    assert verdict == FAILS
    assert evidence == "0 of 3 pairs, beyond chance in 0 (all pairs together: p = 1)"
