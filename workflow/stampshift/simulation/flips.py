"""Wrong labels planted in an archive in DES' format, so that a search for them has a known answer.

By cause: the archive's wrong labels are no accident, but follow from how its stamps were labelled. What was
injected into a saturated star or a bad CCD was called real whatever the stamp shows, and some dipoles were
taken for real. Three of four wrong labels that people found there are artifacts called real (5,636 of 7,402,
Ayyar et al. 2022); the fourth is here a supernova near the core of a bright galaxy, taken for a residual of
that galaxy. By chance: of all candidates alike.
"""

from collections.abc import Mapping, Sequence
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from stampshift.core.errors import ConfigError
from stampshift.core.files import atomic_path
from stampshift.simulation.streams import Purpose, random_stream
from stampshift.stamps.autoscan import PLANTED, TABLE

if TYPE_CHECKING:
    from stampshift.simulation.archive_plan import Stamp

# The largest share of the stamps of a kind whose label is wrong, in the order in which they are asked: labels
# mostly wrong would be the truth to a network; the stamps of a bad CCD are like those of any other.
MOST_WRONG = {"host": 0.25, "saturated_star": 0.25, "bad_ccd": 1.0, "dipole": 0.25}
BAD_CCDS = (2, 31, 61)  # of DECam's 62: two failed in 2012 and 2013, one has an unstable amplifier
DETECTOR_RECIPES = ("bad_column", "hot_pixel")
LEAST_SHIFT_PIXELS = 0.1  # of a misaligned star
CORE_PIXELS = 2.0
LEAST_HOST_FLUX = 3.0  # of a bright galaxy, in units of the supernova's


def likely_cause(stamp: "Stamp", *, ccd: int) -> str:
    """What would make this stamp's label wrong, a key of `MOST_WRONG`; empty where nothing would."""
    candidate, recipe = stamp.triplet.candidate, stamp.triplet.recipe
    if recipe == "saturated_star":
        return recipe
    if recipe in DETECTOR_RECIPES and ccd in BAD_CCDS:
        return "bad_ccd"
    if recipe == "dipole" and candidate.mismatch is not None:
        (source,), mismatch = candidate.static, candidate.mismatch
        shift = np.hypot(mismatch.dx, mismatch.dy)
        return recipe if source.half_light_radius == 0 and shift >= LEAST_SHIFT_PIXELS else ""
    if recipe == "supernova" and candidate.static:
        (host,), (supernova,) = candidate.static, candidate.transient
        distance = np.hypot(host.x - supernova.x, host.y - supernova.y)
        bright = host.flux >= LEAST_HOST_FLUX * supernova.flux
        return "host" if bright and distance <= CORE_PIXELS else ""
    return ""


def plant_flips(
    folder: Path,
    *,
    survey: str,
    seed: int,
    share: float,
    by: Literal["cause", "chance"],
    causes: Sequence[str],
) -> None:
    """Give a share of an archive's candidates the wrong label, and write the true ones beside the table.

    Only the table of the archive in `folder`, just simulated, is rewritten. The truth goes to
    ``planted_flips.csv``, in the columns of the public relabelled table: for every candidate its ID, its true
    OBJECT_TYPE, and as old_OBJECT_TYPE the one of the archive's table. A further column has the `causes`,
    `likely_cause` of each candidate, whether its label is wrong or right. The candidates of a larger share
    include those of a smaller one. Raises ConfigError if the share is less than half a candidate, or more
    than the causes account for.
    """
    table = folder / TABLE
    lines = table.read_text().splitlines(keepends=True)
    first = next(number for number, line in enumerate(lines) if line.startswith("ID,")) + 1
    count = len(lines) - first
    flips = round(share * count)
    if flips == 0:
        raise ConfigError(
            f"simulate {survey}: a flipped share of {share:g} of {count} candidates is less than one "
            "candidate; raise it, or simulate more stamps."
        )
    if by == "cause":
        chosen = _by_cause(causes, flips=flips, survey=survey, seed=seed)
    else:
        chosen = set(random_stream(seed, survey, Purpose.FLIPS, 0).permutation(count)[:flips].tolist())
    truth = ["ID,OBJECT_TYPE,old_OBJECT_TYPE,cause\n"]
    for row, cause in enumerate(causes):
        identifier, kind, features = lines[first + row].split(",", 2)
        given = str(1 - int(kind)) if row in chosen else kind
        lines[first + row] = ",".join((identifier, given, features))
        truth.append(f"{identifier},{kind},{given},{cause}\n")
    for path, content in ((folder / PLANTED, truth), (table, lines)):
        with atomic_path(path) as temporary:
            temporary.write_text("".join(content))


def _by_cause(causes: Sequence[str], *, flips: int, survey: str, seed: int) -> set[int]:
    """Rows of the wrong labels: of each cause as many, and what one cannot give the next ones make up for."""
    rows = {name: [row for row, cause in enumerate(causes) if cause == name] for name in MOST_WRONG}
    chosen: set[int] = set()
    for number, (name, most) in enumerate(MOST_WRONG.items()):
        asked = ceil((flips - len(chosen)) / (len(MOST_WRONG) - number))
        taken = min(asked, int(most * len(rows[name])))
        stream = random_stream(seed, survey, Purpose.FLIPS, number + 1)
        chosen.update(stream.permutation(rows[name])[:taken].tolist())
    if len(chosen) < flips:
        raise ConfigError(_too_many(rows, flips=flips, found=len(chosen), survey=survey, of=len(causes)))
    return chosen


def _too_many(rows: Mapping[str, Sequence[int]], *, flips: int, found: int, survey: str, of: int) -> str:
    listed = ", ".join(f"{len(each)} {name}" for name, each in rows.items())
    return (
        f"simulate {survey}: {flips} wrong labels are to be planted by cause, but the {of} candidates have "
        f"cause for {found} ({listed}); lower flipped, or set flipped_by to chance."
    )
