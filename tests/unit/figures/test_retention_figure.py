import pandas as pd
import pytest

from stampshift.figures.retention import retention_figure


@pytest.fixture
def figure():
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
    return retention_figure(retention, surveys=["A", "B"], methods=["finetune", "mme"])


def test_a_point_per_pair_and_shots_and_the_means(figure):
    finetune, mme = figure.axes
    points = [line.get_xydata()[0].tolist() for line in finetune.lines if line.get_alpha() is not None]
    assert points == [[0.3, -0.1], [0.2, 0.1], [0.1, 0.0], [0.0, 0.2]]
    (mean,) = [line for line in finetune.lines if line.get_label() == "mean over pairs"]
    assert mean.get_xydata().tolist() == [pytest.approx([0.2, -0.05]), pytest.approx([0.1, 0.15])]
    assert [axes.get_title() for axes in figure.axes] == ["fine-tuning", "MME"]
    assert finetune.get_xlim() == mme.get_xlim()


def test_the_legend_has_a_column_of_sources_of_targets_and_of_shots(figure):
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts == ["from A", "from B", " ", "to A", "to B", " ", "1 shot", "10 shots", "mean over pairs"]
