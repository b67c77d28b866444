"""Scores of a trained classifier."""

import numpy as np
import torch
from numpy.typing import NDArray

from stampshift.networks import Classifier
from stampshift.splits import Rows
from stampshift.stamps import REAL

BATCH = 1000  # large enough to be fast, small enough to stay in cache: 10,000 is slower


def predict(
    classifier: Classifier, stamps: NDArray[np.float32], rows: Rows, *, device: torch.device
) -> NDArray[np.float32]:
    """Score P(real) of every row, float32 (n,), from the network in evaluation mode.

    Parameters
    ----------
    classifier
        Left in evaluation mode.
    stamps
        float32 (N, 3, size, size).
    rows
        int64 (n,).
    device
        Where the classifier is.
    """
    classifier.eval()
    scores = np.empty(len(rows), np.float32)
    with torch.inference_mode():
        for start in range(0, len(rows), BATCH):
            block = torch.from_numpy(stamps[rows[start : start + BATCH]]).to(device)
            logits = classifier(block.contiguous(memory_format=torch.channels_last))
            scores[start : start + BATCH] = logits.softmax(dim=1)[:, REAL].cpu().numpy()
    return scores
