import numpy as np
import pandas as pd
import pytest

from stampshift.figures.learning import learning_curves


@pytest.fixture
def histories() -> dict[int, pd.DataFrame]:
    def history(accuracies):
        epochs = np.arange(1, len(accuracies) + 1)
        return pd.DataFrame(
            {"epoch": epochs, "train_loss": 1 / epochs, "validation_balanced_accuracy": accuracies}
        )

    return {0: history([0.6, 0.9, 0.8, 0.9]), 7: history([0.7, 0.75, 0.8])}


def test_a_line_per_split_in_both_panels(histories):
    figure = learning_curves(histories, survey="S")
    loss, accuracy = figure.axes
    for axes, column in ((loss, "train_loss"), (accuracy, "validation_balanced_accuracy")):
        drawn = {line.get_label(): line for line in axes.lines}
        for seed, history in histories.items():
            np.testing.assert_array_equal(drawn[f"split {seed}"].get_xdata(), history["epoch"])
            np.testing.assert_allclose(drawn[f"split {seed}"].get_ydata(), history[column])


def test_the_kept_epoch_is_marked_the_first_of_a_tie(histories):
    accuracy = learning_curves(histories, survey="S").axes[1]
    marked = {line.get_label(): line.get_xydata().tolist() for line in accuracy.lines}
    assert marked["kept 0"] == [[2, 0.9]]
    assert marked["kept 7"] == [[3, 0.8]]


def test_axes_and_labels(histories):
    figure = learning_curves(histories, survey="S")
    loss, accuracy = figure.axes
    assert accuracy.get_ylim() == (0.4, 1.005)
    assert loss.get_ylim()[0] == 0
    assert loss.get_ylabel() == "training loss (cross-entropy)"
    assert accuracy.get_ylabel() == "validation balanced accuracy"
    assert loss.get_xlabel() == accuracy.get_xlabel() == "epoch"
    assert figure.get_suptitle() == "Baselines of S"
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["one split", "epoch whose weights are kept"]
