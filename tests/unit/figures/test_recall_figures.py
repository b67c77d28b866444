import numpy as np
import pandas as pd
import pytest

from stampshift.figures.recall_figures import class_recall_figure, snr_recall_figure


def test_classes_from_top_to_bottom_with_their_intervals():
    lines = [
        {"survey": survey, "label": label, "class": name, "method": method, "shots": shots}
        | {"recall": 0.5 if method == "baseline" else 0.9, "low": 0.4, "high": 0.95, "stamps": 30}
        for survey, classes in (("B", (("SN", 1), ("bogus", 0))), ("A", (("real", 1), ("bogus", 0))))
        for name, label in classes
        for method, shots in (("baseline", 0), ("mme", 5))
    ]
    figure = class_recall_figure(pd.DataFrame(lines), pair="A-to-B", methods=["mme"])
    target, source = figure.axes
    assert [text.get_text() for text in target.get_yticklabels()] == [
        "SN (real)\n30 stamps",
        "bogus\n30 stamps",
    ]
    assert source.get_yticklabels()[0].get_text() == "real\n30 stamps"
    bars = {container.get_label(): container for container in target.containers}
    assert list(bars["MME, 5 shots"][0].get_xdata()) == [0.9, 0.9]
    low, high = bars["baseline"][2][0].get_segments()[0][:, 0]
    assert (low, high) == (pytest.approx(0.4), pytest.approx(0.95))
    assert target.get_ylim() == (1.5, -0.5)


def recalls(*surveys):
    lines = [
        {"survey": survey, "label": label, "bin": number, "snr_median": median, "method": method}
        | {"shots": shots, "recall": 0.9 if method == "mme" else 0.5, "low": 0.4, "high": 0.95}
        for survey in surveys
        for label in (1, 0)
        for number, median in ((0, np.nan), (1, 5.0), (2, 80.0))
        for method, shots in (("baseline", 0), ("finetune", 5), ("mme", 5))
    ]
    return pd.DataFrame(lines)


def draw(*surveys):
    return snr_recall_figure(recalls(*surveys), pair="A-to-B", methods=["finetune", "mme"])


def test_a_row_of_panels_for_each_survey_that_has_ratios():
    assert [axes.get_title() for axes in draw("B", "A").axes] == [
        "real, on the target, B",
        "bogus, on the target, B",
        "real, on the source, A",
        "bogus, on the source, A",
    ]
    assert [axes.get_title() for axes in draw("A").axes] == [
        "real, on the source, A",
        "bogus, on the source, A",
    ]


def test_points_are_at_the_median_of_their_bin_on_a_logarithmic_axis():
    real, _ = draw("B").axes
    assert real.get_xscale() == "log"
    bars = {container.get_label(): container for container in real.containers}
    # the middle one of three models stands on the median; stamps without a positive S/N have no point
    assert list(bars["fine-tuning, 5 shots"][0].get_xdata()) == [5, 80]
    before, after = (np.array(bars[name][0].get_xdata(), float) for name in ("baseline", "MME, 5 shots"))
    assert (before < [5, 80]).all()
    assert np.sqrt(before * after) == pytest.approx([5, 80])
    assert list(bars["MME, 5 shots"][0].get_ydata()) == [0.9, 0.9]
    low, high = bars["baseline"][2][0].get_segments()[0][:, 1]
    assert (low, high) == (pytest.approx(0.4), pytest.approx(0.95))
