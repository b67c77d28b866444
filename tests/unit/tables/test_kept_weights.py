import json

import numpy as np
import pandas as pd
import pytest

from stampshift.core.errors import ContractError
from stampshift.tables.kept_weights import gather_kept, kept_table, rules_compared
from stampshift.tables.wording import RULE_NAMES
from stampshift.training.keeping import RULES

EPOCHS = {"first_best": 1, "last_best": 4, "lowest_validation_loss": 3, "last": 11}


def metrics(method, source, target, shots, seed, *, accuracy):
    """A run whose accuracy grows by 0.01 with every epoch, on the source 0.1 higher."""
    surveys = {source: 0.1} | ({target: 0.0} if target else {})
    kept = {
        rule: {
            "epoch": epoch,
            "evaluation": {
                name: {"balanced_accuracy": accuracy + more + 0.01 * epoch} for name, more in surveys.items()
            },
        }
        for rule, epoch in EPOCHS.items()
    }
    names = ("method", "source", "target", "shots", "seed")
    return dict(zip(names, (method, source, target, shots, seed), strict=True)) | {"kept": kept}


@pytest.fixture
def kept(tmp_path) -> pd.DataFrame:
    runs = [metrics("baseline", "A", None, 0, seed, accuracy=0.8) for seed in (0, 1)]
    for target, accuracy in (("B", 0.5), ("C", 0.7)):
        runs += [metrics("mme", "A", target, 5, seed, accuracy=accuracy + 0.1 * seed) for seed in (0, 1)]
    folders = [tmp_path / str(number) for number in range(len(runs))]
    for folder, content in zip(folders, runs, strict=True):
        folder.mkdir()
        (folder / "metrics.json").write_text(json.dumps(content))
    return gather_kept(folders)


def test_a_line_per_run_rule_and_survey(kept):
    assert len(kept) == 4 * (2 + 4 * 2)
    one = kept.query("method == 'mme' and target == 'B' and seed == 1 and rule == 'last_best'")
    accuracies = one.set_index("role")["balanced_accuracy"].to_dict()
    assert accuracies == pytest.approx({"source": 0.74, "target": 0.64})
    assert one["epoch"].tolist() == [4, 4]


def test_the_four_rules_side_by_side(kept):
    table = kept_table(kept, names=["mme"], variant_names={}, keep="last")
    cells = table.cells.set_index("model")
    assert cells.index.tolist() == ["baseline (source only)", "MME, 5 shots"]
    mme, baseline = cells.loc["MME, 5 shots"], cells.loc["baseline (source only)"]
    # means of 0.5, 0.6, 0.7 and 0.8, and 0.01 per epoch
    assert [mme[f"on target, {name}"] for name in RULE_NAMES.values()] == ["0.660", "0.690", "0.680", "0.760"]
    assert [mme[f"on source, {name}"] for name in RULE_NAMES.values()] == ["0.760", "0.790", "0.780", "0.860"]
    assert [mme[f"epoch, {name}"] for name in RULE_NAMES.values()] == ["1.0", "4.0", "3.0", "11.0"]
    assert baseline["on target, last"] == "–"
    assert baseline["on source, last"] == "1.010"
    numbers = table.numbers.query("method == 'mme' and target == 'C' and rule == 'last' and role == 'target'")
    assert numbers[["mean", "std", "epoch", "splits"]].iloc[0].tolist() == pytest.approx(
        [0.86, np.std([0, 0.1], ddof=1), 11, 2]
    )


def test_rules_against_the_first_best_with_a_signed_rank_test_over_pairs(kept):
    numbers = kept_table(kept, names=["mme"], variant_names={}, keep="last").numbers
    first = numbers["rule"] == "first_best"
    numbers.loc[first & (numbers["target"] == "C"), "mean"] += (
        0.05  # there the first best is ahead of last best
    )
    table = rules_compared(numbers, names=["mme"], variant_names={"mme": "a variant"})
    assert table.cells["rule"].tolist() == ["last best", "lowest loss", "last"]
    # 0.03 in one pair and 0.03 - 0.05 in the other: of the four signs of ranks 2 and 1 all are as far out
    assert table.cells["a variant, target"].tolist()[0] == "+0.005 (1 of 2, p = 1)"
    # 0.1 and 0.05: of four signs two are as far out
    assert table.cells["a variant, source"].tolist()[2] == "+0.075 (2 of 2, p = 0.5)"
    line = table.numbers.query("role == 'target' and rule == 'last'").iloc[0]
    assert line[["difference", "pairs", "higher", "p"]].tolist() == pytest.approx([0.075, 2, 2, 0.5])


def test_rules_that_keep_the_same_epoch_do_not_differ(kept):
    numbers = kept_table(kept, names=["mme"], variant_names={}, keep="last").numbers.assign(mean=0.5)
    table = rules_compared(numbers, names=["mme"], variant_names={})
    assert set(table.cells["MME, target"]) == {"+0.000 (0 of 2, p = 1)"}


def test_the_caption_says_whether_the_whole_patience_was_trained(kept):
    captions = {rule: kept_table(kept, names=["mme"], variant_names={}, keep=rule).caption for rule in RULES}
    assert "A perfect validation ended a training" in captions["first_best"]
    assert all("whole patience after the first" in captions[rule] for rule in RULES if rule != "first_best")


def test_a_run_that_does_not_say_what_it_kept_is_refused(tmp_path):
    content = metrics("mme", "A", "B", 1, 0, accuracy=0.5)
    del content["kept"]
    (tmp_path / "metrics.json").write_text(json.dumps(content))
    with pytest.raises(ContractError, match=r"metrics\.json: lacks kept\. Delete the folder"):
        gather_kept([tmp_path])


def test_every_rule_has_a_name_in_print():
    assert list(RULE_NAMES) == list(RULES)
