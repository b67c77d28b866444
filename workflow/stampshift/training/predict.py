"""Scores of a trained classifier."""

import numpy as np
import torch
from numpy.typing import NDArray

from stampshift.networks.classifier import Classifier
from stampshift.stamps.file import REAL
from stampshift.stamps.splits import Rows

# 1,000 stamps of 21 x 21: large enough to be fast, small enough to stay in cache
BATCH_PIXELS = 1000 * 21 * 21


def scoring_batch(stamps: NDArray[np.float32]) -> int:
    """Stamps to score at once, of `stamps` (N, 3, size, size)."""
    return max(1, BATCH_PIXELS // (stamps.shape[-2] * stamps.shape[-1]))


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
    batch = scoring_batch(stamps)
    with torch.inference_mode():
        for start in range(0, len(rows), batch):
            block = torch.from_numpy(stamps[rows[start : start + batch]]).to(device)
            logits = classifier(block.contiguous(memory_format=torch.channels_last))
            scores[start : start + batch] = logits.softmax(dim=1)[:, REAL].cpu().numpy()
    return scores
