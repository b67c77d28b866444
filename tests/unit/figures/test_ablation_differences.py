import numpy as np
import pytest

from stampshift.figures.ablations import ablation_differences

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


def test_a_single_split_and_pair_has_no_bar(all_runs):
    one = all_runs[(all_runs["seed"] == 0) & (all_runs["source"] == "A")]
    one = one[one["target"].isin(["A", "B"]) & one["evaluated_on"].isin(["A", "B"])]
    figure = ablation_differences(one, names=NAMES, variant_names={}, reference="mme")
    for container in figure.axes[0].containers:
        assert all(np.ptp(bar[:, 0]) == 0 for bar in container.lines[2][0].get_segments())
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["1 shot", "10 shots"]
