"""What preprocessing met: read, kept, dropped, filled, constant."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Self

from stampshift.stamps.file import CHANNELS, LABELS

REASONS = ("non_square", "ragged", "too_small")


@dataclass
class Counts:
    """What preprocessing met. Counts by channel refer to the kept, cropped stamps.

    Attributes
    ----------
    read, kept
        Triplets.
    dropped
        Triplets by reason: ``non_square``, ``ragged`` (three sizes), ``too_small``, and, of surveys that have
        such, ``unlabelled``, ``duplicate``, or the problem of a packet, such as ``missing cutout``.
    classes_read
        Read triplets by the survey's class.
    classes, labels
        Kept triplets by the survey's class and by real or bogus.
    filled_pixels, filled_stamps, constant, empty
        By channel: invalid pixels filled, stamps with at least one, stamps whose channel is constant
        over its valid pixels, and stamps whose channel has no valid pixel.
    """

    read: int = 0
    kept: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    classes_read: Counter[str] = field(default_factory=Counter)
    classes: Counter[str] = field(default_factory=Counter)
    labels: Counter[str] = field(default_factory=Counter)
    filled_pixels: Counter[str] = field(default_factory=Counter)
    filled_stamps: Counter[str] = field(default_factory=Counter)
    constant: Counter[str] = field(default_factory=Counter)
    empty: Counter[str] = field(default_factory=Counter)

    def __iadd__(self, other: Self) -> Self:
        for name, value in vars(other).items():
            if isinstance(value, Counter):
                getattr(self, name).update(value)
            else:
                setattr(self, name, getattr(self, name) + value)
        return self

    def as_dict(self) -> dict[str, Any]:
        """Give the counts as JSON content, also those of reasons, labels and channels that count 0."""
        names: dict[str, Iterable[str]] = {
            "dropped": REASONS,
            "labels": LABELS,
            **dict.fromkeys(("filled_pixels", "filled_stamps", "constant", "empty"), CHANNELS),
        }
        return {
            name: {key: value[key] for key in dict.fromkeys([*names.get(name, ()), *sorted(value)])}
            if isinstance(value, Counter)
            else value
            for name, value in vars(self).items()
        }
