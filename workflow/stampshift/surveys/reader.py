"""What a reader of raw archives is."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stampshift.stamps.triplets import RawTriplet, Unusable


@dataclass(frozen=True)
class Reader:
    """How the raw archive of one survey is read.

    Attributes
    ----------
    files
        Files of the archive among files and folders, in the order in which they are read.
    units
        Work units of the archive among files and folders, in archive order: raw bytes, or where they lie, and
        what messages need.
    decode
        Raw triplets of one unit, and candidates of which none can be made.
    label_file
        Table of labels by identifier that the archive itself does not hold, None if there is none.
    repeats
        Whether a candidate may come more than once; it counts once then.
    """

    files: Callable[[Sequence[Path]], list[Path]]
    units: Callable[[Sequence[Path]], Iterator[Any]]
    decode: Callable[[Any], Iterator[RawTriplet | Unusable]]
    label_file: Path | None = None
    repeats: bool = False
