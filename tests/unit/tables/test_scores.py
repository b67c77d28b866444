import pandas as pd

from stampshift.tables.scores import score_histograms


def test_counts_are_means_per_split_by_label():
    predictions = pd.DataFrame(
        {
            "survey": "B",
            "method": "mme",
            "shots": 5,
            "seed": [0, 0, 0, 1, 1],
            "label": [1, 1, 0, 1, 0],
            "score": [0.0, 1.0, 0.5, 0.9, 0.49],
        }
    )
    histograms = score_histograms(predictions, bins=2)
    columns = ["label", "low", "high", "count", "splits"]
    assert histograms[columns].to_numpy().tolist() == [
        [0, 0.0, 0.5, 0.5, 2],  # 0.49
        [0, 0.5, 1.0, 0.5, 2],  # 0.5: an edge counts above it
        [1, 0.0, 0.5, 0.5, 2],
        [1, 0.5, 1.0, 1.0, 2],  # 0.9 and 1, the last bin's upper edge
    ]
