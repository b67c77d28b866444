import numpy as np
import pandas as pd
import pytest

from stampshift.des_study.high_snr import high_snr_errors, high_snr_table, snr_of_rows

BOUNDS = [0.1, 0.5, 0.9]


@pytest.fixture
def numbers(predicted):
    scores = {"network_1": [0.9, 0.05, 0.95, 0.2, 0.4, 0.9], "forest": [0.9, 0.9, 0.1, 0.2, 0.6]}
    predictions = predicted(scores, labels=[1, 1, 0, 0, 1, 0], rows={"forest": [0, 1, 2, 3, 4]})
    # row 3 has no S/N; row 5 is judged by one model alone
    snr = pd.Series([10.0, 50.0, 30.0, np.nan, 5.0, 80.0])
    return high_snr_errors(predictions, snr=snr, bounds=BOUNDS)


def test_errors_at_high_and_low_snr_by_hand(numbers):
    found = numbers.set_index(["snr", "model"])
    assert found.loc[("high", "network_1")].to_list() == [2, 1, 0.5, 1.0, 2]
    assert found.loc[("high", "forest")].to_list() == [2, 1, 0.0, 0.0, 0]
    low = found.loc[("low", "network_1")]
    assert low["mdr"] == 1
    assert np.isnan(low["fpr"])  # no bogus stamp of low S/N


def test_the_printed_errors(numbers):
    cells = high_snr_table(numbers, title="test stamps", label="first").cells
    assert cells.iloc[0].to_list() == ["S/N ≥ 10 (2 real, 1 bogus)", "network 1", "50.00%", "100.00%", "2"]
    assert cells.iloc[2].to_list()[1:] == ["network 1", "100.00%", "–", "0"]


def test_the_table_of_snr_may_be_in_another_order():
    class Survey:
        survey = "A"
        ids = np.array(["7", "5", "6"])

    ratios = pd.DataFrame({"id": ["5", "6", "7", "8"], "SNR": [1.0, 2.0, 3.0, 4.0]})
    assert snr_of_rows(Survey, ratios).to_list() == [3.0, 1.0, 2.0]
