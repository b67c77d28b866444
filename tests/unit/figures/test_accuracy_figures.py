import numpy as np
import pytest
from matplotlib.colors import to_rgb

from stampshift.core.errors import ContractError
from stampshift.figures.accuracy_figures import all_pairs, pair_boxplots
from stampshift.figures.style import METHOD_COLOURS

METHODS = ["finetune", "mme"]


@pytest.fixture
def figure(all_runs):
    return pair_boxplots(all_runs, pair="A-to-B", methods=METHODS)


def values(runs, *, method, on, shots):
    rows = (runs["method"] == method) & (runs["source"] == "A") & (runs["evaluated_on"] == on)
    rows &= (runs["target"] == "B") | (runs["method"] == "baseline")
    return runs.loc[rows & (runs["shots"] == shots), "balanced_accuracy"].to_numpy()


def line(axes, label):
    (found,) = [artist for artist in axes.lines if artist.get_label() == label]
    return found


def test_a_box_per_method_and_number_of_shots_in_both_panels(figure):
    assert [axes.get_title() for axes in figure.axes] == ["on the target, B", "on the source, A"]
    for axes in figure.axes:
        assert len(axes.patches) == 4
        colours = [patch.get_facecolor()[:3] for patch in axes.patches]
        assert colours == [to_rgb(METHOD_COLOURS[method]) for method in METHODS for _ in range(2)]
        assert [tick.get_text() for tick in axes.get_xticklabels()] == ["1", "10"]


def test_a_method_without_labels_has_a_box_and_a_point_at_no_shots(with_no_labels):
    for axes in pair_boxplots(with_no_labels, pair="A-to-B", methods=METHODS).axes:
        assert len(axes.patches) == 2 + 3
        assert [tick.get_text() for tick in axes.get_xticklabels()] == ["0", "1", "10"]
    axes = all_pairs(with_no_labels, surveys=["A", "B", "C"], methods=METHODS).axes[1]
    drawn = {container.get_label(): container.lines[0].get_xdata() for container in axes.containers}
    assert [len(drawn["finetune target"]), len(drawn["mme target"])] == [2, 3]
    assert round(min(drawn["mme target"])) == 0
    assert round(min(drawn["finetune target"])) == 1


@pytest.mark.parametrize(("panel", "survey"), [(0, "B"), (1, "A")])
def test_boxes_hold_the_quartiles_of_the_splits(figure, all_runs, panel, survey):
    boxes = iter(figure.axes[panel].patches)
    for method in METHODS:
        for shots in (1, 10):
            corners = next(boxes).get_path().vertices[:, 1]
            expected = np.percentile(values(all_runs, method=method, on=survey, shots=shots), [25, 75])
            assert (corners.min(), corners.max()) == pytest.approx(tuple(expected))


@pytest.mark.parametrize(("panel", "survey"), [(0, "B"), (1, "A")])
def test_the_line_is_the_mean_of_the_baseline_on_that_survey(figure, all_runs, panel, survey):
    baseline = line(figure.axes[panel], "baseline")
    expected = values(all_runs, method="baseline", on=survey, shots=0).mean()
    assert list(baseline.get_ydata()) == pytest.approx([expected, expected])


def test_every_split_is_a_dot(figure, all_runs):
    dots = [artist.get_ydata() for artist in figure.axes[0].lines if artist.get_marker() == "."]
    assert [len(group) for group in dots] == [5, 5, 5, 5]
    np.testing.assert_array_equal(dots[0], values(all_runs, method="finetune", on="B", shots=1))


def test_boxes_of_a_number_of_shots_are_side_by_side(figure):
    centres = [patch.get_path().get_extents().x0 for patch in figure.axes[0].patches]
    assert centres[0] < centres[2] < centres[1] < centres[3]  # finetune 1, mme 1, finetune 10, mme 10


def test_panels_and_pairs_share_their_axis(figure, all_runs):
    other = pair_boxplots(all_runs, pair="C-to-A", methods=METHODS)
    limits = {axes.get_ylim() for axes in [*figure.axes, *other.axes]}
    assert limits == {(0.4, 1.005)}
    lower = all_runs.assign(balanced_accuracy=all_runs["balanced_accuracy"].where(all_runs.index > 0, 0.32))
    shown = pair_boxplots(lower, pair="C-to-A", methods=METHODS)
    assert {axes.get_ylim() for axes in shown.axes} == {(0.3, 1.005)}


def test_labels_and_title(figure, all_runs):
    assert figure.get_suptitle() == "A to B"
    assert figure.axes[0].get_ylabel() == "balanced accuracy"
    assert figure.axes[1].get_xlabel() == "labelled B stamps per class"
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["fine-tuning", "MME", "mean over splits", "baseline, mean over splits"]
    real = pair_boxplots(all_runs, pair="A-to-B", methods=METHODS)
    assert real.get_suptitle() == "A to B"


def test_a_method_that_the_project_does_not_know_gets_boxes_and_its_name(all_runs):
    figure = pair_boxplots(all_runs, pair="A-to-B", methods=["mme", "new"])
    assert len(figure.axes[0].patches) == 4
    assert figure.legends[0].get_texts()[1].get_text() == "new"


@pytest.mark.parametrize("splits", [1, 4])
def test_fewer_than_five_splits_are_points_and_their_mean_without_a_box(all_runs, splits):
    few = all_runs[all_runs["seed"] < splits]
    axes = pair_boxplots(few, pair="A-to-B", methods=METHODS).axes[0]
    assert not axes.patches
    points = [artist for artist in axes.lines if artist.get_marker() == "o"]
    colours = [to_rgb(METHOD_COLOURS[method]) for method in METHODS for _ in range(2)]
    assert [to_rgb(artist.get_color()) for artist in points] == colours
    drawn = values(few, method="finetune", on="B", shots=1)
    np.testing.assert_array_equal(points[0].get_ydata(), drawn)
    means = [artist.get_ydata() for artist in axes.lines if artist.get_marker() == "D"]
    assert means[0] == pytest.approx(drawn.mean())


