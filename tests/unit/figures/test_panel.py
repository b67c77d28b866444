import numpy as np
import pytest

from stampshift.figures.panel import all_pairs

METHODS = ["finetune", "mme"]
SURVEYS = ["C", "A", "B"]


@pytest.fixture
def figure(all_runs):
    return all_pairs(all_runs, surveys=SURVEYS, methods=METHODS)


def drawn(figure):
    return [axes for axes in figure.axes if axes.axison]


def points(axes, label):
    (bars,) = [container for container in axes.containers if container.get_label() == label]
    return bars[0].get_xydata()


def mean(runs, *, method, source, target, shots, on):
    rows = (runs["method"] == method) & (runs["source"] == source) & (runs["evaluated_on"] == on)
    rows &= (runs["shots"] == shots) & ((runs["target"] == target) | (method == "baseline"))
    return runs.loc[rows, "balanced_accuracy"].mean()


def test_a_row_per_source_and_a_column_per_target(figure):
    titles = [axes.get_title() for axes in drawn(figure)]
    assert titles == ["C to A", "C to B", "A to C", "A to B", "B to C", "B to A"]
    places = {axes.get_title(): axes.get_subplotspec() for axes in drawn(figure)}
    assert (places["A to B"].rowspan.start, places["A to B"].colspan.start) == (1, 2)


def test_points_are_the_means_over_splits(figure, all_runs):
    axes = next(axes for axes in drawn(figure) if axes.get_title() == "A to B")
    for method in METHODS:
        for role, survey in (("target", "B"), ("source", "A")):
            expected = [
                mean(all_runs, method=method, source="A", target="B", shots=shots, on=survey)
                for shots in (1, 10)
            ]
            np.testing.assert_allclose(points(axes, f"{method} {role}")[:, 1], expected)


def test_bars_are_sample_standard_deviations(figure, all_runs):
    axes = next(axes for axes in drawn(figure) if axes.get_title() == "A to B")
    (bars,) = [container for container in axes.containers if container.get_label() == "mme target"]
    low, high = bars[2][0].get_segments()[0][:, 1]
    rows = all_runs[(all_runs["method"] == "mme") & (all_runs["source"] == "A") & (all_runs["target"] == "B")]
    values = rows.loc[(rows["evaluated_on"] == "B") & (rows["shots"] == 1), "balanced_accuracy"]
    assert (high - low) / 2 == pytest.approx(values.std(ddof=1))


def test_lines_are_the_means_of_the_baseline(figure, all_runs):
    axes = next(axes for axes in drawn(figure) if axes.get_title() == "A to B")
    for role, survey in (("target", "B"), ("source", "A")):
        (line,) = [line for line in axes.lines if line.get_label() == f"baseline {role}"]
        expected = mean(all_runs, method="baseline", source="A", target="B", shots=0, on=survey)
        assert list(line.get_ydata()) == pytest.approx([expected, expected])


def test_all_panels_share_their_axes(figure):
    assert {axes.get_ylim() for axes in drawn(figure)} == {(0.4, 1.005)}
    assert {axes.get_xlim() for axes in drawn(figure)} == {(-0.5, 1.5)}
    assert [tick.get_text() for tick in drawn(figure)[-1].get_xticklabels()] == ["1", "10"]


def test_the_diagonal_tells_the_baseline_within_its_survey(figure, all_runs):
    texts = [text.get_text() for axes in figure.axes if not axes.axison for text in axes.texts]
    values = all_runs[
        (all_runs["method"] == "baseline") & (all_runs["source"] == "C") & (all_runs["target"] == "C")
    ]
    expected = f"{values['balanced_accuracy'].mean():.3f} ± {values['balanced_accuracy'].std(ddof=1):.3f}"
    assert len(texts) == 3
    assert texts[0] == f"C\nbaseline on itself\n{expected}"


def test_labels_stand_at_the_outer_panels_alone(figure):
    labelled = {axes.get_title() for axes in drawn(figure) if axes.get_ylabel() == "balanced accuracy"}
    assert labelled == {"C to A", "A to C", "B to C"}
    below = {axes.get_title() for axes in drawn(figure) if axes.get_xlabel() == "labelled stamps per class"}
    assert below == {"B to C", "B to A", "A to B"}


def test_title_and_legend(figure):
    assert figure.get_suptitle() == "From source (row) to target (column)"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "fine-tuning, on the target",
        "fine-tuning, on the source",
        "MME, on the target",
        "MME, on the source",
        "baseline, on the target",
        "baseline, on the source",
    ]


def test_some_pairs_alone_and_a_single_split(all_runs):
    some = all_runs[(all_runs["source"] == "A") & (all_runs["target"] != "C") & (all_runs["seed"] == 0)]
    figure = all_pairs(some, surveys=SURVEYS, methods=METHODS)
    assert [axes.get_title() for axes in drawn(figure)] == ["A to B"]
    assert figure.get_suptitle() == "From source (row) to target (column)"
