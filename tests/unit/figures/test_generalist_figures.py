"""Figures of sources of several surveys: what stands where, and a figure of a question without a run."""

import numpy as np
import pytest

from fake_generalist import ACCURACIES, METHODS, SOURCES, runs_of
from stampshift.figures.generalist_figures import (
    adapted_figure,
    kept_figure,
    new_survey_figure,
    specialist_figure,
)
from stampshift.tables.generalist import generalist_comparisons


@pytest.fixture(scope="module")
def compared():
    return generalist_comparisons(runs_of(ACCURACIES), sources=SOURCES, methods=METHODS)


def points(axes):
    """Values of each series of points, by its label."""
    handles, labels = axes.get_legend_handles_labels()
    return {
        label: np.asarray(handle[0].get_ydata(), float).tolist()
        for handle, label in zip(handles, labels, strict=True)
    }


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_the_specialist_of_each_survey_stands_beside_the_source_of_several(compared):
    (axes,) = specialist_figure(compared).axes
    assert [text.get_text() for text in axes.get_xticklabels()] == ["A", "B"]
    means = {key: float(np.mean(values)) for key, values in ACCURACIES.items()}
    assert points(axes) == {
        "specialist": pytest.approx([means["baseline", name, name, 0, name] for name in "AB"]),
        "both": pytest.approx([means["baseline", "both", name, 0, name] for name in "AB"]),
    }


def test_a_new_survey_has_the_best_single_source_and_the_several(compared):
    (axes,) = new_survey_figure(compared).axes
    assert points(axes) == {
        "best single source": pytest.approx([0.705]),
        "several surveys": pytest.approx([0.8055]),
    }


def test_adapted_models_have_a_panel_for_each_new_survey(compared):
    figure = adapted_figure(compared, methods=METHODS)
    assert figure.axes[0].get_title() == "both to C"
    several, single = (line.get_ydata()[0] for line in figure.axes[0].lines[:2])
    assert (several, single) == pytest.approx((0.75025, 0.76))
    assert legend(figure)[:2] == [
        "fine-tuning, from several surveys",
        "fine-tuning, from the best single one",
    ]


def test_what_is_kept_has_a_panel_for_each_pair_and_a_marker_for_each_survey(compared):
    figure = kept_figure(compared, methods=METHODS)
    assert [axes.get_title() for axes in figure.axes[:2]] == ["both to C", "both to B"]
    assert legend(figure) == ["fine-tuning", "MME", "on A", "on B"]


def test_without_runs_every_figure_says_so():
    some = {key: values for key, values in ACCURACIES.items() if key[1] != "both"}
    nothing = generalist_comparisons(runs_of(some), sources=SOURCES, methods=METHODS)
    for figure in (
        specialist_figure(nothing),
        new_survey_figure(nothing),
        adapted_figure(nothing, methods=METHODS),
        kept_figure(nothing, methods=METHODS),
    ):
        texts = [text.get_text() for axes in figure.axes for text in axes.texts]
        assert texts == ["no such run in this experiment"]
