from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from stampshift.core.errors import ContractError
from stampshift.figures.training_figures import kept_weights, lambda_curves, learning_curves


@pytest.fixture
def histories() -> dict[int, pd.DataFrame]:
    def history(accuracies, kept):
        epochs = np.arange(1, len(accuracies) + 1)
        columns = {"epoch": epochs, "train_loss": 1 / epochs, "kept": epochs == kept}
        return pd.DataFrame(columns | {"validation_balanced_accuracy": accuracies})

    return {0: history([0.6, 0.9, 0.8, 0.9], kept=4), 7: history([0.7, 0.75, 0.8], kept=3)}


def test_a_line_per_split_in_both_panels(histories):
    figure = learning_curves(histories, survey="S")
    loss, accuracy = figure.axes
    for axes, column in ((loss, "train_loss"), (accuracy, "validation_balanced_accuracy")):
        drawn = {line.get_label(): line for line in axes.lines}
        for seed, history in histories.items():
            np.testing.assert_array_equal(drawn[f"split {seed}"].get_xdata(), history["epoch"])
            np.testing.assert_allclose(drawn[f"split {seed}"].get_ydata(), history[column])


def test_the_kept_epoch_is_marked(histories):
    accuracy = learning_curves(histories, survey="S").axes[1]
    marked = {line.get_label(): line.get_xydata().tolist() for line in accuracy.lines}
    assert marked["kept 0"] == [[4, 0.9]]
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


@pytest.fixture
def kept():
    """Two pairs: fine-tuning with 1 and 5 shots, MME with 5; the last epoch is better by 0.1."""
    lines = [
        (
            method,
            target,
            shots,
            rule,
            role,
            mean + (0.1 if rule == "last" else 0.0),
            9 if rule == "last" else 2,
        )
        for method, counts in (("finetune", (5, 1)), ("mme", (5,)))
        for target, mean in (("B", 0.6), ("C", 0.8))
        for shots in counts
        for rule in ("first_best", "last_best", "lowest_validation_loss", "last")
        for role in ("target", "source")
    ]
    columns = ["method", "target", "shots", "rule", "role", "mean", "epoch"]
    return pd.DataFrame(lines, columns=columns).assign(source="A")


def test_a_line_per_rule_of_keeping_and_a_column_per_method(kept):
    figure = kept_weights(kept, methods=["finetune", "mme"])
    target, _, source, _, epoch, _ = figure.axes
    assert [axes.get_ylabel() for axes in (target, source, epoch)] == [
        "on the target",
        "on the source",
        "kept epoch",
    ]
    drawn = {line.get_label(): line for line in target.lines}
    assert list(drawn) == ["first best", "last best", "lowest loss", "last"]
    np.testing.assert_allclose(drawn["first best"].get_xydata(), [[0, 0.7], [1, 0.7]])
    np.testing.assert_allclose(drawn["last"].get_ydata(), [0.8, 0.8])
    assert list(figure.axes[1].lines[0].get_xdata()) == [1]  # MME has no run with one shot
    assert [line.get_ydata().tolist() for line in epoch.lines] == [[2, 2], [2, 2], [2, 2], [9, 9]]
    assert [tick.get_text() for tick in epoch.get_xticklabels()] == ["1", "5"]


WEIGHTS = [0.01, 0.2, 1, 10]
ACCURACIES = {1: [0.6, 0.7, 0.65, 0.5], 40: [0.8, 0.9, 0.85, 0.7]}


@pytest.fixture
def search():
    trials = [
        {
            "entropy_weight": weight,
            "shots": shots,
            "validation_balanced_accuracy": value,
            "validation_loss": 0.5,
        }
        for shots, values in ACCURACIES.items()
        for weight, value in zip(WEIGHTS, values, strict=True)
    ]
    chosen = {"chosen": 0.2, "tied": [0.2], "test": []}
    return {"source": "A", "target": "B"} | chosen | {"search": trials[::-1]}


def lines(figure):
    return {line.get_label(): line for line in figure.axes[0].lines}


def test_a_line_per_number_of_shots_and_their_mean(search):
    drawn = lines(lambda_curves(search))
    for shots, label in ((1, "1 shot"), (40, "40 shots")):
        np.testing.assert_array_equal(drawn[label].get_xdata(), WEIGHTS)
        np.testing.assert_allclose(drawn[label].get_ydata(), ACCURACIES[shots])
    np.testing.assert_allclose(drawn["mean over shots"].get_ydata(), [0.7, 0.8, 0.75, 0.6])


def test_the_chosen_weight_is_marked_on_the_mean(search):
    figure = lambda_curves(search)
    assert set(lines(figure)["chosen: 0.2"].get_xdata()) == {0.2}
    (star,) = [line for line in figure.axes[0].lines if line.get_marker() == "*"]
    np.testing.assert_allclose(star.get_xydata(), [[0.2, 0.8]])


def test_weights_that_tie_are_counted_and_marked(search):
    trials = [row | {"validation_balanced_accuracy": 0.8} for row in search["search"]]
    figure = lambda_curves(search | {"search": trials, "tied": [0.2, 0.01, 1, 10]})
    assert "chosen: 0.2, of 4 equal" in lines(figure)
    (rings,) = [line for line in figure.axes[0].lines if line.get_linewidth() == 0]
    assert sorted(rings.get_xdata()) == WEIGHTS


def test_axes_and_labels_of_the_search(search):
    figure = lambda_curves(search)
    axes = figure.axes[0]
    assert axes.get_xscale() == "log"
    assert axes.get_ylim() == (0.4, 1.005)
    assert axes.get_xlabel() == "entropy weight λ"
    assert axes.get_ylabel() == "validation balanced accuracy"
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["0.01", "0.2", "1", "10"]
    assert {tick.get_rotation() for tick in axes.get_xticklabels()} == {0}
    assert figure.get_suptitle() == "A to B"


def test_numbers_of_weights_do_not_touch_and_every_weight_has_a_tick(search):
    grid = [0.01, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 10]  # that of the published experiment
    trials = [row | {"entropy_weight": weight} for row in search["search"][:1] for weight in grid]
    figure = lambda_curves(search | {"search": trials})
    FigureCanvasAgg(figure).draw()
    axes = figure.axes[0]
    assert sorted({*axes.get_xticks(), *axes.get_xticks(minor=True)}) == grid
    boxes = [label.get_window_extent() for label in axes.get_xticklabels()]
    assert len(boxes) > 5
    assert all(left.x1 < right.x0 for left, right in pairwise(boxes))


@pytest.mark.parametrize(("trials", "found"), [(slice(0), "none"), (slice(0, 2), "1, 10")])
def test_a_choice_that_was_not_searched_is_refused(search, trials, found):
    search["search"] = search["search"][trials]
    with pytest.raises(
        ContractError, match=rf"A-to-B.json: the chosen .* 0.2 is not one of those searched \({found}\)"
    ):
        lambda_curves(search)
