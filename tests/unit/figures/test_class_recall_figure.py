import pandas as pd
import pytest

from stampshift.figures.class_recall import class_recall_figure


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
