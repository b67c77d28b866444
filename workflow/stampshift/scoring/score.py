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
from stampshift.release.released import OUT_OF_DISTRIBUTION, Release
from stampshift.scoring.parts import WRITERS, Parts
from stampshift.scoring.work import How, StampRows, check_stamps, score_unit

ROWS_PER_UNIT = 4096
SHOWN_REASONS = 3


@dataclass
class Told:
    """What became of the candidates.

    Attributes
    ----------
    lines, scored, real
        Numbers of candidates, of those with a score, and of those called real.
    flags
        Numbers by flag.
    reasons
        The first few, of candidates without a score.
    kept
        Of `lines`, those that an earlier call had scored.
    seconds
        Of this call.
    """

    lines: int = 0
    scored: int = 0
    real: int = 0
    flags: Counter[str] = field(default_factory=Counter)
    reasons: list[str] = field(default_factory=list)
    kept: int = 0
    seconds: float = 0.0

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
            + f"; {rate:.0f} a second"
            + (f", {self.kept} of them from an earlier call" if self.kept else "")
        ]
        text += [f"  {name}: {count}" for name, count in self.flags.most_common()]
        unscored = sum(count for name, count in self.flags.items() if name != OUT_OF_DISTRIBUTION)
        text += [f"  {reason}" for reason in self.reasons]
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
) -> Told:
    """Score everything in some files and folders, in order; a call that was stopped is gone on from.

    Parameters
    ----------
    release
        Folder of a released model.
    inputs
        Stamps files, and files and folders of alerts (`alerts.files`).
    output
        The scores file, ``.parquet`` or ``.csv``, which appears whole or not at all.
    schemas
        Folder of schemas for packets that come without.
    survey
        Name to give all candidates; None for their own.
    threshold
        Calibrated score from which a candidate is called real; None for no call.
    processes
        Worker processes; they do not change the result.
    overwrite
        Whether the scores file may be there already.
    progress
        Whether to show a progress bar, if the error stream is a terminal.

    Raises
    ------
    ArchiveError
        If an input does not exist or there is nothing in it.
    ConfigError
        If the scores file exists, or its name says no format.
    ContractError
        If the release is not whole, or a stamps file is not such as it scores.
    """
    _check_output(output, overwrite=overwrite)
    opened = Release.open(release)
    tables = [path for path in inputs if path.is_file() and h5py.is_hdf5(path)]
    packets = [path for path in inputs if path not in tables]
    sizes = {path: check_stamps(path, release=opened) for path in tables}
    files = [*(alerts.files(packets) if packets else []), *tables]
    how = How(release, survey, threshold)
    parts = Parts(output, key=_key(how, files, schemas))
    units = score_units(packets, sizes, schemas=schemas)
    told, begin, done = Told(), time.perf_counter(), parts.units
    for table in parts.tables():
        told.add(table)
    told.kept = told.lines
    work = partial(score_unit, how=how)
    with tqdm(desc="score", unit=" alerts", initial=told.kept, disable=None if progress else True) as bar:
        todo = ordered_map(work, islice(units, done, None), processes=processes)
        try:
            for table in todo:
                done += 1
                parts.add(table, units=done)
                told.add(table)
                bar.update(len(table))
        finally:
            parts.flush()
    parts.join()
    told.seconds = time.perf_counter() - begin
    return told


def score_units(
    packets: Sequence[Path], sizes: Mapping[Path, int], *, schemas: Path | None
) -> Iterator[alerts.Unit | StampRows]:
    """Units of work: of files and folders of alerts, and of stamps files with their numbers of stamps."""
    if packets:
        yield from alerts.units(packets, schemas=schemas)
    for path, size in sizes.items():
        for start in range(0, size, ROWS_PER_UNIT):
            yield StampRows(path, start, min(start + ROWS_PER_UNIT, size))


def _check_output(output: Path, *, overwrite: bool) -> None:
    if output.suffix not in WRITERS:
        raise ConfigError(
            f"{output}: expected a name that ends in {' or '.join(WRITERS)}, found '{output.suffix}'."
        )
    if output.exists() and not overwrite:
        raise ConfigError(f"{output}: is there already; give another --output, or --overwrite.")


def _key(how: How, files: Sequence[Path], schemas: Path | None) -> str:
    """Digest of all that decides the lines, the files by their names, sizes and times."""
    listed = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    return digest(
        {
            "model": (how.release / CONTRACT).read_text(),
            "survey": how.survey,
            "threshold": how.threshold,
            "files": listed,
            "schemas": None if schemas is None else str(schemas),
            "code": code_digest("scoring.work"),
        }
    )
