import numpy as np
import pandas as pd
import pytest

from fake_study import MODELS, judged
from stampshift.des_study.first_step import retested
from stampshift.des_study.label_figures import causes_figure, new_survey_figure, review_figure
from stampshift.des_study.learning_figures import network_learning_curves
from stampshift.des_study.new_survey import cutoff_curves
from stampshift.des_study.part_figures import (
    confusion_matrices,
    detection_figure,
    retested_figure,
    score_panels,
)
from stampshift.des_study.performance import confusion_shares, curves, performance
from stampshift.des_study.search_success import review_queue, search_success
from stampshift.figures.style import MODEL_COLOURS
from stampshift.metrics.intervals import Bootstrap
from stampshift.tables.score_tables import score_histograms

LABELS = np.tile(np.array([1, 0], dtype=np.uint8), 100)
POINTS = pd.DataFrame({"mdr": [0.03, 0.05], "fpr": [0.038, 0.016]})


def predictions(models):
    parts = [
        judged(model, LABELS, truth=LABELS, rows=np.arange(200), survey="A").assign(
            method=model, shots=0, seed=0
        )
        for model in models
    ]
    pooled = pd.concat(parts, ignore_index=True)
    pooled["method"] = pd.Categorical(pooled["method"], categories=models, ordered=True)
    return pooled


@pytest.fixture(scope="module")
def numbers():
    bootstrap = Bootstrap(samples=100, confidence=0.9, seed=0)
    return performance(predictions(MODELS), mdr=0.05, bootstrap=bootstrap)


def drawn(numbers, **options):
    return detection_figure(curves(predictions(MODELS)), numbers, mdr=0.05, part="first", **options)


def test_detection_curves_of_every_model_and_their_operating_points(numbers):
    figure = drawn(numbers, published=None)
    rates, _, roc, points = figure.axes[:4]
    lines = {line.get_label(): line for line in rates.lines}
    assert {"network 1", "network 2", "random forest"} <= set(lines)
    assert lines["random forest"].get_linestyle() == "--"
    mdr, fpr = lines["network 1"].get_data()
    assert list(roc.lines[0].get_ydata()) == pytest.approx(list(1 - mdr))
    # the curve of common stamps passes their operating point
    common = numbers[(numbers["model"] == "network_1") & (numbers["stamps"] == "common")].iloc[0]
    # (at the next of its false-positive rates, which are 0.01 apart here)
    assert common["fpr_at_mdr"] <= min(fpr[mdr <= 0.05 + 1e-9]) < common["fpr_at_mdr"] + 0.01
    names = [text.get_text() for text in points.get_yticklabels()]
    assert names == ["random forest", "network 2", "network 1"]  # upwards
    bar, dot = points.lines[4], points.lines[5]
    assert list(bar.get_xdata()) == [common["low"], common["high"]]
    assert dot.get_xdata()[0] == common["fpr_at_mdr"]
    assert figure.get_suptitle() == "DES study, first part"


def test_published_points_are_marked_as_such_and_only_where_given(numbers):
    figure = drawn(numbers, published=POINTS)
    (stars,) = [line for line in figure.axes[0].lines if line.get_label() == "published forest"]
    assert list(stars.get_xdata()) == [0.03, 0.05]
    assert list(stars.get_ydata()) == [0.038, 0.016]
    assert figure.get_suptitle() == "DES study, first part"
    texts = [text.get_text() for text in drawn(numbers, published=None).legends[0].get_texts()]
    assert texts == ["network 1", "network 2", "random forest", "MDR 0.05"]


def test_every_model_of_the_configuration_has_its_own_colour():
    networks = [f"network_{number}" for number in range(1, 5)]
    colours = [MODEL_COLOURS[model] for model in (*networks, "forest", "forest_of_stamps")]
    assert len(set(colours)) == 6


