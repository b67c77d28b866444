import pandas as pd
import pytest

from stampshift.tables.capacity import capacity_table


def run(network, source, accuracy, parameters, seconds):
    return {
        "network": network, "source": source, "trainable_parameters": parameters, "epochs": 4,
        "seconds": seconds, "device": "cpu", "precision": "float32",
        "evaluation": {source: {"balanced_accuracy": accuracy}, "other": {"balanced_accuracy": 0.1}},
    }  # fmt: skip


@pytest.fixture
def metrics():
    return [
        run("residual", "A", 0.97, 175_258, 24), run("residual", "A", 0.99, 175_258, 32),
        run("bolivar", "A", 0.90, 115_944, 4), run("bolivar", "A", 0.94, 115_944, 4),
        run("bolivar", "B", 0.80, 115_944, 4), run("bolivar", "B", 0.80, 115_944, 12),
        run("residual", "B", 0.85, 175_258, 8), run("residual", "B", 0.85, 175_258, 16),
    ]  # fmt: skip


def test_a_line_per_network_in_the_order_of_the_configuration(metrics):
    flop = {"bolivar": 5_400_000, "residual": 25_800_000}
    table = capacity_table(metrics, flop_per_stamp=flop, size_pixels=21)
    assert table.cells.to_dict("records") == [
        {"network": "bolivar", "trainable parameters": "115,944", "MFLOP per stamp": "5.4",
         "seconds per epoch": "1.5", "A": "0.920 ± 0.028", "B": "0.800 ± 0.000", "mean": "0.860"},
        {"network": "residual", "trainable parameters": "175,258", "MFLOP per stamp": "25.8",
         "seconds per epoch": "5", "A": "0.980 ± 0.014", "B": "0.850 ± 0.000", "mean": "0.915"},
    ]  # fmt: skip
    assert "over 2 splits" in table.caption
    assert "one stamp of 21 x 21 pixels" in table.caption


def test_the_numbers_are_by_network_and_survey(metrics):
    numbers = capacity_table(metrics, flop_per_stamp={"bolivar": 1, "residual": 2}, size_pixels=21).numbers
    line = numbers.set_index(["network", "survey"]).loc[("residual", "A")]
    assert line["seconds_per_epoch"] == pytest.approx(7)
    assert line[["mean", "splits", "flop_per_stamp"]].tolist() == pytest.approx([0.98, 2, 2])
    assert isinstance(numbers, pd.DataFrame)
