import numpy as np
import pytest

from stampshift.des_study.categories import (
    agreement_table,
    category_agreement,
    category_headings,
    category_shares,
    category_table,
    sampled_shares,
    six_categories,
)
from stampshift.tables.writing import write_table

BOUNDS = [0.1, 0.5, 0.9]
# probability of bogus, category of a stamp labelled bogus, of one labelled real
EDGES = [
    (0.0, 1, 4), (0.1, 1, 4), (0.11, 2, 4), (0.49, 2, 4), (0.5, 3, 4), (0.51, 3, 5), (0.89, 3, 5),
    (0.9, 3, 6), (1.0, 3, 6),
]  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("p", "bogus", "real"), EDGES)
def test_every_bound_is_where_the_paper_has_it(p, bogus, real, dtype):
    scores = np.array([1 - p, 1 - p], dtype=dtype)  # in single precision, 1 - 0.1 is 0.10000002 off 1
    assert six_categories([0, 1], scores, bounds=BOUNDS).tolist() == [bogus, real]


def test_shares_of_trees_that_fall_on_a_bound():
    share = np.mean([1.0] * 9 + [0.0])  # nine of ten trees say real
    assert six_categories([0, 1], [share, 1 - share], bounds=BOUNDS).tolist() == [1, 6]


def test_every_stamp_has_one_category_of_its_label():
    generator = np.random.default_rng(0)
    labels, scores = generator.integers(0, 2, 500), generator.random(500)
    categories = six_categories(labels, scores, bounds=BOUNDS)
    assert set(categories[labels == 0]) <= {1, 2, 3}
    assert set(categories[labels == 1]) <= {4, 5, 6}
    # p >= 0.5 of a bogus and p <= 0.5 of a real are right calls, but for the tie
    right = (scores > 0.5) == (labels == 1)
    np.testing.assert_array_equal(np.isin(categories, (3, 4)), right)


@pytest.fixture
def predictions(predicted):
    scores = {
        "network_1": [0.95, 0.7, 0.1, 0.9, 0.3, 0.02, 0.99, 0.01],
        "network_2": [0.96, 0.8, 0.2, 0.9, 0.3, 0.20, 0.40, 0.70],
        "forest": [0.97, 0.8, 0.2, 0.9, 0.3, 0.03],
    }
    rows = {"forest": [0, 1, 2, 3, 4, 5]}
    return predicted(scores, labels=[0, 0, 0, 1, 1, 1, 0, 1], rows=rows)


def test_shares_are_of_all_that_a_model_judges(predictions):
    shares = category_shares(predictions, bounds=BOUNDS)
    by_model = {model: lines["stamps"].to_list() for model, lines in shares.groupby("model", sort=False)}
    assert by_model == {
        "network_1": [2, 1, 1, 1, 1, 2],
        "network_2": [1, 1, 2, 2, 2, 0],
        "forest": [1, 1, 1, 1, 1, 1],
    }
    assert shares.groupby("model")["percent"].sum().to_list() == pytest.approx([100, 100, 100])
    assert shares["percent"].iloc[0] == 25


def test_shares_of_the_stamps_that_every_model_judges(predictions):
    shares = sampled_shares(predictions, bounds=BOUNDS)
    common = shares[shares["sample"] == "common"]
    by_model = {model: lines["stamps"].to_list() for model, lines in common.groupby("model", sort=False)}
    # rows 6 and 7, which the forest does not judge, are in nobody's shares
    assert by_model == {
        "network_1": [1, 1, 1, 1, 1, 1],
        "network_2": [1, 1, 1, 1, 2, 0],
        "forest": [1, 1, 1, 1, 1, 1],
    }
    assert common["percent"].iloc[0] == pytest.approx(100 / 6)
    own = shares[shares["sample"] == "own"].drop(columns="sample")
    assert own.equals(category_shares(predictions, bounds=BOUNDS))


def printed(predictions):
    shares = sampled_shares(predictions, bounds=BOUNDS)
    return category_table(shares, bounds=BOUNDS, title="Test stamps", label="first")


def test_the_printed_shares(predictions, tmp_path):
    table = printed(predictions)
    row = table.cells.iloc[0].to_dict()
    assert row["1: bogus, p ≤ 0.1"] == "25.000"
    assert row["5: real, 0.5 < p < 0.9"] == "12.500"
    write_table(table, [tmp_path / "a.tex"], simulated=False)
    assert r"1: bogus, p $\leq$ 0.1 & 2: bogus, 0.1 $<$ p $<$ 0.5" in (tmp_path / "a.tex").read_text()


def test_shares_of_common_stamps_are_printed_where_models_judge_different_ones(predictions):
    cells = printed(predictions).cells
    assert cells["model"].to_list() == [
        "network 1", "network 2", "random forest",
        "network 1, common stamps", "network 2, common stamps", "random forest, common stamps",
    ]  # fmt: skip
    assert cells["stamps"].to_list() == ["8", "8", "6", "6", "6", "6"]
    networks = predictions[predictions["method"] != "forest"].copy()
    networks["method"] = networks["method"].cat.remove_unused_categories()
    assert printed(networks).cells["model"].to_list() == ["network 1", "network 2"]


def test_headings_follow_the_bounds():
    assert category_headings([0.2, 0.4, 0.8])[5] == "5: real, 0.4 < p < 0.8"


def test_agreement_counts_stamps_that_every_model_judges(predictions):
    table = category_agreement(predictions, reference="network_1", bounds=BOUNDS)
    # of the common rows 0 to 5 network 1 puts row 0 into 1 and row 5 into 6
    found = {
        (line["reference_category"], line["model"], line["category"]): line["stamps"]
        for line in table.to_dict("records")
    }
    assert len(found) == 2 * 2 * 3
    ones = {key for key, count in found.items() if count == 1}
    assert ones == {(1, "network_2", 1), (1, "forest", 1), (6, "network_2", 5), (6, "forest", 6)}
    assert sum(found.values()) == 4


def test_the_printed_agreement_reads_outward_from_the_category(predictions):
    numbers = category_agreement(predictions, reference="network_1", bounds=BOUNDS)
    table = agreement_table(numbers, reference="network_1", bounds=BOUNDS, part="first")
    assert table.cells.to_numpy().tolist() == [
        ["1: bogus, p ≤ 0.1", "1", "network 2", "100.0", "0.0", "0.0"],
        ["1: bogus, p ≤ 0.1", "1", "random forest", "100.0", "0.0", "0.0"],
        ["6: real, p ≥ 0.9", "1", "network 2", "0.0", "100.0", "0.0"],
        ["6: real, p ≥ 0.9", "1", "random forest", "100.0", "0.0", "0.0"],
    ]
    assert "that every model judges" in table.caption


def test_a_category_without_stamps_has_no_shares(predicted):
    scores = {"network_1": [0.4, 0.6], "network_2": [0.4, 0.6]}
    numbers = category_agreement(predicted(scores, labels=[0, 1]), reference="network_1", bounds=BOUNDS)
    assert numbers["percent"].isna().all()
    table = agreement_table(numbers, reference="network_1", bounds=BOUNDS, part="first")
    assert table.cells.iloc[0].to_list()[1:] == ["0", "network 2", "–", "–", "–"]
