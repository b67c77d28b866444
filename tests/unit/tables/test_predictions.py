import pandas as pd
import pytest

from stampshift.core.errors import ContractError
from stampshift.tables.predictions import MODEL, models, of_model, pool_predictions


@pytest.fixture
def files(tmp_path):
    """Predictions of a baseline on B, and of one method on A and B, of one split."""
    tables = {
        "transfer": {"survey": ["B", "B"], "row": [3, 4], "label": [1, 0], "score": [0.5, 0.25]},
        "adapted": {"survey": ["A", "B"], "row": [7, 3], "label": [0, 1], "score": [0.125, 1.0]},
    }
    for name, columns in tables.items():
        (tmp_path / name).mkdir()
        pd.DataFrame(columns).to_parquet(tmp_path / name / "predictions.parquet")
    return [tmp_path / name / "predictions.parquet" for name in tables]


RUNS = [
    {"method": "baseline", "source": "A", "target": "B", "shots": 0, "seed": 2},
    {"method": "adapt", "source": "A", "target": "B", "shots": 5, "seed": 2},
]


def test_pooled_lines_carry_their_run(files):
    pooled = pool_predictions(files, runs=RUNS, surveys=["B", "A"])
    assert pooled.to_numpy().tolist() == [
        ["baseline", 0, 2, "B", 3, 1, 0.5],
        ["baseline", 0, 2, "B", 4, 0, 0.25],
        ["adapt", 5, 2, "A", 7, 0, 0.125],
        ["adapt", 5, 2, "B", 3, 1, 1.0],
    ]


def test_groups_come_in_the_order_of_print(files):
    pooled = pool_predictions(files, runs=RUNS, surveys=["B", "A"])
    groups = [key for key, _ in pooled.groupby(MODEL, observed=True)]
    assert groups == [("B", "baseline", 0), ("B", "adapt", 5), ("A", "adapt", 5)]
    assert models(pooled) == [("baseline", 0), ("adapt", 5)]
    assert of_model(pooled, survey="B", method="adapt", shots=5)["score"].tolist() == [1.0]


def test_another_survey_is_refused_with_the_files_name(files):
    with pytest.raises(ContractError, match=r"adapted/predictions.parquet: expected .* B, found A"):
        pool_predictions(files, runs=RUNS, surveys=["B"])


def test_a_file_without_scores_is_refused(files):
    pd.DataFrame({"survey": ["A"], "row": [1]}).to_parquet(files[0])
    with pytest.raises(ContractError, match=r"transfer/predictions.parquet: not a readable table"):
        pool_predictions(files, runs=RUNS, surveys=["A", "B"])
