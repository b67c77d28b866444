"""Score alerts and stamps files with a released model."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path

import h5py
import pyarrow as pa
from tqdm import tqdm

from stampshift import alerts
from stampshift.core.errors import ConfigError
from stampshift.core.parallel import ordered_map
from stampshift.core.provenance import code_digest, digest
from stampshift.release.contract import CONTRACT
from stampshift.release.released import OUT_OF_DISTRIBUTION, ReleasedModel
from stampshift.scoring.scores_file import WRITERS, Parts
from stampshift.scoring.units import Scoring, StampRows, check_stamps, score_unit

ROWS_PER_UNIT = 4096
SHOWN_REASONS = 3


@dataclass
class ScoredNight:
    """Counts of what became of the candidates."""

    lines: int = 0  # all candidates
    scored: int = 0
    real: int = 0  # called real
    flags: Counter[str] = field(default_factory=Counter)
    reasons: list[str] = field(default_factory=list)  # the first few, of candidates without a score
    kept: int = 0  # of `lines`, those that an earlier call had scored
    seconds: float = 0.0  # of this call

    def add(self, table: pa.Table) -> None:
        """Count some lines."""
        self.lines += len(table)
        self.scored += len(table) - table["score"].null_count
        self.real += sum(filter(None, table["real"].to_pylist()))
        self.flags.update(filter(None, table["flags"].to_pylist()))
        if len(self.reasons) < SHOWN_REASONS:
            self.reasons += list(filter(None, table["reason"].to_pylist()))
            del self.reasons[SHOWN_REASONS:]

    def as_text(self, output: Path, *, threshold: float | None) -> str:
        """Some lines for people."""
        rate = (self.lines - self.kept) / max(self.seconds, 1e-9)
        text = [
            f"{output}: {self.lines} candidates, {self.scored} scored"
            + (f", {self.real} called real at {threshold:.4g}" if threshold is not None else "")
            + f"; {rate:.0f} per second"
            + (f", {self.kept} of them from an earlier call" if self.kept else "")
        ]
        text += [f"  {name}: {count}" for name, count in self.flags.most_common()]
        text += [f"  {reason}" for reason in self.reasons]
        unscored = sum(count for name, count in self.flags.items() if name != OUT_OF_DISTRIBUTION)
        if unscored > len(self.reasons):
            text.append(f"  ({unscored - len(self.reasons)} more in the column `reason`)")
        return "\n".join(text)


def score(
    release: Path,
    inputs: Sequence[Path],
    *,
    output: Path,
    schemas: Path | None,
    survey: str | None,
    threshold: float | None,
    processes: int,
    overwrite: bool,
    progress: bool,
) -> ScoredNight:
    """Score everything in some files and folders, in order; a second call continues where one was stopped.

    Inputs are stamps files, and files and folders of alerts (`alerts.files`), with a folder of `schemas` for
    packets that come without. The scores file, ``.parquet`` or ``.csv``, appears whole or not at all, and is
    the same for any number of processes. Survey and threshold are those of `units.Scoring`.

    Raises
    ------
    ArchiveError
        If an input does not exist or is empty.
    ConfigError
        If the scores file exists, or its name says no format.
    ContractError
        If the release is not whole, or does not score such a stamps file.
    """
    if output.suffix not in WRITERS:
        raise ConfigError(
            f"{output}: expected a name that ends in {' or '.join(WRITERS)}, found '{output.suffix}'."
        )
    if output.exists() and not overwrite:
        raise ConfigError(f"{output}: already exists; give another --output, or --overwrite.")
    opened = ReleasedModel.open(release)
    tables = [path for path in inputs if path.is_file() and h5py.is_hdf5(path)]
    packets = [path for path in inputs if path not in tables]
    sizes = {path: check_stamps(path, release=opened) for path in tables}
    files = [*(alerts.files(packets) if packets else []), *tables]
    scoring = Scoring(release, survey, threshold)
    parts = Parts(output, key=_key(scoring, files, schemas))
    units = score_units(packets, sizes, schemas=schemas)
    night, begin, done = ScoredNight(), time.perf_counter(), parts.units
    for table in parts.tables():
        night.add(table)
    night.kept = night.lines
    work = partial(score_unit, scoring=scoring)
    with tqdm(desc="score", unit=" alerts", initial=night.kept, disable=None if progress else True) as bar:
        todo = ordered_map(work, islice(units, done, None), processes=processes)
        try:
            for table in todo:
                done += 1
                parts.add(table, units=done)
                night.add(table)
                bar.update(len(table))
        finally:
            parts.flush()
    parts.join()
    night.seconds = time.perf_counter() - begin
    return night


def score_units(
    packets: Sequence[Path], sizes: Mapping[Path, int], *, schemas: Path | None
) -> Iterator[alerts.Unit | StampRows]:
    """Units of work: of files and folders of alerts, and of stamps files with their numbers of stamps."""
    if packets:
        yield from alerts.units(packets, schemas=schemas)
    for path, size in sizes.items():
        for start in range(0, size, ROWS_PER_UNIT):
            yield StampRows(path, start, min(start + ROWS_PER_UNIT, size))


def _key(scoring: Scoring, files: Sequence[Path], schemas: Path | None) -> str:
    """Digest of all that decides the lines, the files by their names, sizes and times."""
    return digest(
        {
            "model": (scoring.release / CONTRACT).read_text(),
            "survey": scoring.survey,
            "threshold": scoring.threshold,
            "files": [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files],
            "schemas": None if schemas is None else str(schemas),
            "code": code_digest("scoring.units"),
        }
    )
