import numpy as np
import pytest

from stampshift.core.errors import ContractError
from stampshift.figures.lambda_figures import lambda_by_shots

TRAINED = {0.1: [None, 1.0, 0.9], 10: [None, 0.8, 0.7]}  # by weight, for 0, 1 and 40 shots
VALIDATED = {0.1: [0.6, 0.7, 0.95], 10: [0.55, 0.5, 0.6]}


@pytest.fixture
def search():
    trials = [
        {
            "entropy_weight": weight,
            "shots": shots,
            "training_balanced_accuracy": TRAINED[weight][place],
            "validation_balanced_accuracy": VALIDATED[weight][place],
        }
        for weight in TRAINED
        for place, shots in enumerate((0, 1, 40))
    ]
    return {"source": "A", "target": "B", "chosen": 0.1, "search": trials[::-1]}


def test_a_line_per_weight_by_shots_in_both_panels(search):
    figure = lambda_by_shots(search)
    for axes, expected in zip(figure.axes, (TRAINED, VALIDATED), strict=True):
        lines = {line.get_label(): line.get_ydata() for line in axes.lines}
        np.testing.assert_array_equal(lines["λ = 0.1, chosen"], np.array(expected[0.1], float))
        np.testing.assert_array_equal(lines["λ = 10"], np.array(expected[10], float))
        assert [tick.get_text() for tick in axes.get_xticklabels()] == ["0", "1", "40"]
        assert axes.get_ylim() == (0.4, 1.005)


def test_panels_axes_and_title_are_named(search):
    figure = lambda_by_shots(search)
    assert [axes.get_title() for axes in figure.axes] == ["training stamps of B", "validation stamps of B"]
    assert {axes.get_xlabel() for axes in figure.axes} == {"labelled B stamps per class"}
    assert figure.axes[0].get_ylabel() == "balanced accuracy"
    assert figure.get_suptitle() == "A to B"


def test_a_file_without_a_search_is_refused(search):
    with pytest.raises(ContractError, match=r"A-to-B.json: expected a search with training_.* found none"):
        lambda_by_shots(search | {"search": []})
