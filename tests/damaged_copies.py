"""Copies of a file with faults in them."""

import numpy as np

ENDS_BYTES = 3000  # headers and directories are at either end of a file


def damaged(content: bytes, generator: np.random.Generator, *, only_cut: bool) -> bytes:
    """A copy cut short, doubled, or with wrong bytes anywhere or in either end, zeros, pieces swapped."""
    length = len(content)
    if only_cut or generator.random() < 0.3:
        return content[: generator.integers(length)]
    if generator.random() < 0.1:
        return content + content
    if generator.random() < 0.15:
        first, middle, last = sorted(generator.integers(length + 1, size=3))
        return content[:first] + content[middle:last] + content[first:middle] + content[last:]
    changed = bytearray(content)
    places = {
        "anywhere": (0, length),
        "first": (0, min(ENDS_BYTES, length)),
        "last": (max(0, length - ENDS_BYTES), length),
    }
    low, high = places[generator.choice(list(places))]
    if generator.random() < 0.2:
        start = generator.integers(low, high)
        stop = min(length, start + generator.integers(1, 2000))
        changed[start:stop] = bytes(stop - start)
    else:
        for place in generator.integers(low, high, size=generator.choice([1, 3, 20])):
            changed[place] = generator.integers(256)
    return bytes(changed)
