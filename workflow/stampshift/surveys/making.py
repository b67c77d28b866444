"""From a raw archive to a stamps file: units are read in order, decoded and preprocessed by worker processes.

Blocks are written in archive order whatever the number of processes, so that the same archive gives the
same bytes. Memory holds the units in flight, two per process, of which HiTS' are the largest, chunks of
35 MB whose stamps are 26 MB; what the reader keeps of the whole archive (DES: where its stamps are, 60 MB;
ATLAS and ZTF: their one pickle); and 0.3 KB for every stamp written, whose pixels go to disk.
"""

import hashlib
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from stampshift.core.bars import FilesReached, job_bar
from stampshift.core.errors import ArchiveError, ConfigError, reading_archive
from stampshift.core.parallel import recovering_map
from stampshift.core.provenance import file_digest
from stampshift.formats.archives import passed_over
from stampshift.formats.cells import MOST_CHARACTERS, decoded_name
from stampshift.stamps.file import LABELS, UNLABELLED_CLASS, Stamps
from stampshift.stamps.groups import remarks_on
from stampshift.stamps.preprocessing import Block, Preprocessing, known_class, preprocess
from stampshift.stamps.raw_triplets import RawTriplet
from stampshift.stamps.writer import stamps_writer
from stampshift.surveys import READERS
from stampshift.surveys.label_table import check_labels, label_parts
from stampshift.surveys.reader import Reader
from stampshift.surveys.tally import Tally

ENUM_BYTES = 64_000  # an HDF5 file holds no longer description of a type
LISTED_FILES = 100


def make_stamps(
    paths: Sequence[Path],
    *,
    survey: str,
    reader: str,
    options: Mapping[str, Any],
    preprocessing: Preprocessing,
    processes: int,
    unit_minutes: float,
    origin: Mapping[str, Any],
    checksums: Mapping[str, str],
    tolerated: float,
    output: Path,
) -> None:
    """Read and preprocess the raw archive of a survey into a stamps file, which appears only once complete.

    `reader` is a key of `READERS`, and `options` are those of that reader. The number of `processes` does not
    change the result. `origin` says where the archive came from, as JSON content of the file's attributes;
    `checksums` (SHA-256, by file name) are those of files that must not have changed. Single candidates that
    are damaged or incomplete are dropped, counted and named, up to a share `tolerated` of those read.

    An alert packet that ends the process that reads it, or keeps its unit at work for more than
    `unit_minutes`, is dropped and counted; with a single process, only one that takes all memory is.

    Raises an `ArchiveError` if a file of the archive is missing, damaged or not that of its checksum, more
    candidates than tolerated are unusable, or one has a class that the map does not hold; a `ContractError`
    if no stamp is left.
    """
    archive = READERS[reader](options, preprocessing.invalid)
    work = partial(_block, archive=archive, preprocessing=preprocessing)
    _check_classes([*preprocessing.classes, UNLABELLED_CLASS])
    try:
        labels = []
        if archive.label_file:
            check_labels(archive.label_file, preprocessing.classes)
            labels = label_parts(archive.label_file)
        tally = Tally(archive)
        with reading_archive():
            files = [*labels, *archive.files(paths)]
            _check_known(archive, paths, preprocessing.classes)
            raw = _checked(digest(files, threads=processes), checksums)
        left = passed_over(paths, files)
        if left:
            logging.warning("%s: %s", survey, left)
        with (
            job_bar(desc=survey, unit=" stamps") as bar,
            stamps_writer(output, survey=survey, size_pixels=preprocessing.size_pixels) as writer,
        ):
            units = _told(archive, paths, bar=bar, files=FilesReached(files))
            recovery = archive.recovery(60 * unit_minutes) if archive.recovery else None
            made_lists = recovering_map(work, units, processes=processes, recovery=recovery)
            for made in chain.from_iterable(made_lists):
                block = tally.add(made)
                known = {name: getattr(block, name) for name in ("labels", "classes", "ids", "groups")}
                writer.append(block.stamps, **known)
                writer.append_shown(block.metadata, block.context)
                bar.update(made.counts.read)
            tally.check(survey, tolerated)
            writer.describe(
                {
                    "reader": reader,
                    "options": dict(options),
                    "origin": dict(origin),
                    "raw": raw,
                    "class_map": dict(preprocessing.classes),
                    "invalid": vars(preprocessing.invalid),
                    "size_pixels": preprocessing.size_pixels,
                    "normalisation": preprocessing.normalisation,
                    **tally.attributes(),
                }
            )
        tally.warn(survey)
        for remark in remarks_on(Stamps.open(output, unlabelled=True)):
            logging.warning("%s: %s", survey, remark)
    except ArchiveError as error:
        raise ArchiveError(f"{survey}: {error}") from error


