import numpy as np
import pandas as pd
import pytest

from stampshift.des_study.example_figures import label_examples, relabelled_examples
from stampshift.stamps.file import Stamps
from stampshift.stamps.writer import stamps_writer

LABELS = [1, 0, 1, 0, 1, 0, 1]


@pytest.fixture
def stamps(tmp_path):
    """Seven stamps; every pixel of a stamp is its row, but for one that gives the stretch a range."""
    images = np.zeros((7, 3, 5, 5), dtype=np.float32) + np.arange(7, dtype=np.float32)[:, None, None, None]
    with stamps_writer(tmp_path / "stamps.h5", survey="S", size_pixels=5) as writer:
        writer.append(
            images,
            labels=LABELS,
            classes=["real" if label else "artifact" for label in LABELS],
            ids=[f"c{row}" for row in range(7)],
            groups=[""] * 7,
        )
    return Stamps.open(tmp_path / "stamps.h5")


def shown(figure):
    """Rows of the stamps in the left column and in the right, from the first image of every triplet."""
    triplets = [axes for place, axes in enumerate(figure.axes) if place % 3 == 0]
    rows = [round(float(axes.images[0].get_array().mean())) if axes.images else None for axes in triplets]
    return rows[::2], rows[1::2]


def texts(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def test_examples_of_both_labels_spread_over_the_file(stamps):
    figure = label_examples(stamps, per_label=2)
    assert shown(figure) == ([0, 6], [1, 5])
    assert [text.get_text() for text in figure.texts[:2]] == ["real: 4", "bogus: 3"]
    assert texts(figure) == ["c0", "c1", "c6", "c5"]
    assert figure.get_suptitle() == "Stamps of S, 5 pixels a side"


def test_relabelled_stamps_in_both_directions(stamps):
    new = [0, 1, 1, 0, 0, 0, 0]  # rows 0, 4 and 6 to bogus, row 1 to real
    labels = pd.DataFrame({"row": range(7), "old_label": LABELS, "label": new})
    figure = relabelled_examples(stamps, labels=labels, per_change=2)
    assert shown(figure) == ([0, 6], [1, None])
    assert [text.get_text() for text in figure.texts[:2]] == ["real to bogus: 3", "bogus to real: 1"]
    assert texts(figure) == ["c0", "c1", "c6"]
