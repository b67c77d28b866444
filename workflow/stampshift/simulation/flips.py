"""Wrong labels in a simulated DES archive, planted: a search for mislabelled stamps has a known answer.

The archive is drawn as ever, and only its table is rewritten: no pixel and no feature knows of it.
"""

from pathlib import Path

from stampshift.core.errors import ConfigError
from stampshift.core.files import atomic_path
from stampshift.simulation.des_archive import TABLE
from stampshift.simulation.streams import PURPOSE_FLIPS, random_stream
from stampshift.stamps.autoscan import PLANTED

HEADER = "ID,OBJECT_TYPE,old_OBJECT_TYPE\n"
OTHER = {"0": "1", "1": "0"}  # real and artifact


def plant_flips(folder: Path, *, survey: str, seed: int, share: float) -> None:
    """Give a share of an archive's candidates the wrong label, and write the true ones beside the table.

    The truth goes to ``planted_flips.csv``, in the columns of the public relabelled table: a line for every
    candidate, its ID, its true OBJECT_TYPE, and as old_OBJECT_TYPE the one that the archive's table has.
    The candidates are drawn at random, both classes alike; those of a larger share include those of a
    smaller one.

    Parameters
    ----------
    folder
        An archive in DES' format that `simulate_survey` has just drawn.
    survey, seed
        Its identity: which candidates are flipped depends on these alone.
    share
        Of the candidates, rounded to whole ones.

    Raises
    ------
    ConfigError
        If the share is less than half a candidate.
    """
    table = folder / TABLE
    lines = table.read_text().splitlines(keepends=True)
    first = next(number for number, line in enumerate(lines) if line.startswith("ID,")) + 1
    count = len(lines) - first
    flips = round(share * count)
    if flips == 0:
        raise ConfigError(
            f"simulate {survey}: a flipped share of {share:g} is not one of {count} candidates; raise it, or "
            "draw more stamps."
        )
    chosen = random_stream(seed, survey, PURPOSE_FLIPS, 0).permutation(count)[:flips]
    truth = [line.split(",", 2)[:2] for line in lines[first:]]
    for row in chosen:
        identifier, kind, features = lines[first + row].split(",", 2)
        lines[first + row] = ",".join((identifier, OTHER[kind], features))
    given = [line.split(",", 2)[1] for line in lines[first:]]
    with atomic_path(folder / PLANTED) as temporary:
        pairs = zip(truth, given, strict=True)
        temporary.write_text(HEADER + "".join(f"{name},{kind},{old}\n" for (name, kind), old in pairs))
    with atomic_path(table) as temporary:
        temporary.write_text("".join(lines))
