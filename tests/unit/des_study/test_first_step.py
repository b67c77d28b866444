import pandas as pd
import pytest

from stampshift.core.errors import ContractError
from stampshift.des_study.first_step import (
    first_step_table,
    relabelled_test_part,
    retested,
    retested_table,
)
from stampshift.des_study.models import judged_by
from stampshift.des_study.performance import performance
from stampshift.metrics.intervals import Bootstrap

BOOTSTRAP = Bootstrap(samples=100, confidence=0.9, seed=0)
# rows 0 to 3 are the test part; row 4 is of another part
LABELS = pd.DataFrame({"row": range(5), "old_label": [1, 1, 0, 0, 1], "label": [1, 0, 0, 1, 0]})
LABELS["reviewed"] = [0, 1, 1, 0, 1]


@pytest.fixture
def predictions(predicted):
    return predicted({"network_1": [0.9, 0.2, 0.1, 0.8]}, labels=[1, 1, 0, 0])


def test_what_people_reviewed_and_changed_of_the_test_part_alone(predictions):
    numbers = relabelled_test_part(predictions, labels=LABELS)
    assert numbers.to_numpy().tolist() == [["all", 4, 2, 2], ["real", 2, 1, 1], ["bogus", 2, 1, 1]]
    assert first_step_table(numbers).cells.iloc[0].to_list() == ["all", "4", "2", "2"]


def test_a_test_stamp_without_a_label_is_an_error(predictions):
    with pytest.raises(ContractError, match="expected a label for each of the 4 test stamps, found 3"):
        relabelled_test_part(predictions, labels=LABELS[1:])


def test_the_same_scores_by_old_and_by_corrected_labels(predictions):
    """The model contradicts both flipped labels: two of four calls are right by old labels, all by new."""
    old = performance(predictions, mdr=0.05, bootstrap=BOOTSTRAP)
    corrected = judged_by(predictions, labels=LABELS, column="label")
    numbers = retested(old, performance(corrected, mdr=0.05, bootstrap=BOOTSTRAP))
    common = numbers[numbers["stamps"] == "common"].set_index("tested_on")
    assert common["accuracy"].to_dict() == {"old_label": 0.5, "label": 1.0}
    cells = retested_table(numbers, mdr=0.05, bootstrap=BOOTSTRAP).cells
    assert cells["tested on"].to_list() == ["old labels", "corrected labels"]
    assert cells["accuracy"].to_list() == ["50.00%", "100.00%"]
