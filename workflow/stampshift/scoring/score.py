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

from stampshift import alerts
from stampshift.alerts.dialects import UNREADABLE_FILE
from stampshift.core.bars import FilesReached, job_bar
from stampshift.core.errors import ConfigError
from stampshift.core.parallel import Recovery, recovering_map
from stampshift.core.provenance import code_digest, digest, file_digest, listing_digest
from stampshift.formats.archives import passed_over
from stampshift.release.contract import CONTRACT
from stampshift.release.released import ReleasedModel
from stampshift.scoring.parts import owned_parts
from stampshift.scoring.scores_file import SEPARATOR, WRITERS
from stampshift.scoring.units import (
    Scoring,
    StampRows,
    check_stamps,
    check_survey,
    divide,
    join,
    lost,
    score_unit,
)

ROWS_PER_UNIT = 4096
SHOWN_REASONS = 3
TOO_FEW_SCORED, NONE_SCORED = 3, 4  # exit statuses


@dataclass
class ScoredNight:
    """Counts of what became of the candidates."""

    lines: int = 0  # all candidates
    scored: int = 0
    real: int = 0  # called real
    flags: Counter[str] = field(default_factory=Counter)
    reasons: list[str] = field(default_factory=list)  # the first few, of candidates without a score
    kept: int = 0  # of `lines`, those that an earlier call had scored
    passed_over: str = ""  # files of the folders that are none of alerts, counted
    seconds: float = 0.0  # of this call

    def add(self, table: pa.Table) -> None:
        """Count some lines."""
        self.lines += len(table)
        self.scored += len(table) - table["score"].null_count
        self.real += sum(filter(None, table["real"].to_pylist()))
        self.flags.update(filter(None, table["flag"].to_pylist()))
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
        text += [f"  {self.passed_over}"] if self.passed_over else []
        text += [f"  {name}: {count}" for name, count in self.flags.most_common()]
        text += [f"  {reason}" for reason in self.reasons]
        unscored = self.lines - self.scored
        if unscored > len(self.reasons):
            text.append(f"  ({unscored - len(self.reasons)} more in the column `reason`)")
        return "\n".join(text)

    def verdict(self, *, max_unscored: float) -> tuple[int, str]:
        """Exit status for a share of candidates that may go without a score, and a sentence for it."""
        unscored = self.lines - self.scored
        ungiven = sum(count for name, count in self.flags.items() if UNREADABLE_FILE in name.split(SEPARATOR))
        if not self.scored:
            return NONE_SCORED, f"exit status {NONE_SCORED}: no candidate was scored."
        if ungiven:
            return TOO_FEW_SCORED, (
                f"exit status {TOO_FEW_SCORED}: the system did not give {ungiven} files or packets; run the "
                "same command again with --overwrite."
            )
        if unscored > max_unscored * self.lines:
            return TOO_FEW_SCORED, (
                f"exit status {TOO_FEW_SCORED}: {unscored} of {self.lines} candidates have no score, more "
                f"than the share {max_unscored:g} of --max-unscored."
            )
        return 0, f"exit status 0: {self.scored} candidates scored, {unscored} flagged without a score."


def score(
    release: Path | str,
    inputs: Sequence[Path],
    *,
    output: Path,
    schemas: Path | None,
    survey: str | None,
    threshold: float | None,
    processes: int,
    unit_minutes: float,
    overwrite: bool,
    progress: bool,
) -> ScoredNight:
    """Score everything in some files and folders, in order; a second call continues where one was stopped.

    Inputs are stamps files, and files and folders of alerts (`alerts.files`), with a folder of `schemas` for
    packets that come without. The scores file, of a format of `scores_file.WRITERS`, appears whole or not at
    all, and is the same for any number of processes. Survey and threshold are those of `units.Scoring`.

    A candidate that ends the process that reads it, or keeps it at work for more than `unit_minutes`, is
    flagged; with a single process, only one that takes all memory is.

    Raises
    ------
    ArchiveError
        If an input does not exist or holds no alert.
    ConfigError
        If the scores file exists, its name says no format, or there is no folder of schemas.
    ContractError
        If the release is not whole, does not know the survey, or does not score such a stamps file.
    LockedError
        If another process writes this scores file.
    """
    if output.suffix not in WRITERS:
        raise ConfigError(
            f"{output}: expected a name that ends in {', '.join(WRITERS)}, found '{output.suffix}'."
        )
    if schemas is not None and not schemas.is_dir():
        raise ConfigError(f"{schemas}: no such folder of schemas.")
    opened = ReleasedModel.open(release)
    check_survey(survey, release=opened)
    tables = [path for path in inputs if path.is_file() and h5py.is_hdf5(path)]
    packets = [path for path in inputs if path not in tables]
    sizes = {path: check_stamps(path, release=opened) for path in tables}
    alerts.check_given(packets)
    found = alerts.files(packets) if packets else []
    files = [*found, *tables]
    scoring = Scoring(opened.folder, survey, threshold)
    units = score_units(packets, sizes, schemas=schemas)
    work, recovery = partial(score_unit, scoring=scoring), Recovery(60 * unit_minutes, divide, lost, join)
    night, begin = ScoredNight(passed_over=passed_over(inputs, files)), time.perf_counter()
    with owned_parts(output, key=_key(scoring, files, schemas), overwrite=overwrite) as parts:
        for table in parts.tables():
            night.add(table)
        night.kept, done = night.lines, parts.units
        todo = recovering_map(work, islice(units, done, None), processes=processes, recovery=recovery)
        reached, whole = FilesReached(files), 0 if packets else sum(sizes.values())
        with job_bar(desc="score", unit=" alerts", initial=night.kept, shown=progress) as bar:
            try:
                for tables in todo:
                    done += 1
                    table = pa.concat_tables(tables)
                    parts.add(table, units=done)
                    night.add(table)
                    if len(table):
                        place = table["place"][-1].as_py()
                        bar.share = night.lines / whole if whole else reached.share(place)
                    bar.update(len(table))
            finally:
                parts.flush()
        parts.join(candidates=night.lines, overwrite=overwrite)
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
    """Digest of all that decides the lines, the files by `listing_digest`."""
    model = scoring.release
    return digest(
        {
            "model": file_digest(model) if model.is_file() else (model / CONTRACT).read_text(),
            "survey": scoring.survey,
            "threshold": scoring.threshold,
            "files": [listing_digest([path]) for path in files],
            "schemas": None if schemas is None else str(schemas),
            "code": code_digest("scoring.units", "scoring.parts"),
        }
    )
