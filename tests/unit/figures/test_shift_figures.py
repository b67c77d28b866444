import numpy as np
import pandas as pd
from matplotlib.colors import to_hex

from stampshift.figures.shift_figures import ROLE_COLOURS, embedding_figure


def test_surveys_by_colour_and_labels_by_marker():
    points = pd.DataFrame(
        [
            ("baseline", 0, "B", 4, 1, 0.1, 0.2),
            ("baseline", 0, "A", 3, 1, 0.3, 0.4),
            ("baseline", 0, "A", 5, 0, 0.5, 0.6),
            ("mme", 5, "A", 5, 0, 0.7, 0.8),
        ],
        columns=["method", "shots", "survey", "row", "label", "x", "y"],
    ).assign(x_share=0.61, y_share=0.2)
    figure = embedding_figure(points, pair="A-to-B")
    reals, bogus = figure.axes[0].collections
    np.testing.assert_allclose(reals.get_offsets(), [[0.3, 0.4], [0.1, 0.2]])  # by row, not by survey
    colours = [to_hex(colour).upper() for colour in reals.get_facecolors()]
    assert colours == [ROLE_COLOURS["source"], ROLE_COLOURS["target"]]
    np.testing.assert_allclose(bogus.get_offsets(), [[0.5, 0.6]])
    assert [axes.get_title() for axes in figure.axes] == ["baseline", "MME, 5 shots"]
    assert figure.axes[0].get_xlabel() == "first component (61%)"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "source, A: real",
        "source, A: bogus",
        "target, B: real",
        "target, B: bogus",
    ]
    assert "arbitrary" in figure.legends[0].get_title().get_text()