def _check_classes(classes: Iterable[str]) -> None:
    """Raise a `ConfigError` if a stamps file cannot hold the classes of a survey by name."""
    names = [name.encode("utf-8", "backslashreplace") for name in classes]
    longest = max(map(len, names), default=0)
    if longest > MOST_CHARACTERS or sum(len(name) + 10 for name in names) > ENUM_BYTES:
        raise ConfigError(
            f"`classes`: expected names of at most {MOST_CHARACTERS} characters that take "
            f"{ENUM_BYTES // 1000} kB together, found {len(names)} classes, the longest of {longest}. "
            "Shorten the names, or join classes before the stamps are made."
        )
    if any(not name or b"\0" in name for name in names):
        raise ConfigError("`classes`: expected names, found an empty one or one with a zero byte. Rename it.")


def _check_known(archive: Reader, paths: Sequence[Path], classes: Mapping[str, str]) -> None:
    """Raise an `ArchiveError` at the first class outside the map that is known before an image is read."""
    for name, place in archive.classes(paths) if archive.classes else ():
        if known_class(name, classes) not in (*classes, UNLABELLED_CLASS):
            raise ArchiveError(
                f"{place}: expected a class of the config's map ({', '.join(sorted(classes))}), found "
                f"{name!r}. Add it to the survey's `classes` as real or bogus."
            )


def _units(archive: Reader, paths: Sequence[Path]) -> Iterator[Any]:
    with reading_archive():
        yield from archive.units(paths)


def _told(archive: Reader, paths: Sequence[Path], *, bar: Any, files: FilesReached) -> Iterator[Any]:
    """Units; where they have a place the bar is told how much of the files lies before it."""
    for unit in _units(archive, paths):
        if archive.place:
            bar.share = files.share(archive.place(unit))
        yield unit


def _block(unit: Any, *, archive: Reader, preprocessing: Preprocessing) -> Block:
    with reading_archive():
        return preprocess(archive.decode(unit), preprocessing)


def digest(files: Sequence[Path], *, threads: int) -> dict[str, Any]:
    """SHA-256 and size of an archive's files, and one digest of all (about 1 s per GB and thread).

    ``sha256`` is that of the list of files, ``files`` their number, ``bytes`` their total size; an archive of
    at most 100 files has the ``list`` itself too, ``name``, ``bytes`` and ``sha256`` of each.
    """
    with ThreadPoolExecutor(threads) as pool:  # hashing leaves Python's lock to the others
        digests = pool.map(file_digest, files)
        listed: list[dict[str, Any]] = [
            {"name": decoded_name(path.name), "bytes": path.stat().st_size, "sha256": sha256}
            for path, sha256 in zip(files, digests, strict=True)
        ]
    lines = "".join(f"{entry['sha256']}  {entry['bytes']}  {entry['name']}\n" for entry in listed)
    summary = {
        "files": len(listed),
        "bytes": sum(entry["bytes"] for entry in listed),
        "sha256": hashlib.sha256(lines.encode()).hexdigest(),
    }
    return summary | ({"list": listed} if len(listed) <= LISTED_FILES else {})


def _checked(raw: dict[str, Any], checksums: Mapping[str, str]) -> dict[str, Any]:
    """The digests of an archive's files, none of which differs from its checksum."""
    for entry in raw.get("list", []):
        expected = checksums.get(entry["name"], entry["sha256"])
        if entry["sha256"] != expected:
            raise ArchiveError(
                f"{entry['name']}: expected the file that was downloaded, SHA-256 {expected}, found "
                f"{entry['sha256']}: it has changed on the disk. Delete it; the workflow downloads it again."
            )
    return raw


def first_examples(
    paths: Sequence[Path],
    *,
    survey: str,
    reader: str,
    options: Mapping[str, Any],
    preprocessing: Preprocessing,
    per_class: int,
) -> tuple[list[RawTriplet], Block]:
    """Read the first triplets of every class that preprocessing keeps; reading stops once there are enough.

    The triplets are as published, the classes of reals first, then by name, each in the order of the archive;
    the block has the same ones preprocessed. A class with fewer than `per_class` gives all it has. Raises an
    `ArchiveError` if the archive cannot be read, holds a class that the map does not, or has no triplet to
    keep.
    """
    classes = preprocessing.classes
    ordered = sorted(classes, key=lambda name: (-LABELS[classes[name]], name))
    found: dict[str, list[RawTriplet]] = {name: [] for name in ordered}
    archive = READERS[reader](options, preprocessing.invalid)
    try:
        for triplet in archive.candidates(paths):
            if not isinstance(triplet, RawTriplet):
                continue
            # `preprocess` refuses a class outside the map
            name = known_class(triplet.survey_class, classes)
            enough = len(found.get(name, ())) >= per_class
            if not enough and preprocess([triplet], preprocessing).ids:
                found[name].append(triplet)
                if all(len(examples) == per_class for examples in found.values()):
                    break
    except ArchiveError as error:
        raise ArchiveError(f"{survey}: {error}") from error
    triplets = list(chain.from_iterable(found.values()))
    if not triplets:
        raise ArchiveError(
            f"{survey}: expected square triplets of at least {preprocessing.size_pixels} pixels in "
            f"{', '.join(map(str, paths))}, found none. Name the whole archive in the config."
        )
    return triplets, preprocess(triplets, preprocessing)
