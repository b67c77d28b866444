"""From a raw archive to a stamps file: units are read in order, decoded and preprocessed by worker processes.

Blocks are written in archive order whatever the number of processes, so that the same archive gives the
same bytes. Memory holds the units in flight, two per process, of which HiTS' are the largest, chunks of
35 MB whose stamps are 26 MB; what the reader keeps of the whole archive (DES: where its stamps lie, 230 MB;
ATLAS and ZTF: their one pickle); and 0.3 KB for every stamp written, whose pixels are spooled to disk.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from tqdm import tqdm

from stampshift.core.errors import ArchiveError
from stampshift.core.parallel import ordered_map
from stampshift.stamps.file import stamps_writer
from stampshift.stamps.preprocessing import Block, InvalidPixels, preprocess
from stampshift.surveys import READERS
from stampshift.surveys.labels import check_labels
from stampshift.surveys.tally import Tally

LISTED_FILES = 100


def make_stamps(
    paths: Sequence[Path],
    *,
    survey: str,
    reader: str,
    options: Mapping[str, Any],
    classes: Mapping[str, str],
    invalid: InvalidPixels,
    size_pixels: int,
    normalisation: str,
    unlabelled: str,
    processes: int,
    origin: Mapping[str, Any],
    checksums: Mapping[str, str],
    output: Path,
    progress: bool,
) -> None:
    """Read and preprocess the raw archive of a survey into a stamps file.

    Parameters
    ----------
    paths
        Files and folders of the archive.
    survey
        Name of the survey.
    reader
        Key of `surveys.READERS`: the format of the archive.
    options
        Of that reader; those of the published surveys have none.
    classes
        Map of each of the survey's classes to ``"real"`` or ``"bogus"``.
    invalid
        The survey's marks of invalid pixels.
    size_pixels
        Side of the stamps.
    normalisation
        Key of `preprocess.NORMALISATIONS`.
    unlabelled
        ``"keep"`` or ``"drop"``: what becomes of triplets that nobody has labelled.
    processes
        Number of worker processes; 1 works in this process. It does not change the result.
    origin
        Where the archive came from, kept in the file's attributes (JSON content).
    checksums
        SHA-256, by file name, of those of the archive's files that must not have changed.
    output
        The stamps file, which appears whole or not at all.
    progress
        Whether to show a progress bar, if the error stream is a terminal.

    Raises
    ------
    ArchiveError
        If a file of the archive is missing, cut short, corrupt or of another format, a candidate has no
        label or a class that the map does not hold, or a file is not the one of its checksum.
    WorkerError
        If a worker process was killed.
    ContractError
        If no stamp is left.
    """
    archive = READERS[reader](options, invalid)
    work = partial(
        _block,
        reader=reader,
        options=dict(options),
        size_pixels=size_pixels,
        normalisation=normalisation,
        invalid=invalid,
        classes=dict(classes),
        unlabelled=unlabelled,
    )
    bar = tqdm(desc=survey, unit=" stamps", disable=None if progress else True)
    try:
        if archive.label_file is not None:
            check_labels(archive.label_file, classes)
        tally = Tally(archive.label_file, repeats=archive.repeats)
        raw = _checked(digest(archive.files(paths), threads=processes), checksums)
        with bar, stamps_writer(output, survey=survey, size_pixels=size_pixels) as writer:
            for made in ordered_map(work, archive.units(paths), processes=processes):
                block = tally.add(made)
                writer.append(
                    block.stamps,
                    labels=block.labels,
                    classes=block.classes,
                    ids=block.ids,
                    groups=block.groups,
                )
                bar.update(made.counts.read)
            writer.describe(
                {
                    "reader": reader,
                    "options": dict(options),
                    "origin": dict(origin),
                    "raw": raw,
                    "class_map": dict(classes),
                    "invalid": vars(invalid),
                    "size_pixels": size_pixels,
                    "normalisation": normalisation,
                    **tally.attributes(),
                }
            )
        tally.warn(survey)
    except ArchiveError as error:
        raise ArchiveError(f"{survey}: {error}") from error


def digest(files: Iterable[Path], *, threads: int) -> dict[str, Any]:
    """SHA-256 and size of an archive's files, and one digest of all (about 1 s per GB and thread).

    Parameters
    ----------
    files
        The files, each of which one of the threads reads.
    threads
        How many are read at once; hashing leaves Python's lock to the others.

    Returns
    -------
    dict
        ``sha256`` of the list of files, their number ``files`` and total ``bytes``; and, of an archive
        of at most 100 files, the list itself: ``name``, ``bytes`` and ``sha256`` of each.
    """
    with ThreadPoolExecutor(threads) as pool:
        listed = list(pool.map(_listed, files))
    lines = "".join(f"{entry['sha256']}  {entry['bytes']}  {entry['name']}\n" for entry in listed)
    summary: dict[str, Any] = {
        "files": len(listed),
        "bytes": sum(entry["bytes"] for entry in listed),
        "sha256": hashlib.sha256(lines.encode()).hexdigest(),
    }
    return summary | ({"list": listed} if len(listed) <= LISTED_FILES else {})


def _listed(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return {"name": path.name, "bytes": path.stat().st_size, "sha256": sha256}


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


def _block(
    unit: Any, *, reader: str, options: Mapping[str, Any], invalid: InvalidPixels, **rules: Any
) -> Block:
    return preprocess(READERS[reader](options, invalid).decode(unit), invalid=invalid, **rules)
