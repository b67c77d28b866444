import numpy as np
import pandas as pd
import pytest

from stampshift.figures.change_figures import ablation_differences, beside_published, retention_figure

NAMES = ["finetune", "mme", "new"]


@pytest.fixture
def figure(all_runs):
    return ablation_differences(all_runs, names=NAMES, variant_names={"new": "MME, new"}, reference="mme")


def test_a_line_per_variant_and_none_for_the_reference(figure):
    target, source = figure.axes
    texts = [label.get_text() for label in target.get_yticklabels()]
    assert texts == ["baseline (source only)", "fine-tuning", "MME, new"]
    assert target.yaxis_inverted()  # the first line is on top
    assert target.get_xlim() == source.get_xlim()
    assert figure.get_suptitle() == "Variants of MME"


def test_markers_are_mean_paired_differences(figure, all_runs):
    keys = ["source", "target", "shots", "seed", "evaluated_on"]
    values = all_runs.set_index(["method", *keys])["balanced_accuracy"]
    difference = (values["new"] - values["mme"]).reset_index()
    for axes, role in zip(figure.axes, ("target", "source"), strict=True):
        on_role = difference[difference["evaluated_on"] == difference[role]]
        for container, shots in zip(axes.containers, (1, 10), strict=True):
            drawn = container.lines[0].get_xdata()[2]
            expected = on_role.loc[on_role["shots"] == shots, "balanced_accuracy"]
            assert drawn == pytest.approx(expected.mean())
            (bar,) = (segments for segments in container.lines[2])
            ends = bar.get_segments()[2][:, 0]
            assert np.ptp(ends) == pytest.approx(2 * expected.std(ddof=1))


def test_methods_that_need_labels_have_no_marker_with_none(with_no_labels):
    figure = ablation_differences(
        with_no_labels, names=["finetune", "mme"], variant_names={}, reference="mme"
    )
    for axes in figure.axes:
        heights = {
            container.get_label(): np.round(container.lines[0].get_ydata()).tolist()
            for container in axes.containers
        }
        assert heights == {"0 shots": [0], "1 shot": [0, 1], "10 shots": [0, 1]}  # baseline, fine-tuning


def test_a_single_split_and_pair_has_no_bar(all_runs):
    one = all_runs[(all_runs["seed"] == 0) & (all_runs["source"] == "A")]
    one = one[one["target"].isin(["A", "B"]) & one["evaluated_on"].isin(["A", "B"])]
    figure = ablation_differences(one, names=NAMES, variant_names={}, reference="mme")
    for container in figure.axes[0].containers:
        assert all(np.ptp(bar[:, 0]) == 0 for bar in container.lines[2][0].get_segments())
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["1 shot", "10 shots"]


@pytest.fixture
def retained():
    retention = pd.DataFrame(
        [
            ("A", "B", "finetune", 1, 0.30, -0.10),
            ("A", "B", "finetune", 10, 0.20, 0.10),
            ("B", "A", "finetune", 1, 0.10, 0.00),
            ("B", "A", "finetune", 10, 0.00, 0.20),
            ("A", "B", "mme", 1, 0.02, 0.05),
            ("A", "B", "mme", 10, 0.01, 0.15),
        ],
        columns=["source", "target", "method", "shots", "lost", "won"],
    )
    return retention_figure(retention, methods=["finetune", "mme"])


def test_a_point_per_pair_and_shots_and_the_means(retained):
    finetune, mme = retained.axes
    points = {line.get_label(): line for line in finetune.lines if line.get_alpha() is not None}
    assert points["1 shot"].get_xydata().tolist() == [[0.3, -0.1], [0.1, 0.0]]
    assert points["10 shots"].get_xydata().tolist() == [[0.2, 0.1], [0.0, 0.2]]
    (mean,) = [line for line in finetune.lines if line.get_label() == "mean over pairs"]
    assert mean.get_xydata().tolist() == [pytest.approx([0.2, -0.05]), pytest.approx([0.1, 0.15])]
    assert [axes.get_title() for axes in retained.axes] == ["fine-tuning", "MME"]
    assert finetune.get_xlim() == mme.get_xlim()


def test_colour_is_the_number_of_shots_and_nothing_else_differs(retained):
    texts = [text.get_text() for text in retained.legends[0].get_texts()]
    assert texts == ["1 shot", "10 shots", "mean over pairs"]
    points = [line for axes in retained.axes for line in axes.lines if line.get_alpha() is not None]
    assert len({line.get_color() for line in points}) == 2
    assert len({(line.get_marker(), line.get_markersize()) for line in points}) == 1


@pytest.fixture
def numbers():
    rows = [
        ("baseline", "A", "A", 0, "A", 0.9, 0.91, 1.0),
        ("baseline", "A", "B", 0, "B", 0.6, 0.50, -6.0),
        ("mme", "A", "B", 1, "A", 0.8, 0.80, 0.0),
        ("mme", "A", "B", 5, "B", 0.7, 0.71, np.nan),
    ]
    columns = ["method", "source", "target", "shots", "evaluated_on"]
    table = pd.DataFrame(rows, columns=[*columns, "published_mean", "mean", "deviation"])
    return table.assign(published_std=0.01, std=0.02, splits=4)


def test_every_number_is_a_point_on_both_sides(numbers):
    left, right = beside_published(numbers).axes
    points = np.concatenate([container[0].get_xydata() for container in left.containers])
    assert sorted(map(tuple, points)) == sorted(
        map(tuple, numbers[["published_mean", "mean"]].to_numpy(float))
    )
    assert [text.get_text() for text in right.get_yticklabels()] == [
        "baseline,\non source", "baseline,\non target", "MME,\non source", "MME,\non target",
    ]  # fmt: skip
    low, high = right.get_xlim()
    assert low < -6 and high == -low  # the largest deviation is in sight, zero in the middle


def test_both_axes_of_the_scatter_are_one(numbers):
    left = beside_published(numbers).axes[0]
    assert left.get_xlim() == left.get_ylim()
