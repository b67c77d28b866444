import numpy as np
import pytest
from matplotlib.colors import to_rgb

from stampshift.figures.baseline_figures import baseline_bars, baseline_map

MAPPED = ["B", "C", "A"]


def test_colours_and_texts_are_the_means(all_runs):
    axes = baseline_map(all_runs, surveys=MAPPED).axes[0]
    shown = axes.images[0].get_array()
    baseline = all_runs[all_runs["method"] == "baseline"].groupby(["source", "target"])["balanced_accuracy"]
    expected = [[baseline.mean()[source, target] for target in MAPPED] for source in MAPPED]
    np.testing.assert_allclose(shown, expected)
    texts = {text.get_position(): text.get_text() for text in axes.texts}
    assert len(texts) == 9
    assert texts[2, 0] == f"{expected[0][2]:.3f}\n± {baseline.std()['B', 'A']:.3f}"  # source B, target A


def test_labels_and_range(all_runs):
    figure = baseline_map(all_runs, surveys=MAPPED)
    axes, bar = figure.axes
    assert [tick.get_text() for tick in axes.get_xticklabels()] == MAPPED
    assert [tick.get_text() for tick in axes.get_yticklabels()] == MAPPED
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("tested on", "trained on")
    assert axes.images[0].get_clim() == (0.5, 1)
    assert bar.get_ylabel() == "balanced accuracy"
    assert figure.get_suptitle() == "Baseline without adaptation"


def luminance(colour):
    """Relative luminance of a colour, as WCAG 2 defines it."""
    channels = np.array(to_rgb(colour))
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


@pytest.mark.parametrize("value", [0.4, 0.6, 0.72, 0.75, 0.85, 1.0])
def test_numbers_can_be_read_on_every_colour(all_runs, value):
    axes = baseline_map(all_runs.assign(balanced_accuracy=value), surveys=MAPPED).axes[0]
    (image,) = axes.images
    cell = luminance(image.cmap(image.norm(value)))
    for text in axes.texts:
        darker, lighter = sorted([cell, luminance(text.get_color())])
        assert (lighter + 0.05) / (darker + 0.05) > 6.5  # WCAG 2 asks for 4.5


def test_a_survey_that_is_not_a_source_has_no_row_and_a_missing_number_is_a_dash(all_runs):
    some = all_runs[
        (all_runs["source"] != "C") & ~((all_runs["source"] == "A") & (all_runs["target"] == "C"))
    ]
    axes = baseline_map(some, surveys=MAPPED).axes[0]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["B", "A"]
    texts = {text.get_position(): text.get_text() for text in axes.texts}
    assert texts[1, 1] == "–"


def bars(figure):
    """Heights of the bars of each survey tested on, and the lines on them (low, high), by source."""
    axes = figure.axes[0]
    return {
        bars.get_label().removeprefix("on "): (
            [bar.get_height() for bar in bars],
            [tuple(line[:, 1]) for line in bars.errorbar.lines[2][0].get_segments()],
        )
        for bars in axes.containers[1::2]
    }


def test_bars_are_means_with_their_standard_deviation(all_runs):
    figure = baseline_bars(all_runs, surveys=MAPPED)
    groups = all_runs[all_runs["method"] == "baseline"].groupby(["source", "target"])["balanced_accuracy"]
    mean, std = groups.mean(), groups.std()
    drawn = bars(figure)
    assert list(drawn) == MAPPED
    for target, (heights, lines) in drawn.items():
        np.testing.assert_allclose(heights, [mean[source, target] for source in sorted(MAPPED)])
        expected = [
            (mean[source, target] - std[source, target], mean[source, target] + std[source, target])
            for source in sorted(MAPPED)
        ]
        np.testing.assert_allclose(lines, expected)


def test_bars_stand_above_their_source_and_are_named(all_runs):
    figure = baseline_bars(all_runs, surveys=MAPPED)
    axes = figure.axes[0]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == MAPPED
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("trained on", "balanced accuracy")
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["on B", "on C", "on A", "a coin"]
    for bar, source in zip(axes.containers[1], sorted(MAPPED), strict=True):
        assert round(bar.get_x() + bar.get_width() / 2) == MAPPED.index(source)


def test_bars_of_a_single_split_have_no_lines(all_runs):
    figure = baseline_bars(all_runs[all_runs["seed"] == 0], surveys=MAPPED)
    assert all(low == high for _, lines in bars(figure).values() for low, high in lines)
