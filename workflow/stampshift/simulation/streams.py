"""Random streams and the order of work: what makes an archive depend on nothing but its seed."""

from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np

from stampshift.core.errors import ConfigError

# part of every random stream: a new number here is a new archive
SURVEY_KEYS = {"HiTS": 1, "DES": 2, "ATLAS": 3, "ZTF": 4, "DECAT": 5, "Rubin": 6}
# what a stream is for: the archive (order, objects, files), or one stamp (stamp, its sky, its record)
PURPOSE_ORDER, PURPOSE_OBJECTS, PURPOSE_FILES, PURPOSE_STAMP, PURPOSE_SKY, PURPOSE_RECORD = range(6)
PURPOSE_FLIPS = 6  # or which labels of the archive are wrong

Item = TypeVar("Item")
Result = TypeVar("Result")


def random_stream(seed: int, survey: str, purpose: int, index: int) -> np.random.Generator:
    """Random generator of one purpose and index, independent of all others."""
    sequence = np.random.SeedSequence((seed, SURVEY_KEYS[survey], purpose, index))
    return np.random.Generator(np.random.PCG64(sequence))


def class_counts(stamps: int, *, constants: Mapping[str, Any]) -> dict[str, int]:
    """Exact number of stamps of each class, in proportion to the archive's, summing to `stamps`.

    Shares are rounded by the largest remainder (Hamilton's method); a tie goes to the class named
    first in the constants. Where `stamps` suffices, every class has at least one.

    Parameters
    ----------
    stamps
        Number of stamps of the archive to be drawn.
    constants
        The survey's constants; ``archive_counts`` maps each class to its count in the real archive.

    Returns
    -------
    dict
        Class to count, in the order of the constants.

    Raises
    ------
    ConfigError
        If `stamps` is not positive.
    """
    if stamps < 1:
        raise ConfigError(f"simulate: stamps must be at least 1, found {stamps}.")
    weights = {name: int(count) for name, count in constants["archive_counts"].items()}
    names, total = list(weights), sum(weights.values())
    # in whole numbers: floating point would break ties at random
    counts = {name: stamps * weights[name] // total for name in names}
    by_remainder = sorted(names, key=lambda name: -(stamps * weights[name] % total))
    for name in by_remainder[: stamps - sum(counts.values())]:
        counts[name] += 1
    if stamps >= len(names):
        for name in names:
            if counts[name] == 0:
                counts[max(names, key=lambda other: counts[other])] -= 1
                counts[name] = 1
    return counts


def class_order(stamps: int, *, survey: str, seed: int, constants: Mapping[str, Any]) -> list[str]:
    """Class of every stamp: the exact counts in random order."""
    counts = class_counts(stamps, constants=constants)
    ordered = [name for name, count in counts.items() for _ in range(count)]
    shuffled = random_stream(seed, survey, PURPOSE_ORDER, 0).permutation(len(ordered))
    return [ordered[position] for position in shuffled]


def blocks(total: int, size: int) -> list[range]:
    """Consecutive index ranges of at most `size` that cover ``range(total)``."""
    return [range(start, min(start + size, total)) for start in range(0, total, size)]
