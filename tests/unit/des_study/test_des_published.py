from pathlib import Path

import pandas as pd
import pytest

from stampshift.core.errors import ContractError
from stampshift.des_study.performance import CONFUSION
from stampshift.des_study.published import KEY, beside_published, ours

PUBLISHED = pd.read_csv(Path(__file__).parents[3] / "resources" / "published" / "des_study.csv")


def performance(**models):
    """Lines of a performance table, from (auc, tp, fn, fp, tn, fpr at the operating point)."""
    lines = [
        {
            "model": name,
            "stamps": "common",
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
    own = {"stamps": "own", "auc": 0, "accuracy": 0, "fpr_at_mdr": 1, "fp": 0, "tn": 10}
    return pd.DataFrame([*lines, *[line | own for line in lines]])


def shares(model, category, percent):
    """A line of `sampled_shares` of common stamps, and one of the model's own that is not to be compared."""
    return pd.DataFrame(
        {"sample": ["own", "common"], "model": model, "category": category, "percent": [0.0, percent]}
    )


FIRST_STEP = pd.DataFrame(
    {"labelled": ["all", "bogus"], "stamps": [9, 5], "reviewed": [3, 2], "flipped": [2, 1]}
)


@pytest.fixture
def values():
    labels = pd.DataFrame({"row": range(5), "old_label": [1, 1, 1, 0, 0], "label": [1, 0, 0, 1, 0]})
    labels["reviewed"] = [0, 1, 1, 1, 1]
    return ours(
        performance={
            "first": performance(
                network_1=(0.99, 8, 2, 1, 9, 0.02),
                network_2=(0.98, 8, 2, 1, 9, 0.02),
                forest=(0.5, 8, 2, 1, 9, 0.02),
            ),
            "second": performance(network_1=(0.99, 9, 1, 2, 8, 0.009), forest=(0.98, 8, 2, 3, 7, 0.012)),
        },
        categories={
            "first": shares("forest", 1, 0.2),
            "first corrected": shares("network_1", 6, 0.3),
            "second": shares("network_1", 3, 50.0),
        },
        first_step=FIRST_STEP,
        labels=labels,
        new_survey=[],
    )


VALUE = PUBLISHED.set_index(KEY)["value"].sort_index()


def test_published_numbers_are_these():
    """Literal values: of the paper, and of the notebooks that its authors published with their code."""
    table_1 = {"network_1": (265165, 60), "network_2": (414205, 127), "network_3": (851605, 190)}
    for network, numbers in (table_1 | {"network_4": (953785, 47)}).items():
        own = VALUE.loc["networks", network]
        assert (own["parameters"], own["seconds_per_epoch"]) == numbers
    assert (VALUE["first", "networks", "auc_lowest"], VALUE["first", "networks", "auc_highest"]) == (
        0.993,
        0.994,
    )
    table_2 = {
        "network_1": [0.35355, 0.754556, 48.4363, 48.3841, 1.23149, 0.839977],
        "network_2": [0.491173, 0.856587, 48.1967, 48.6499, 0.854214, 0.9515],
        "network_3": [0.76642, 0.761674, 48.0163, 48.778, 0.61456, 1.06302],
        "network_4": [0.607441, 1.20776, 47.7292, 48.9963, 0.806758, 0.652525],
        "forest": [0.154233, 0.970482, 48.4197, 48.4268, 1.61114, 0.417616],
    }
    assert {model: categories("first", model) for model in table_2} == table_2
    assert categories("first corrected", "network_1") == [
        0.196944, 0.835232, 48.9512, 48.7638, 1.02031, 0.232536,
    ]  # fmt: skip
    assert categories("first corrected", "forest") == [
        0.0925399, 0.979973, 48.9109, 48.479, 1.39284, 0.144742,
    ]  # fmt: skip
    assert categories("second", "network_1") == [0.357, 0.83, 49.14, 48.58, 0.767, 0.333]
    assert categories("second", "forest") == [0.113, 1.009, 49.2, 48.08, 1.38, 0.219]
    second = VALUE.loc["second"]
    assert [second[model, "accuracy_percent"] for model in table_2] == [97.71, 97.8, 97.79, 97.57, 97.28]
    assert (second["network_1", "fpr_at_mdr"], second["forest", "fpr_at_mdr"]) == (0.008, 0.011)
    assert second["network_1", "fpr_against_forest"] == -0.27
    assert [second["network_1", f"{call}_percent"] for call in CONFUSION] == [97.8, 2.2, 2.4, 97.6]
    assert (second["network_1", "fn_stamps"], second["network_1", "fp_stamps"]) == (1855, 2002)
    people = VALUE.loc["labels", "people"]
    assert people[["reviewed", "flipped"]].to_list() == [8093, 7402]
    assert people[["real_to_bogus", "bogus_to_real"]].to_list() == [5636, 1766]
    assert people[["first_reviewed", "first_flipped"]].to_list() == [750, 633]
    survey = VALUE.loc["new survey"]
    judged = survey["people"]
    assert judged[["judged", "kept_real", "kept_bogus"]].to_list() == [25000, 1700, 19000]
    assert judged[["unanimous_real_percent", "unanimous_bogus_percent"]].to_list() == [75, 95]
    assert (survey["before", "mdr_unanimous"], survey["after", "mdr_all"]) == (0.5, 0.055)
    assert survey["after", "fpr_all"] == 0.04
    means = [survey["after", f"mean_{name}"] for name in ("real_unanimous", "real_disputed")]
    means += [survey["after", f"mean_{name}"] for name in ("bogus_unanimous", "bogus_disputed")]
    assert means == [0.87, 0.75, 0.05, 0.25]
    assert len(PUBLISHED) == 8 + 2 + 30 + 12 + 6 + 3 + 4 + 2 + 5 + 12 + 7 + 5


def categories(part, model):
    return [VALUE[part, model, f"category_{number}_percent"] for number in range(1, 7)]


def test_numbers_of_the_notebooks_are_marked_as_such():
    notebook = PUBLISHED[PUBLISHED["source"] == "notebook"]
    assert set(PUBLISHED["source"]) == {"paper", "notebook"}
    second = notebook[notebook["part"] == "second"].groupby("model")["quantity"].agg(list)
    six = [f"category_{number}_percent" for number in range(1, 7)]
    assert second["forest"] == ["accuracy_percent", *six]
    assert second["network_1"] == ["accuracy_percent", "category_4_percent"]
    assert set(second[["network_2", "network_3", "network_4"]].map(tuple)) == {("accuracy_percent",)}
    labels = notebook.loc[notebook["part"] == "labels", "quantity"].to_list()
    assert labels == ["first_flipped", "real_to_bogus", "bogus_to_real"]


def test_the_two_counts_of_figure_11_reproduce_its_percents_only_exchanged():
    """With the categories of the notebook, of the 168,637 stamps that every model judges."""
    stamps = 168637
    real, missed = (48.5753 + 0.766736 + 0.33326, 0.766736 + 0.33326)
    bogus, passed = (0.35698 + 0.830186 + 49.1375, 0.35698 + 0.830186)
    network = VALUE.loc["second", "network_1"]
    for count, wrong, label, percent in (
        (network["fn_stamps"], missed, real, network["fn_percent"]),
        (network["fp_stamps"], passed, bogus, network["fp_percent"]),
    ):
        assert count == round(stamps * wrong / 100)
        assert round(100 * count / (stamps * label / 100), 1) == percent
    assert round(100 * network["fp_stamps"] / (stamps * real / 100), 1) != network["fn_percent"]


def test_published_numbers_agree_with_one_another():
    value = VALUE
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
    assert found["labels", "people", "first_reviewed"] == 3
    assert found["labels", "people", "first_flipped"] == 2
    # of the common stamps, as the published ones; the lines of a model's own are others here
    assert found["second", "network_1", "fpr_against_forest"] == pytest.approx(-0.25)
    assert found["second", "network_1", "fp_percent"] == 20
    assert found["second", "network_1", "fp_stamps"] == 2
    assert found["second", "forest", "accuracy_percent"] == 75
    assert found["second", "network_1", "category_3_percent"] == 50
    assert found["first", "forest", "category_1_percent"] == 0.2
    assert found["first corrected", "network_1", "category_6_percent"] == 0.3


def test_our_numbers_next_to_the_published(values):
    cells = beside_published(values, published=PUBLISHED).cells.set_index(["part", "model", "quantity"])
    row = cells.loc[("after relabelling", "network 1", "FPR at MDR 0.05")]
    assert row.to_list() == ["0.008", "0.009", "+0.001", "paper", "text"]
    assert cells.loc[("relabelling", "people", "labels flipped"), "published"] == "7,402"
    row = cells.loc[("after relabelling", "random forest", "accuracy, percent")]
    assert row["source"] == "authors' notebook"
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
    agreed = pd.DataFrame({"label": ["real"], "kept": [40], "unanimous": [30], "percent": [75.0]})
    agreed["judged"] = 50
    one = performance(network_1=(0.99, 9, 1, 2, 8, 0.009))
    values = ours(
        performance={"first": one, "second": one},
        categories={},
        first_step=FIRST_STEP,
        labels=pd.DataFrame({"row": [0], "old_label": [0], "label": [0], "reviewed": [0]}),
        new_survey=[numbers, means, agreed],
    )
    found = values[values["part"] == "new survey"].set_index(["model", "quantity"])["value"].to_dict()
    assert found["before", "mdr_unanimous"] == 0.2
    assert found["after", "mdr_all"] == 0.1
    assert found["after", "mean_real_disputed"] == 0.7
    assert found["people", "judged"] == 50
    assert found["people", "kept_real"] == 40
    assert found["people", "unanimous_real_percent"] == 75
    table = beside_published(values, published=PUBLISHED).cells
    assert (table["part"] == "new survey").sum() == 7


def test_a_study_of_other_models_has_nothing_to_compare():
    values = pd.DataFrame({"part": ["second"], "model": ["own"], "quantity": ["auc"], "value": [1.0]})
    with pytest.raises(
        ContractError, match=r"expected models of Ayyar et al. \(2022\), network_1 and others"
    ):
        beside_published(values, published=PUBLISHED)