def test_scores_have_a_panel_per_model():
    figure = score_panels(score_histograms(predictions(MODELS), bins=10), title="DES study", cutoff=None)
    visible = [axes for axes in figure.axes if axes.get_visible()]
    assert [axes.get_title() for axes in visible] == ["network 1", "network 2", "random forest"]
    assert {axes.get_yscale() for axes in visible} == {"log"}
    assert len({axes.get_ylim() for axes in visible}) == 1
    stairs = {patch.get_label(): patch for patch in visible[0].patches}
    assert sum(np.maximum(stairs["real"].get_data().values - 1e-6, 0)) == pytest.approx(100, abs=1e-3)


def test_a_cutoff_of_the_scores_is_drawn_and_named_in_every_panel():
    histograms = score_histograms(predictions(("before", "after")), bins=10)
    figure = score_panels(histograms, title="B", cutoff=0.3)
    for axes in figure.axes:
        assert {line.get_xdata()[0] for line in axes.lines} == {0.3, 0.5}
    assert "cutoff 0.3" in [text.get_text() for text in figure.legends[0].get_texts()]


def test_the_axes_of_the_paper_next_to_the_logarithmic_ones(numbers):
    rates, authors = drawn(numbers, published=POINTS).axes[:2]
    assert (rates.get_xscale(), authors.get_xscale()) == ("log", "linear")
    assert (authors.get_xlim(), authors.get_ylim()) == ((0, 0.1), (0, 0.05))
    for axes in (rates, authors):
        curve, stars = axes.lines[0], axes.lines[-1]
        assert len(curve.get_xdata()) > 100
        assert list(stars.get_ydata()) == [0.038, 0.016]


def test_old_and_corrected_labels_side_by_side():
    same = curves(predictions(MODELS))
    other = same.assign(fpr=same["fpr"] / 2)
    figure = retested_figure(retested(same, other), mdr=0.05)
    old, corrected, old_linear, corrected_linear = figure.axes
    assert [axes.get_title() for axes in figure.axes[:2]] == [
        "tested on old labels",
        "tested on corrected labels",
    ]
    for axes in (old_linear, corrected_linear):
        assert (axes.get_xlim(), axes.get_ylim()) == ((0, 0.1), (0, 0.05))
    for left, right in ((old, corrected), (old_linear, corrected_linear)):
        halved = right.lines[0].get_ydata()
        assert list(halved) == pytest.approx(list(left.lines[0].get_ydata() / 2))


def test_confusion_matrices_have_labels_as_rows(numbers):
    figure = confusion_matrices(confusion_shares(numbers, stamps="own"), part="second")
    axes = figure.axes[0]
    assert (axes.get_ylabel(), axes.get_xlabel()) == ("label", "called")
    texts = {text.get_position(): text.get_text() for text in axes.texts}
    row = numbers.iloc[0]
    assert texts[(1, 0)] == f"{100 * row['fn'] / row['n_real']:.1f}%\n{row['fn']}"
    assert texts[(0, 1)] == f"{100 * row['fp'] / row['n_bogus']:.1f}%\n{row['fp']}"


HISTORY = pd.DataFrame(
    {
        "epoch": [1, 2, 3],
        "train_loss": [0.7, 0.5, 0.3],
        "train_accuracy": [0.6, 0.8, 0.95],
        "validation_loss": [0.6, 0.4, 0.5],
        "validation_accuracy": [0.7, 0.92, 0.9],
        "validation_balanced_accuracy": [0.65, 0.9, 0.85],
        "kept": [False, True, False],
    }
)


def test_learning_curves_show_the_training_beside_the_validation_and_plain_beside_balanced_accuracy():
    """As Fig. 10 of the paper, which has accuracy and loss of both."""
    figure = network_learning_curves({"network_1": HISTORY, "network_4": HISTORY}, title="DES study")
    loss, accuracy, balanced = figure.axes
    assert [axes.get_ylabel() for axes in figure.axes] == ["cross-entropy", "accuracy", "balanced accuracy"]
    for axes, name in ((loss, "loss"), (accuracy, "accuracy")):
        training, validation, *_ = axes.lines
        assert list(training.get_ydata()) == list(HISTORY[f"train_{name}"])
        assert list(validation.get_ydata()) == list(HISTORY[f"validation_{name}"])
        assert (training.get_linestyle(), validation.get_linestyle()) == ("-", ":")
    assert list(balanced.lines[0].get_ydata()) == [0.65, 0.9, 0.85]
    assert accuracy.get_ylim() == balanced.get_ylim()
    assert len(figure.legends[0].get_texts()) == 2 + 3


