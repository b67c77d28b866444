from pathlib import Path

import pandas as pd
import pytest

from stampshift.core.errors import ContractError
from stampshift.des_study.published import KEY, beside_published, ours

PUBLISHED = pd.read_csv(Path(__file__).parents[3] / "resources" / "published" / "des_study.csv")


def performance(**models):
    """Lines of a performance table, from (auc, tp, fn, fp, tn, fpr at the operating point)."""
    lines = [
        {
            "model": name,
            "stamps": "own",
            "auc": auc,
            "tp": tp,
            "fn": fn,
            "fp": fp,
            "tn": tn,
            "fpr_at_mdr": rate,
        }
        | {"n_real": tp + fn, "n_bogus": fp + tn, "accuracy": (tp + tn) / (tp + fn + fp + tn)}
        for name, (auc, tp, fn, fp, tn, rate) in models.items()
    ]
    return pd.DataFrame([*lines, *[line | {"stamps": "common", "auc": 0} for line in lines]])


@pytest.fixture
def values():
    labels = pd.DataFrame({"row": range(5), "old_label": [1, 1, 1, 0, 0], "label": [1, 0, 0, 1, 0]})
    labels["reviewed"] = [0, 1, 1, 1, 1]
    return ours(
        performance(network_1=(0.99, 8, 2, 1, 9, 0.02), network_2=(0.98, 8, 2, 1, 9, 0.02)),
        performance(network_1=(0.99, 9, 1, 2, 8, 0.009), forest=(0.98, 8, 2, 3, 7, 0.012)),
        categories=pd.DataFrame({"model": ["network_1"], "category": [3], "percent": [50.0]}),
        labels=labels,
        new_survey=[],
    )


def test_published_numbers_are_those_of_the_paper():
    value = PUBLISHED.set_index(KEY)["value"].sort_index()
    network = value.loc["second", "network_1"]
    shares = [network[f"category_{number}_percent"] for number in range(1, 7)]
    assert sum(shares) == pytest.approx(100, abs=0.02)
    # the confusion matrix and the accuracy follow from the categories
    assert 100 * shares[3] / sum(shares[3:]) == pytest.approx(network["tp_percent"], abs=0.05)
    assert 100 * shares[2] / sum(shares[:3]) == pytest.approx(network["tn_percent"], abs=0.05)
    assert shares[2] + shares[3] == pytest.approx(network["accuracy_percent"], abs=0.02)
    assert network["fpr_at_mdr"] / value["second", "forest", "fpr_at_mdr"] - 1 == pytest.approx(
        -0.27, abs=0.005
    )
    people = value.loc["labels", "people"]
    assert people["real_to_bogus"] + people["bogus_to_real"] == people["flipped"]
    assert not PUBLISHED.duplicated(KEY).any()


def test_ours_of_a_hand_computed_case(values):
    found = values.set_index(KEY)["value"].to_dict()
    assert found["first", "networks", "auc_lowest"] == 0.98
    assert found["labels", "people", "reviewed"] == 4
    assert found["labels", "people", "real_to_bogus"] == 2
    assert found["labels", "people", "bogus_to_real"] == 1
    assert found["second", "network_1", "fpr_against_forest"] == pytest.approx(-0.25)
    assert found["second", "network_1", "fp_percent"] == 20
    assert found["second", "forest", "accuracy_percent"] == 75
    assert found["second", "network_1", "category_3_percent"] == 50


def test_our_numbers_next_to_the_published(values):
    cells = beside_published(values, published=PUBLISHED).cells.set_index(["part", "model", "quantity"])
    row = cells.loc[("after relabelling", "network 1", "FPR at MDR 0.05")]
    assert row.to_list() == ["0.008", "0.009", "+0.001", "text"]
    assert cells.loc[("relabelling", "people", "labels flipped"), "published"] == "7,402"
    assert ("after relabelling", "network 4", "accuracy, percent") not in cells.index  # not trained


def test_every_number_of_a_whole_study_has_its_counterpart(values):
    values = pd.concat([values, PUBLISHED[[*KEY, "value"]]]).drop_duplicates(KEY, keep="last")
    assert len(beside_published(values, published=PUBLISHED).cells) == len(PUBLISHED)


def test_the_new_survey_at_the_published_cutoff():
    rows = [
        (model, stamps, cutoff, rate)
        for model in ("before", "after")
        for stamps in ("all", "unanimous")
        for cutoff, rate in ((0.3, 0.1), (0.5, 0.2))
    ]
    numbers = pd.DataFrame(rows, columns=["model", "stamps", "cutoff", "mdr"]).assign(fpr=0.04)
    means = pd.DataFrame({"label": ["real"], "votes": ["disputed"], "before": [0.3], "after": [0.7]})
    one = performance(network_1=(0.99, 9, 1, 2, 8, 0.009))
    values = ours(
        one,
        one,
        categories=pd.DataFrame({"model": [], "category": [], "percent": []}),
        labels=pd.DataFrame({"row": [0], "old_label": [0], "label": [0], "reviewed": [0]}),
        new_survey=[numbers, means],
    )
    found = values[values["part"] == "new survey"].set_index(["model", "quantity"])["value"].to_dict()
    assert found["before", "mdr_unanimous"] == 0.2
    assert found["after", "mdr_all"] == 0.1
    assert found["after", "mean_real_disputed"] == 0.7
    table = beside_published(values, published=PUBLISHED).cells
    assert (table["part"] == "new survey").sum() == 4


def test_a_study_of_other_models_has_nothing_to_compare():
    values = pd.DataFrame({"part": ["second"], "model": ["own"], "quantity": ["auc"], "value": [1.0]})
    with pytest.raises(
        ContractError, match=r"expected models of Ayyar et al. \(2022\), network_1 and others"
    ):
        beside_published(values, published=PUBLISHED)
