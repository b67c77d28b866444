import pandas as pd
import pytest

from stampshift.core.errors import ContractError
from stampshift.tables.ablations import ablation_table, compare_variants
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
