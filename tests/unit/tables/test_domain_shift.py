import numpy as np
import pandas as pd
import pytest

from stampshift.core.errors import ContractError
from stampshift.tables.domain_shift import (
    embedding,
    proxy_a_distance,
    read_shift,
    shift_numbers,
    shift_table,
    squared_mmd,
)


@pytest.fixture
def generator():
    return np.random.default_rng(5)


def test_identical_domains_have_no_a_distance(generator):
    same = generator.normal(size=(200, 10))
    assert proxy_a_distance(same, same) == 0


def test_domains_of_one_distribution_are_near_each_other(generator):
    source, target = generator.normal(size=(2, 500, 10))
    assert proxy_a_distance(source, target) < 0.3


def test_domains_that_a_plane_parts_have_an_a_distance_of_two(generator):
    source, target = generator.normal(size=(2, 100, 10))
    target[:, 3] += 100
    assert proxy_a_distance(source, target) == 2


def test_unequal_numbers_make_no_distance(generator):
    # a classifier that always says "source" is right for 9 stamps of 10, and knows nothing
    assert proxy_a_distance(generator.normal(size=(900, 5)), generator.normal(size=(100, 5))) < 0.3


def test_squared_mmd_of_a_hand_computed_case():
    # pairwise distances 0 (left out of the median), 0, 2, 2, 2, 2: width 2, kernel exp(-1/2) across
    source, target = np.array([[0.0], [0.0]]), np.array([[2.0], [2.0]])
    assert squared_mmd(source, target) == pytest.approx(1 + 1 - 2 * np.exp(-1 / 2))


def test_squared_mmd_of_one_distribution_is_zero_on_average(generator):
    draws = [squared_mmd(*generator.normal(size=(2, 40, 5))) for _ in range(60)]
    assert min(draws) < 0 < max(draws)  # unbiased, so both signs occur
    assert np.mean(draws) == pytest.approx(0, abs=4 * np.std(draws) / np.sqrt(60))


def test_squared_mmd_of_identical_samples_is_near_zero(generator):
    same = generator.normal(size=(300, 5))
    assert squared_mmd(same, same) == pytest.approx(0, abs=2 / 300)


def test_squared_mmd_grows_with_the_shift(generator):
    source, target = generator.normal(size=(2, 100, 5))
    assert squared_mmd(source, target) < squared_mmd(source, target + 0.5) < squared_mmd(source, target + 2)


def test_features_that_are_all_the_same_have_no_discrepancy():
    assert squared_mmd(np.ones((5, 3)), np.ones((5, 3))) == 0


@pytest.fixture
def features(generator):
    """Two models of A to B: under the baseline the reals of B are far off, under MME all is one."""
    parts = []
    for method, shots in (("baseline", 0), ("mme", 5)):
        for survey in ("B", "A"):
            values = generator.normal(size=(40, 3))
            labels = np.repeat([1, 0], 20)
            if (method, survey) == ("baseline", "B"):
                values[labels == 1] += 50
            table = pd.DataFrame(values, columns=["feature_000", "feature_001", "feature_002"])
            head = {"method": method, "shots": shots, "survey": survey, "row": range(40), "label": labels}
            parts.append(pd.concat([pd.DataFrame(head), table], axis=1))
    return pd.concat(parts, ignore_index=True)


def test_numbers_show_which_label_moved(features):
    numbers = shift_numbers(features, pair="A-to-B").set_index(["method", "stamps_of"])
    assert numbers.loc[("baseline", "real"), "a_distance"] == 2
    assert numbers.loc[("baseline", "bogus"), "a_distance"] < 1
    assert numbers.loc[("mme", "all"), "a_distance"] < 1
    assert numbers.loc[("baseline", "real"), "squared_mmd"] > 0.5
    assert abs(numbers.loc[("mme", "all"), "squared_mmd"]) < 0.1
    assert numbers["stamps"].tolist() == [40, 20, 20] * 2


def test_too_few_stamps_have_no_distance_and_a_dash_in_print(features):
    few = features.groupby(["method", "survey", "label"]).head(4)
    numbers = shift_numbers(few, pair="A-to-B")
    assert numbers["a_distance"].isna().tolist() == [False, True, True] * 2
    table = shift_table(numbers)
    assert table.cells["A-distance, real"].tolist() == ["–", "–"]
    assert table.cells["features of"].tolist() == ["baseline", "MME, 5 shots"]
    assert set(table.cells["source to target"]) == {"A to B"}


def test_numbers_survive_their_files(features, tmp_path):
    numbers = shift_numbers(features, pair="A-to-B").assign(source="NA")
    numbers.loc[1, ["a_distance", "squared_mmd"]] = np.nan
    numbers.iloc[:3].to_csv(tmp_path / "first.csv", index=False)
    numbers.iloc[3:].to_csv(tmp_path / "second.csv", index=False)
    pd.testing.assert_frame_equal(read_shift([tmp_path / "first.csv", tmp_path / "second.csv"]), numbers)


def test_numbers_of_another_kind_are_refused_by_name(features, tmp_path):
    path = tmp_path / "numbers.csv"
    shift_numbers(features, pair="A-to-B").assign(source="7").to_csv(path, index=False)
    assert set(read_shift([path])["source"]) == {"7"}
    shift_numbers(features, pair="A-to-B").assign(a_distance="far").to_csv(path, index=False)
    with pytest.raises(ContractError, match=r"numbers\.csv: expected numbers as a_distance, found 'far'"):
        read_shift([path])


def test_embedding_is_the_projection_on_principal_components(features):
    points = embedding(features)
    baseline = points[points["method"] == "baseline"]
    far = (baseline["survey"] == "B") & (baseline["label"] == 1)
    assert baseline["x_share"].iloc[0] > 0.99  # all of the variance is the shift along the diagonal
    assert np.abs(baseline.loc[far, "x"].mean() - baseline.loc[~far, "x"].mean()) == pytest.approx(
        50 * np.sqrt(3), rel=0.02
    )
    assert baseline[["x", "y"]].mean().to_list() == pytest.approx([0, 0], abs=1e-9)
