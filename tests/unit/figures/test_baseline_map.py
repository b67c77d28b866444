import numpy as np
import pytest

from stampshift.figures.baseline import baseline_map

SURVEYS = ["B", "C", "A"]


def test_colours_and_texts_are_the_means(all_runs):
    axes = baseline_map(all_runs, surveys=SURVEYS).axes[0]
    shown = axes.images[0].get_array()
    baseline = all_runs[all_runs["method"] == "baseline"].groupby(["source", "target"])["balanced_accuracy"]
    expected = [[baseline.mean()[source, target] for target in SURVEYS] for source in SURVEYS]
    np.testing.assert_allclose(shown, expected)
    texts = {text.get_position(): text.get_text() for text in axes.texts}
    assert len(texts) == 9
    assert texts[2, 0] == f"{expected[0][2]:.3f}\n± {baseline.std()['B', 'A']:.3f}"  # source B, target A


def test_labels_and_range(all_runs):
    figure = baseline_map(all_runs, surveys=SURVEYS)
    axes, bar = figure.axes
    assert [tick.get_text() for tick in axes.get_xticklabels()] == SURVEYS
    assert [tick.get_text() for tick in axes.get_yticklabels()] == SURVEYS
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("tested on", "trained on")
    assert axes.images[0].get_clim() == (0.5, 1)
    assert bar.get_ylabel() == "balanced accuracy"
    assert figure.get_suptitle() == "Baseline without adaptation"


@pytest.mark.parametrize(("value", "colour"), [(0.55, "white"), (0.95, "black")])
def test_texts_stand_out(all_runs, value, colour):
    axes = baseline_map(all_runs.assign(balanced_accuracy=value), surveys=SURVEYS).axes[0]
    assert {text.get_color() for text in axes.texts} == {colour}


def test_a_survey_that_is_no_source_has_no_row_and_a_missing_number_is_a_dash(all_runs):
    some = all_runs[
        (all_runs["source"] != "C") & ~((all_runs["source"] == "A") & (all_runs["target"] == "C"))
    ]
    axes = baseline_map(some, surveys=SURVEYS).axes[0]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["B", "A"]
    texts = {text.get_position(): text.get_text() for text in axes.texts}
    assert texts[1, 1] == "–"
