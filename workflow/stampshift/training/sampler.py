"""The batches of an epoch: drawn with replacement, classes balanced, a function of run and epoch alone."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from stampshift.methods.method import Batch, Method
from stampshift.stamps import BOGUS, REAL
from stampshift.training.data import TrainingData


def epoch_batches(
    method: Method,
    data: TrainingData,
    *,
    epoch_size: int,
    batch_size: int,
    generator: np.random.Generator,
    device: torch.device,
) -> Iterator[Batch]:
    """Batches of one epoch.

    Parameters
    ----------
    method
        Decides where labelled stamps come from and whether there are unlabelled ones.
    data
        What the training may see.
    epoch_size
        Labelled stamps per epoch; a multiple of `batch_size`.
    batch_size
        Labelled stamps per batch, shared equally among the method's origins; as many unlabelled ones.
    generator
        Stream of this run and epoch.
    device
        Where the tensors go.
    """
    sets = [data.labelled(origin) for origin in method.labelled]
    share = batch_size // len(sets)
    n_batches = epoch_size // batch_size
    picks = [
        balanced_draw(each.labels, n_batches * share, generator).reshape(n_batches, share) for each in sets
    ]
    stamps = _gather([(each.stamps, each.rows[pick]) for each, pick in zip(sets, picks, strict=True)], device)
    labels = np.concatenate([each.labels[pick] for each, pick in zip(sets, picks, strict=True)], axis=1)
    label_tensor = torch.from_numpy(labels.astype(np.int64)).to(device)
    unlabelled: Sequence[torch.Tensor | None] = [None] * n_batches
    if method.uses_unlabelled:
        if data.unlabelled is None:
            raise ValueError(f"{method.name} needs unlabelled stamps of a target")
        pool = data.unlabelled
        rows = generator.choice(pool.rows, (n_batches, batch_size))
        unlabelled = _gather([(pool.stamps, rows)], device)
    yield from map(Batch, stamps, label_tensor, unlabelled)


def balanced_draw(labels: NDArray[np.uint8], count: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """Positions in `labels`, drawn with replacement, half real and half bogus, in random order.

    An odd `count` gives the extra draw to a class at random.
    """
    n_real = count // 2 + (generator.integers(2) if count % 2 else 0)
    real = generator.choice(np.flatnonzero(labels == REAL), n_real)
    bogus = generator.choice(np.flatnonzero(labels == BOGUS), count - n_real)
    return generator.permutation(np.concatenate([real, bogus]))


def _gather(
    sources: Sequence[tuple[NDArray[np.float32], NDArray[np.int64]]], device: torch.device
) -> list[torch.Tensor]:
    """Stamps (n_batches) x (batch, 3, size, size) of rows (n_batches, share) of each source, side by side."""
    picked = [stamps[rows] for stamps, rows in sources]  # each (n_batches, share, 3, size, size)
    epoch = torch.from_numpy(picked[0] if len(picked) == 1 else np.concatenate(picked, axis=1))
    # pooling in channels_last is vectorised on a CPU: 20 times faster than in the other layout
    epoch = epoch.to(device).flatten(0, 1).contiguous(memory_format=torch.channels_last)
    return list(epoch.split(len(epoch) // len(picked[0])))
