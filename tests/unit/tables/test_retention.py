import numpy as np
import pytest

from stampshift.tables.retention import retention


def test_changes_are_paired_by_split(runs):
    table = retention(runs, pairs=["A-to-B"], methods=["finetune", "mme"])
    assert table[["method", "shots"]].to_numpy().tolist() == [
        ["finetune", 1],
        ["finetune", 10],
        ["mme", 1],
        ["mme", 10],
    ]
    first = table.iloc[0]
    # source: 0.96 0.97 0.98 before, 0.90 0.91 0.92 after; target: 0.60 0.70 0.80 before, 0.70 0.75 0.80 after
    assert (first["lost"], first["lost_std"]) == (pytest.approx(0.06), pytest.approx(0, abs=1e-12))
    assert (first["won"], first["won_std"]) == (pytest.approx(0.05), pytest.approx(0.05))
    assert first["splits"] == 3
    assert table["lost"][3] == pytest.approx(0.0)  # MME with 10 shots: 0.97 three times


def test_the_order_of_lines_changes_no_pairing(runs):
    shuffled = runs.sample(frac=1, random_state=2)
    table = retention(shuffled, pairs=["A-to-B"], methods=["finetune"]).set_index("shots")
    np.testing.assert_allclose(table.loc[1, ["won_std", "lost_std"]].astype(float), [0.05, 0], atol=1e-12)