def test_a_pair_without_runs_is_refused(all_runs):
    with pytest.raises(ContractError, match="runs of A-to-D"):
        pair_boxplots(all_runs, pair="A-to-D", methods=METHODS)


SURVEYS = ["C", "A", "B"]


@pytest.fixture
def panel(all_runs):
    return all_pairs(all_runs, surveys=SURVEYS, methods=METHODS)


def drawn(panel):
    return [axes for axes in panel.axes if axes.axison]


def points(axes, label):
    (bars,) = [container for container in axes.containers if container.get_label() == label]
    return bars[0].get_xydata()


def mean(runs, *, method, source, target, shots, on):
    rows = (runs["method"] == method) & (runs["source"] == source) & (runs["evaluated_on"] == on)
    rows &= (runs["shots"] == shots) & ((runs["target"] == target) | (method == "baseline"))
    return runs.loc[rows, "balanced_accuracy"].mean()


def test_a_row_per_source_and_a_column_per_target(panel):
    titles = [axes.get_title() for axes in drawn(panel)]
    assert titles == ["C to A", "C to B", "A to C", "A to B", "B to C", "B to A"]
    places = {axes.get_title(): axes.get_subplotspec() for axes in drawn(panel)}
    assert (places["A to B"].rowspan.start, places["A to B"].colspan.start) == (1, 2)


def test_points_are_the_means_over_splits(panel, all_runs):
    axes = next(axes for axes in drawn(panel) if axes.get_title() == "A to B")
    for method in METHODS:
        for role, survey in (("target", "B"), ("source", "A")):
            expected = [
                mean(all_runs, method=method, source="A", target="B", shots=shots, on=survey)
                for shots in (1, 10)
            ]
            np.testing.assert_allclose(points(axes, f"{method} {role}")[:, 1], expected)


def test_bars_are_sample_standard_deviations(panel, all_runs):
    axes = next(axes for axes in drawn(panel) if axes.get_title() == "A to B")
    (bars,) = [container for container in axes.containers if container.get_label() == "mme target"]
    low, high = bars[2][0].get_segments()[0][:, 1]
    rows = all_runs[(all_runs["method"] == "mme") & (all_runs["source"] == "A") & (all_runs["target"] == "B")]
    values = rows.loc[(rows["evaluated_on"] == "B") & (rows["shots"] == 1), "balanced_accuracy"]
    assert (high - low) / 2 == pytest.approx(values.std(ddof=1))


def test_lines_are_the_means_of_the_baseline(panel, all_runs):
    axes = next(axes for axes in drawn(panel) if axes.get_title() == "A to B")
    for role, survey in (("target", "B"), ("source", "A")):
        (line,) = [line for line in axes.lines if line.get_label() == f"baseline {role}"]
        expected = mean(all_runs, method="baseline", source="A", target="B", shots=0, on=survey)
        assert list(line.get_ydata()) == pytest.approx([expected, expected])


def test_all_panels_share_their_axes(panel):
    assert {axes.get_ylim() for axes in drawn(panel)} == {(0.4, 1.005)}
    assert {axes.get_xlim() for axes in drawn(panel)} == {(-0.5, 1.5)}
    assert [tick.get_text() for tick in drawn(panel)[-1].get_xticklabels()] == ["1", "10"]


def test_inner_panels_have_numbers_at_their_ticks(panel):
    for axes in drawn(panel):
        for axis in (axes.xaxis, axes.yaxis):
            shown = [tick for tick in axis.get_major_ticks() if tick.label1.get_visible()]
            assert len(shown) == len(axis.get_major_ticks()) > 0


def test_the_diagonal_shows_the_baseline_within_its_survey(panel, all_runs):
    texts = [text.get_text() for axes in panel.axes if not axes.axison for text in axes.texts]
    values = all_runs[
        (all_runs["method"] == "baseline") & (all_runs["source"] == "C") & (all_runs["target"] == "C")
    ]
    expected = f"{values['balanced_accuracy'].mean():.3f} ± {values['balanced_accuracy'].std(ddof=1):.3f}"
    assert len(texts) == 3
    assert texts[0] == f"C\nbaseline on itself\n{expected}"


def test_only_the_outer_panels_have_labels(panel):
    labelled = {axes.get_title() for axes in drawn(panel) if axes.get_ylabel() == "balanced accuracy"}
    assert labelled == {"C to A", "A to C", "B to C"}
    below = {axes.get_title() for axes in drawn(panel) if axes.get_xlabel() == "labelled stamps per class"}
    assert below == {"B to C", "B to A", "A to B"}


def test_title_and_legend(panel):
    assert panel.get_suptitle() == "A row per source, a column per target"
    assert [text.get_text() for text in panel.legends[0].get_texts()] == [
        "fine-tuning, on the target",
        "fine-tuning, on the source",
        "MME, on the target",
        "MME, on the source",
        "baseline, on the target",
        "baseline, on the source",
    ]


def test_some_pairs_alone_and_a_single_split(all_runs):
    some = all_runs[(all_runs["source"] == "A") & (all_runs["target"] != "C") & (all_runs["seed"] == 0)]
    panel = all_pairs(some, surveys=SURVEYS, methods=METHODS)
    assert [axes.get_title() for axes in drawn(panel)] == ["A to B"]
    assert panel.get_suptitle() == "A row per source, a column per target"
