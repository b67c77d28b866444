import numpy as np
import pytest

from stampshift.tables.overview import overview_table


def test_a_line_per_pair_and_the_means(runs):
    table = overview_table(runs, pairs=["A-to-B", "B-to-A"], methods=["mme", "finetune"])
    assert table.cells.set_index("source to target").T.to_dict("list") == {
        "A to B": ["0.970", "0.700", "0.750", "0.750", "0.800", "0.850", "0.970", "0.870"],
        "B to A": ["0.900", "0.500", "–", "–", "–", "–", "–", "–"],
        "mean": ["0.935", "0.600", "0.750", "0.750", "0.800", "0.850", "0.970", "0.870"],
    }
    assert list(table.cells.columns) == [
        "source to target",
        "baseline, source",
        "baseline, target",
        "MME, 1 shot, target",
        "fine-tuning, 1 shot, target",
        "MME, 10 shots, target",
        "fine-tuning, 10 shots, target",
        "MME, 10 shots, source",
        "fine-tuning, 10 shots, source",
    ]
    assert table.caption.startswith("Balanced accuracy on test parts, mean over 3 splits: the baseline")


def test_numbers_hold_every_number_of_shots_once(runs):
    numbers = overview_table(runs, pairs=["A-to-B"], methods=["finetune", "mme"]).numbers
    assert len(numbers) == 2 + 2 * 2 * 2
    assert not numbers.duplicated(["source", "target", "method", "shots", "evaluated_on"]).any()
    chosen = numbers.query("method == 'mme' and shots == 10 and evaluated_on == 'B'")
    assert chosen["mean"].item() == pytest.approx(0.80)
    assert chosen["std"].item() == pytest.approx(0.01)


def test_baselines_alone_make_a_table(runs):
    table = overview_table(runs[runs["method"] == "baseline"], pairs=["A-to-B"], methods=["mme"])
    assert table.cells.to_numpy().tolist() == [["A to B", "0.970", "0.700"], ["mean", "0.970", "0.700"]]
    assert np.isfinite(table.numbers["mean"]).all()
