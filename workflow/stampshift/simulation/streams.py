"""Random streams and counts of classes: what makes an archive depend on nothing but its seed."""

from collections.abc import Mapping
from enum import IntEnum
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from stampshift.core.errors import ConfigError
from stampshift.core.files import read_yaml

TRUTH = "labels.csv"  # beside simulated packets: id and true class of each
# part of every random stream: a new number here is a new archive
SURVEY_KEYS = {"HiTS": 1, "DES": 2, "ATLAS": 3, "ZTF": 4, "DECAT": 5, "Rubin": 6}
# what a stream is for: the archive (order, objects, files, wrong labels), or one stamp (stamp, sky, record)
Purpose = IntEnum("Purpose", ["ORDER", "OBJECTS", "FILES", "STAMP", "SKY", "RECORD", "FLIPS"], start=0)


def check_survey(survey: str) -> None:
    """Raise ConfigError for a survey that cannot be simulated."""
    if survey not in SURVEY_KEYS:
        known = ", ".join(SURVEY_KEYS)
        raise ConfigError(f"simulate: survey {survey!r} cannot be simulated; expected one of {known}.")


def constants_file(survey: str) -> Path:
    """File of a survey's physical constants; it is there for each of `SURVEY_KEYS`."""
    return Path(__file__).with_name("constants") / f"{survey}.yaml"


def read_constants(survey: str, file: Path | None = None) -> dict[str, Any]:
    """A survey's physical constants, those of the package or of a file of one's own.

    Raises ConfigError for a survey that cannot be simulated, or a file that is no YAML.
    """
    check_survey(survey)
    return read_yaml(file or constants_file(survey))


def random_stream(seed: int, survey: str, purpose: Purpose, index: int) -> np.random.Generator:
    """Random generator of one purpose and index, independent of all others."""
    return np.random.default_rng((seed, SURVEY_KEYS[survey], purpose, index))


def class_counts(stamps: int, *, constants: Mapping[str, Any]) -> dict[str, int]:
    """Exact number of stamps of each class, in the proportions of the constants, summing to `stamps`.

    These are ``archive_counts``, or ``class_shares`` of a survey whose archive is not known.

    Shares are rounded by the largest remainder (Hamilton's method); a tie goes to the class named first.
    Where `stamps` suffices, every class has at least one. Raises ConfigError if `stamps` is not positive.
    """
    if stamps < 1:
        raise ConfigError(f"simulate: stamps must be at least 1, found {stamps}.")
    proportions = constants.get("archive_counts") or constants["class_shares"]
    weights = {name: int(count) for name, count in proportions.items()}
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


def expected_counts(section: Mapping[str, Any], *, constants: Path) -> Mapping[str, int]:
    """Stamps by class of the archive of a survey's section; empty if nobody knows them."""
    if not constants.exists():
        return {}
    known = yaml.safe_load(constants.read_text())
    if section["origin"] == "simulate":
        return class_counts(section["simulate"]["stamps"], constants=known)
    counts: Mapping[str, int] = known.get("archive_counts", {})
    return counts
