import numpy as np
import pandas as pd
import pytest

from stampshift.figures.score_figures import detection_curves, reliability_diagrams, score_figure
from stampshift.tables.predictions import models
from stampshift.tables.score_tables import (
    mean_curves,
    operating_points,
    reliability_curves,
    score_histograms,
)


@pytest.fixture
def predictions():
    """Two splits of the baseline and of MME with 1 and 5 shots, on A and B: the same six stamps."""
    stamps = {"label": [1, 1, 0, 1, 0, 0], "score": [0.9, 0.8, 0.7, 0.6, 0.5, 0.4]}
    return pd.concat(
        [
            pd.DataFrame({"survey": survey, "method": method, "shots": shots, "seed": seed} | stamps)
            for survey in ("B", "A")
            for method, shots in (("baseline", 0), ("mme", 1), ("mme", 5))
            for seed in (0, 1)
        ]
    )


def drawn(predictions, **rates):
    return detection_curves(
        mean_curves(predictions),
        operating_points(predictions, **rates),
        pair="A-to-B",
        methods=["mme"],
        operating_points=rates,
    )


@pytest.fixture
def figure(predictions):
    return drawn(predictions, mdr=[0.5, 0.01], fpr=[0.4])


def test_roc_above_and_missed_against_false_below(figure):
    roc, _, rates, _ = figure.axes
    line = {line.get_label(): line for line in roc.lines}["MME, 5 shots"]
    other = {line.get_label(): line for line in rates.lines}["MME, 5 shots"]
    assert line.get_ydata()[0] == pytest.approx(2 / 3)  # two of three reals pass before any bogus
    assert list(other.get_ydata()) == pytest.approx(list(1 - line.get_ydata()))
    assert [axes.get_title() for axes in figure.axes[:2]] == ["on the target, B", "on the source, A"]


def test_the_rates_of_the_table_are_lines_with_their_numbers(figure):
    for rates in figure.axes[2:]:
        assert [0.5, 0.5] in [list(line.get_ydata()) for line in rates.lines]
        assert [0.4, 0.4] in [list(line.get_xdata()) for line in rates.lines]
        assert [text.get_text().strip() for text in rates.texts] == ["0.5", "0.4"]


def test_a_rate_that_three_stamps_of_a_label_cannot_show_has_no_line(figure, predictions):
    assert 0.01 not in {line.get_ydata()[0] for line in figure.axes[2].lines}
    finest = drawn(predictions, mdr=[0.01], fpr=[0.33])
    assert not finest.axes[2].texts
    assert "rates of the operating points" not in [text.get_text() for text in finest.legends[0].get_texts()]


def test_axes_are_the_same_for_every_pair(figure):
    assert {axes.get_xlim() for axes in figure.axes[:2]} == {(0, 1)}
    assert {axes.get_ylim() for axes in figure.axes[2:]} == {(1e-3, 1)}


def test_legend_and_title(figure):
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts == ["baseline", "MME, 1 shot", "MME, 5 shots", "rates of the operating points"]
    assert figure.get_suptitle() == "A to B"


def test_score_histograms_have_a_row_per_model(predictions):
    figure = score_figure(score_histograms(predictions, bins=10), pair="A-to-B")
    titles = [axes.get_title() for axes in figure.axes]
    assert titles[:2] == ["baseline, on the target, B", "baseline, on the source, A"]
    assert len(titles) == 2 * len(models(predictions))
    stairs = {patch.get_label(): patch for patch in figure.axes[0].patches}
    assert list(stairs["real"].get_data().values[5:]) == pytest.approx([1e-6, 1, 1e-6, 1, 1])


def test_bins_of_few_stamps_are_left_out():
    scores = np.array([0.9] * 12 + [0.1] * 9)
    labels = np.array([1] * 9 + [0] * 3 + [0] * 9)
    predictions = pd.concat(
        pd.DataFrame(
            {
                "survey": survey,
                "method": "mme",
                "shots": 5,
                "label": labels,
                "score": scores,
                "scaled": scores,
            }
        )
        for survey in ("B", "A")
    )
    figure = reliability_diagrams(reliability_curves(predictions, bins=2), pair="A-to-B", methods=["mme"])
    line = {line.get_label(): line for line in figure.axes[0].lines}["MME, 5 shots"]
    np.testing.assert_allclose(line.get_xydata(), [[0.1, np.nan], [0.9, 0.75]])
    assert [axes.get_title() for axes in figure.axes] == [
        "before temperature scaling, on the target, B",
        "before temperature scaling, on the source, A",
        "after temperature scaling, on the target, B",
        "after temperature scaling, on the source, A",
    ]
    assert figure.get_suptitle() == "A to B"
