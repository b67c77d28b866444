import numpy as np
import pandas as pd
import pytest

from stampshift.core.errors import ContractError
from stampshift.tables.change_tables import ablation_table, compare_variants, retention
from stampshift.tables.wording import variant_name

VARIANT_NAMES = {"other": "MME, another head"}
NAMES = ["finetune", "mme", "other"]


@pytest.fixture
def with_variant(runs):
    """Beside the runs of MME those of a variant, better by 0.01 times the split's number."""
    mme = runs[runs["method"] == "mme"]
    other = mme.assign(method="other", balanced_accuracy=mme["balanced_accuracy"] + 0.01 * mme["seed"])
    return pd.concat([runs, other], ignore_index=True)


def table(runs):
    return ablation_table(runs, names=NAMES, variant_names=VARIANT_NAMES, reference="mme")


def test_differences_are_paired_by_split(with_variant):
    paired = compare_variants(with_variant, names=NAMES, reference="mme")
    other = paired[(paired["method"] == "other") & (paired["role"] == "target") & (paired["shots"] == 1)]
    assert other.set_index("seed")["difference"].to_dict() == pytest.approx({0: 0.0, 1: 0.01, 2: 0.02})
    finetune = paired.query("method == 'finetune' and role == 'source' and shots == 10")
    assert finetune.set_index("seed")["difference"].to_dict() == pytest.approx({0: -0.12, 1: -0.10, 2: -0.08})
    assert (paired.loc[paired["method"] == "mme", "difference"] == 0).all()


def test_a_line_per_model_with_the_baseline_at_every_number_of_shots(with_variant):
    printed = table(with_variant)
    assert list(printed.cells.columns) == [
        "model",
        "on target, 1 shot",
        "on target, 10 shots",
        "on source, 1 shot",
        "on source, 10 shots",
    ]
    assert printed.cells.to_numpy().tolist() == [
        ["baseline (source only)", "0.700 ± 0.100", "0.700 ± 0.100", "0.970 ± 0.010", "0.970 ± 0.010"],
        ["fine-tuning", "0.750 ± 0.050", "0.850 ± 0.050", "0.910 ± 0.010", "0.870 ± 0.020"],
        ["MME", "0.750 ± 0.030", "0.800 ± 0.010", "0.960 ± 0.000", "0.970 ± 0.000"],
        ["MME, another head", "0.760 ± 0.040", "0.810 ± 0.020", "0.970 ± 0.010", "0.980 ± 0.010"],
    ]


def test_the_numbers_hold_the_spread_of_the_differences(with_variant):
    numbers = table(with_variant).numbers.set_index(["method", "role", "shots"])
    line = numbers.loc[("other", "target", 10)]
    assert line["difference"] == pytest.approx(0.01)
    assert line["difference_std"] == pytest.approx(0.01)
    assert line["runs"] == 3
    baseline = numbers.loc[("baseline", "target", 10)]
    assert baseline["difference"] == pytest.approx(-0.1)
    assert baseline["difference_std"] == pytest.approx(0.09)  # 0.19, 0.10 and 0.01 below MME


def test_the_caption_says_what_is_averaged(with_variant):
    caption = table(with_variant).caption
    assert "over 3 splits of 1 pair." in caption


def test_names_in_print():
    assert variant_name("other", VARIANT_NAMES) == "MME, another head"
    assert variant_name("scratch", VARIANT_NAMES) == "from scratch"
    assert variant_name("baseline", VARIANT_NAMES) == "baseline (source only)"


def test_a_missing_run_is_named(with_variant):
    lacking = with_variant[(with_variant["method"] != "other") | (with_variant["seed"] != 2)]
    with pytest.raises(ContractError, match="expected 12 evaluations of other, as there are of mme, found 8"):
        table(lacking)
    with pytest.raises(ContractError, match="12 evaluations of baseline, as there are of mme, found 6"):
        table(with_variant.query("method != 'baseline' or evaluated_on != 'B' or source != 'A'"))


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


def test_methods_that_need_labels_have_no_line_with_none(with_no_labels):
    printed = ablation_table(
        with_no_labels, names=["finetune", "mme"], variant_names={}, reference="mme"
    ).cells.set_index("model")
    assert printed["on target, 0 shots"].to_dict() == {
        "baseline (source only)": "0.700 ± 0.100",
        "fine-tuning": "–",
        "MME": "0.700 ± 0.030",
    }
    lacking = with_no_labels[(with_no_labels["method"] != "finetune") | (with_no_labels["shots"] != 10)]
    with pytest.raises(ContractError, match=r"expected 12 evaluations of finetune, .* found 6"):
        compare_variants(lacking, names=["finetune", "mme"], reference="mme")
