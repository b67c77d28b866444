from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from stampshift.core.errors import ContractError
from stampshift.tables.beside_published import beside_published_table, published_decisions_table

PUBLISHED = Path(__file__).parents[3] / "resources" / "published"


def read(name):
    return pd.read_csv(PUBLISHED / f"published_{name}.csv")


def test_deviation_in_combined_standard_errors(runs):
    columns = ["method", "source", "target", "shots", "evaluated_on", "mean", "std", "thesis_table"]
    published = pd.DataFrame([("finetune", "A", "B", 10, "B", 0.80, 0.06, 18)], columns=columns)
    table = beside_published_table(runs, published=published)
    row = table.numbers.iloc[0]
    # ours: 0.80, 0.85, 0.90
    assert row["difference"] == pytest.approx(0.05)
    assert row["deviation"] == pytest.approx(0.05 / np.sqrt(0.05**2 / 3 + 0.06**2 / 10))
    assert table.cells.iloc[0].to_list()[5:] == ["0.800 ± 0.060", "0.850 ± 0.050", "+0.050", "+1.4"]


def test_a_single_split_has_a_difference_but_no_deviation(runs):
    columns = ["method", "source", "target", "shots", "evaluated_on", "mean", "std", "thesis_table"]
    published = pd.DataFrame([("mme", "A", "B", 1, "B", 0.70, 0.01, 18)], columns=columns)
    table = beside_published_table(runs[runs["seed"] == 0], published=published)
    assert table.cells.iloc[0].to_list()[7:] == ["+0.020", "–"]


def test_all_256_published_numbers_meet_theirs():
    published = read("balanced_accuracy")
    ours = pd.concat([published.assign(seed=seed, balanced_accuracy=published["mean"]) for seed in (0, 1)])
    table = beside_published_table(ours.drop(columns=["mean", "std"]), published=published)
    assert len(table.cells) == 256
    np.testing.assert_allclose(table.numbers["deviation"], 0, atol=1e-9)


def test_an_experiment_of_other_surveys_has_nothing_to_compare(runs):
    with pytest.raises(ContractError, match="expected runs of a published method between surveys"):
        beside_published_table(runs, published=read("balanced_accuracy"))


def test_thesis_tables_under_our_rule():
    table = published_decisions_table(
        read("balanced_accuracy"), shots_to_beat=read("shots_to_beat_baseline"), winner=read("winner")
    )
    cells = table.cells.set_index("source to target")
    # by the published means alone MME beats the baseline from ATLAS to HiTS with one shot; the thesis says 10
    assert cells.loc["ATLAS to HiTS", ["MME, thesis", "MME, our rule"]].to_list() == ["10", "1"]
    assert cells.loc["DES to HiTS", ["fine-tuning, thesis", "fine-tuning, our rule"]].to_list() == [
        "20",
        "20",
    ]
    winner = cells.loc["ZTF to DES", ["better on target, thesis", "better on target, our rule"]]
    assert winner.to_list() == ["MME at 1 shot only"] * 2
    differing = sum(
        (cells[name] != cells[name.replace("thesis", "our rule")]).sum() for name in cells.columns[::2]
    )
    assert f"The two differ in {differing} of 48 cells." in table.caption
