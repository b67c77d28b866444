"""One file of a survey's archive: room for it, the file itself, its checksum, its final name."""

import logging
import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from stampshift.core.errors import ArchiveError
from stampshift.core.files import make_folder, rename_durably
from stampshift.downloads.checksums import check, record_of
from stampshift.downloads.fetch import Retries, fetch, size_at, size_of

log = logging.getLogger(__name__)


def download(
    url: str,
    output: Path,
    *,
    survey: str,
    others: Sequence[str],
    sha256: str | None,
    lock: Path,
    retries: Retries,
) -> None:
    """Download one file of a survey's archive; it is renamed to `output` only once complete and checked.

    `others` are the addresses of all files of the archive: there must be room for those that are not there
    yet, too. `sha256` is the known checksum, None to use the one first seen, which the file `lock`
    records. Raises ArchiveError if there is no room, no file, or another file than the known one; a refused
    file is kept as ``<name>.refused``.
    """
    make_folder(output.parent)
    part = output.with_name(f"{output.name}.part")
    beside = [address for address in others if address != url]
    check_space = partial(_check_space, folder=output.parent, survey=survey, others=beside)
    fetch(url, part, retries=retries, check_space=check_space)
    name, found = f"{survey}/{output.name}", record_of(part)
    part.with_name(f"{part.name}.json").unlink(missing_ok=True)
    try:
        check(name, found, known_sha256=sha256, lock=lock)
    except ArchiveError as error:
        refused = output.with_name(f"{output.name}.refused")
        rename_durably(part, refused)
        raise ArchiveError(f"{error} The download from {url} is kept as {refused}.") from error
    rename_durably(part, output)
    log.info("%s: %s bytes, SHA-256 %s", name, f"{found.size:,}", found.sha256)


def _check_space(needed: int, *, folder: Path, survey: str, others: Sequence[str]) -> None:
    """Refuse to start what cannot be finished: the rest of this file and of the others of the archive."""
    for url in others:
        path = folder / url.rpartition("/")[2]
        if not path.exists():
            part = path.with_name(f"{path.name}.part")
            needed += max(0, (size_at(url) or 0) - size_of(part))
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise ArchiveError(
            f"{survey}: {needed:,} bytes of the archive are still to be downloaded, but the disk of {folder} "
            f"has {free:,} free. Make room, or link {folder} to a larger disk, and start again."
        )
