import pandas as pd
import pytest

from stampshift.core.errors import ContractError
from stampshift.tables.zero_shots import zero_shot_table, zero_shots


@pytest.fixture
def of_three(with_no_labels):
    """Beside MME with 0 shots CORAL, better by 0.01 times the split's number."""
    mme = with_no_labels[(with_no_labels["method"] == "mme") & (with_no_labels["shots"] == 0)]
    coral = mme.assign(method="coral", balanced_accuracy=mme["balanced_accuracy"] + 0.01 * mme["seed"])
    return pd.concat([with_no_labels, coral], ignore_index=True)


def test_a_line_per_pair_and_the_means(of_three):
    table = zero_shot_table(of_three, pairs=["A-to-B"], names=["mme", "coral"], variant_names={})
    assert table.cells.to_dict("records") == [
        {"source to target": "A to B", "baseline (source only)": "0.700 ± 0.100", "MME": "0.700 ± 0.030",
         "deep CORAL": "0.710 ± 0.040"},
        {"source to target": "mean, on the target", "baseline (source only)": "0.700", "MME": "0.700",
         "deep CORAL": "0.710"},
        {"source to target": "change, on the target", "baseline (source only)": "–",
         "MME": "+0.000 (0 of 1, p = 1)", "deep CORAL": "+0.010 (1 of 1, p = 1)"},
        {"source to target": "mean, on the source", "baseline (source only)": "0.970", "MME": "0.910",
         "deep CORAL": "0.920"},
        {"source to target": "change, on the source", "baseline (source only)": "–",
         "MME": "-0.060 (0 of 1, p = 1)", "deep CORAL": "-0.050 (0 of 1, p = 1)"},
    ]  # fmt: skip
    assert "over 3 splits; in the last lines means over 1 pair, and how" in table.caption
    assert "not corrected for the 4 tests." in table.caption


def test_differences_are_from_the_baseline_of_the_same_split(of_three):
    numbers = zero_shots(of_three, pairs=["A-to-B"], names=["coral", "mme"])
    assert list(dict.fromkeys(numbers["method"])) == ["baseline", "coral", "mme"]
    line = numbers.set_index(["method", "role"]).loc[("coral", "target")]
    chosen = of_three[(of_three["evaluated_on"] == "B") & (of_three["shots"] == 0)]
    by_seed = chosen.pivot(index="seed", columns=["method", "source"], values="balanced_accuracy")
    differences = by_seed["coral", "A"] - by_seed["baseline", "A"]
    assert line["difference"] == pytest.approx(differences.mean())
    assert line["difference_std"] == pytest.approx(differences.std())
    assert line["splits"] == 3
    assert (numbers.loc[numbers["method"] == "baseline", "difference"] == 0).all()


def test_a_method_without_runs_is_named(of_three):
    with pytest.raises(ContractError, match="found none of dann on A, dann on B"):
        zero_shots(of_three, pairs=["A-to-B"], names=["mme", "dann"])
