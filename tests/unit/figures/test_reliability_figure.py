import numpy as np
import pandas as pd

from stampshift.figures.reliability import reliability_diagrams
from stampshift.tables.score_tables import reliability_curves


def test_bins_of_few_stamps_are_left_out():
    scores = np.array([0.9] * 12 + [0.1] * 9)
    labels = np.array([1] * 9 + [0] * 3 + [0] * 9)
    predictions = pd.concat(
        pd.DataFrame(
            {
                "survey": survey,
                "method": "mme",
                "shots": 5,
                "label": labels,
                "score": scores,
                "scaled": scores,
            }
        )
        for survey in ("B", "A")
    )
    figure = reliability_diagrams(reliability_curves(predictions, bins=2), pair="A-to-B", methods=["mme"])
    line = {line.get_label(): line for line in figure.axes[0].lines}["MME, 5 shots"]
    np.testing.assert_allclose(line.get_xydata(), [[0.1, np.nan], [0.9, 0.75]])
    assert [axes.get_title() for axes in figure.axes] == [
        "before temperature scaling, on the target, B",
        "before temperature scaling, on the source, A",
        "after temperature scaling, on the target, B",
        "after temperature scaling, on the source, A",
    ]
    assert figure.get_suptitle() == "A to B"
