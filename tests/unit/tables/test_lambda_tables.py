import pandas as pd
import pytest

from stampshift.tables.lambda_tables import lambda_table, mean_validation, search_means

VALIDATED = {1: {1: 0.7, 10: 0.9}, 0.2: {1: 0.7, 10: 0.9}, 0.5: {1: 0.5, 10: 0.6}}  # by weight and shots
LOSS = {1: 0.4, 0.2: 0.3, 0.5: 0.1}
TARGET = {1: 0.6, 0.2: 0.7, 0.5: 0.8}  # on the test part; 0.1 more with 10 shots, and 0.1 more on the source


@pytest.fixture
def search():
    trials = [
        {
            "entropy_weight": weight,
            "shots": shots,
            "validation_balanced_accuracy": value,
            "validation_loss": LOSS[weight],
        }
        for weight, values in VALIDATED.items()
        for shots, value in values.items()
    ]
    test = [
        {"entropy_weight": weight, "shots": shots, "source": value + more + 0.1, "target": value + more}
        for weight, value in TARGET.items()
        for shots, more in ((1, 0.0), (10, 0.1))
    ]
    found = {"chosen": 0.2, "tied": [0.2, 1], "search": trials, "test": test}
    return {"source": "A", "target": "B"} | found


@pytest.fixture
def unsearched():
    return {"source": "C", "target": "B", "chosen": 0.3, "tied": [0.3], "search": [], "test": []}


def table_of(*searches, weight=0.5):
    published = pd.DataFrame({"source": ["A"], "target": ["B"], "lambda": [weight]})
    return lambda_table(searches, published=published)


def test_means_are_over_shots_by_ascending_weight(search, unsearched):
    means = search_means(search)
    assert means.index.tolist() == [0.2, 0.5, 1]
    assert means["validation_balanced_accuracy"].tolist() == pytest.approx([0.8, 0.55, 0.8])
    assert means["target"].tolist() == pytest.approx([0.75, 0.85, 0.65])
    assert mean_validation(search).tolist() == means["validation_balanced_accuracy"].tolist()
    assert search_means(unsearched).empty


def test_the_published_weight_stands_beside_the_searched_one(search, unsearched):
    table = table_of(search, unsearched)
    first, second = table.cells.to_dict("records")
    assert first == {
        "source": "A",
        "target": "B",
        "chosen": "0.2",
        "published": "0.5",
        "equal": "2",
        "on target, chosen": "0.750",
        "on target, published": "0.850",
        "on source, chosen": "0.850",
        "on source, published": "0.950",
        "λ = 0.2": "0.800",
        "λ = 0.5": "0.550",
        "λ = 1": "0.800",
    }
    assert [second[name] for name in ("chosen", "published", "equal", "on target, chosen", "λ = 1")] == [
        "0.3", "–", "–", "–", "–"
    ]  # fmt: skip
    sentence = (
        "Over 1 pair with both: 0.750 on the target with the chosen λ and 0.850 with the published one;"
    )
    assert sentence in table.caption


def test_a_published_weight_that_was_not_searched_has_a_dash(search):
    table = table_of(search, weight=0.3)
    assert table.cells["on target, published"].tolist() == ["–"]
    assert "No published λ is among those searched." in table.caption


def test_a_line_per_weight_in_the_file(search, unsearched):
    numbers = table_of(search, unsearched).numbers
    assert numbers["entropy_weight"].tolist() == [0.2, 0.5, 1, 0.3]
    assert numbers["tied"].tolist() == [True, False, True, False]
    assert numbers["target_balanced_accuracy"].tolist()[:3] == pytest.approx([0.75, 0.85, 0.65])