def test_learning_curves_mark_the_kept_epoch():
    *_, balanced = network_learning_curves({"network_1": HISTORY}, title="DES study").axes
    assert [line.get_xdata()[0] for line in balanced.lines if line.get_marker() == "o"] == [2]


def test_the_review_next_to_the_best_and_a_random_one():
    labels = pd.DataFrame(
        {"row": range(10), "old_label": [0, 1] * 5, "label": 0, "true_label": [1, 1] + [0, 1] * 4}
    ).assign(cause="")
    queue = review_queue(pd.DataFrame({"row": [3, 0, 2]}), labels=labels)
    found, precision = review_figure(queue).axes
    best, random, review, end = found.lines
    assert [list(best.get_xdata()), list(best.get_ydata())] == [[0, 1, 3], [0, 1, 1]]  # one flip
    assert list(random.get_ydata()) == [0, 0.3]  # three of ten stamps
    assert list(review.get_ydata()) == [0, 0, 1, 1]
    assert end.get_xdata()[0] == 3
    assert list(precision.lines[0].get_ydata()) == pytest.approx([0, 1 / 2, 1 / 3])
    assert precision.lines[1].get_ydata()[0] == 0.1


def test_the_search_by_cause():
    labels = pd.DataFrame(
        {"row": range(6), "old_label": [1, 1, 1, 0, 0, 0], "label": 0, "true_label": [0, 0, 1, 0, 1, 0]}
    ).assign(cause=["dipole", "dipole", "", "dipole", "host", ""])
    numbers = search_success(pd.DataFrame({"row": [0, 2]}), labels=labels)
    precision, recall = causes_figure(numbers).axes
    assert [text.get_text() for text in precision.get_yticklabels()] == [
        "all",
        "labelled bogus (category 1)",
        "labelled real (category 6)",
        "dipoles of misaligned stars, called real",
        "reals on a bright galaxy's core, called bogus",
        "without a cause",
    ]
    (points,) = (line for line in recall.lines if line.get_marker() == "o")
    assert list(points.get_xdata()[:5]) == pytest.approx([1 / 3, 0, 1 / 2, 1 / 2, 0])
    assert [text.get_text() for text in precision.texts] == ["1/2", "0/0", "1/2", "1/1", "0/0", "0/1"]


def test_the_new_survey_before_and_after():
    table = predictions(("before", "after"))
    figure = new_survey_figure(curves(table), cutoff_curves(table), survey="B")
    detection, rates, clean = figure.axes
    curve = [line for line in detection.lines if line.get_marker() != "o"]
    assert [line.get_linestyle() for line in curve] == ["--", "-"]
    assert rates.lines[-1].get_xdata()[0] == 0.3
    assert clean.lines[2].get_ydata()[0] == pytest.approx(0.5, abs=0.01)  # all pass: the share of reals
    assert figure.get_suptitle() == "B, labelled by votes"


def test_every_panel_of_the_new_survey_has_a_dot_at_the_published_cutoff():
    table = predictions(("before", "after"))
    cutoffs = cutoff_curves(table)
    figure = new_survey_figure(curves(table), cutoffs, survey="B")
    at = cutoffs[np.isclose(cutoffs["cutoff"], 0.3)].set_index("model")
    dots = [
        {(line.get_xdata()[0], line.get_ydata()[0]) for line in axes.lines if line.get_marker() == "o"}
        for axes in figure.axes
    ]
    assert dots[0] == set(zip(at["mdr"], at["fpr"], strict=True))
    assert dots[1] == {(0.3, rate) for rate in (*at["mdr"], *at["fpr"])}
    assert dots[2] == set(zip(at["mdr"], at["cleanliness"], strict=True))
