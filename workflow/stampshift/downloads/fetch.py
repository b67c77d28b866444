"""One file over HTTP(S), FTP or from a file address: resumed where it stopped, retried while bytes come.

The bytes received so far are in `<name>.part`, the server's description of the file in `<name>.part.json`. A
rerun asks for the rest on condition that the file is still the same one (RFC 9110, section 13.1.5: If-Range);
if it is not, or if the server does not support ranges, it starts from the beginning.

Not curl: between its retries curl throws away what it received, it takes an error page with status 200 for
the file, and it outlives a killed job and keeps writing beside the job's rerun.
"""

import errno
import http.client
import logging
import re
from collections.abc import Callable
from email.message import Message
from pathlib import Path
from typing import Any, NamedTuple
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from stampshift.core.bars import job_bar
from stampshift.core.errors import ArchiveError, ContractError
from stampshift.core.files import read_json, write_json

log = logging.getLogger(__name__)

CHUNK_BYTES = 1 << 20
TIMEOUT_SECONDS = 60
RANGE_REFUSED = 416
PASSING = {408, 425, 429, 500, 502, 503, 504}  # statuses after which a later try may do better
RANGE = re.compile(r"bytes (\d+)-\d+/(\d+)")
PAGE = re.compile(rb"\s*<(!doctype html|html)", re.IGNORECASE)


class Retries(NamedTuple):
    """How often and how patiently to try again."""

    without_progress: int  # tries in a row that may bring no byte
    # called with the seconds to wait before the next try: 1, 2, 4, ... after tries without progress
    wait: Callable[[float], None]


def fetch(url: str, part: Path, *, retries: Retries, check_space: Callable[[int], None]) -> None:
    """Download a whole file to `part`, going on from what is there.

    It tries again after a dropped connection, a timeout, or a status that may pass. `check_space` is called
    with the bytes still to come, before any comes, and raises if there is no room. Raises ArchiveError if the
    server refuses, answers with a web page, or no try makes progress.
    """
    failed = 0
    while True:
        before = size_of(part)
        try:
            return _go_on(url, part, check_space=check_space)
        except HTTPError as error:
            reason = f"status {error.code} {error.reason}"
            if error.code == RANGE_REFUSED:
                part.unlink(missing_ok=True)  # more has come than the file now holds
            elif error.code not in PASSING:
                raise ArchiveError(
                    f"{url}: the server answers with {reason}. Check the address in the config."
                ) from error
        except (URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
            reason = str(error) or type(error).__name__
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            raise ArchiveError(
                f"{url}: the disk of {part.parent} is full after {size_of(part):,} bytes. They are kept: "
                "make room and start again."
            ) from error
        failed = 0 if size_of(part) > before else failed + 1
        if failed >= retries.without_progress:
            raise ArchiveError(
                f"{url}: {reason}; {failed} attempts in a row received no data. The {size_of(part):,} bytes "
                "received so far are kept: start again to continue."
            )
        log.warning("%s: %s after %s bytes; trying again", url, reason, f"{size_of(part):,}")
        retries.wait(2.0 ** max(failed - 1, 0))


def size_at(url: str) -> int | None:
    """Bytes of the file at an address, None where the server does not say."""
    try:
        with urlopen(Request(url, method="HEAD"), timeout=TIMEOUT_SECONDS) as response:
            return _length(response.headers)
    except (OSError, http.client.HTTPException):
        return None


def _go_on(url: str, part: Path, *, check_space: Callable[[int], None]) -> None:
    """One try: ask for what is missing and write it as it comes."""
    state = part.with_name(f"{part.name}.json")
    known = _known(state) if part.exists() else {}
    start = size_of(part) if known.get("validator") and known.get("url") == url else 0
    if start and start == known.get("size"):
        return
    headers = {"Accept-Encoding": "identity"}
    if start:
        headers |= {"Range": f"bytes={start}-", "If-Range": known["validator"]}
    with urlopen(Request(url, headers=headers), timeout=TIMEOUT_SECONDS) as response:
        whole = _length(response.headers)
        ranged = RANGE.match(response.headers.get("Content-Range", ""))
        if start and getattr(response, "status", 200) == 206 and ranged and int(ranged[1]) == start:
            whole = int(ranged[2])
        else:
            if start:
                log.info(
                    "%s: starting from the beginning, because the file has changed or the server does not "
                    "send parts",
                    url,
                )
            start = 0
            write_json(state, {"url": url, "size": whole, "validator": _validator(response.headers)})
        check_space(max(0, (whole or 0) - start))
        _write(response, part, start=start, whole=whole, url=url)
    if whole is not None and size_of(part) != whole:
        raise ConnectionError(f"cut short at {size_of(part):,} of {whole:,} bytes")


def _write(response: Any, part: Path, *, start: int, whole: int | None, url: str) -> None:
    with (
        part.open("r+b" if start else "wb") as file,
        job_bar(desc=part.stem, total=whole, initial=start, unit="B", unit_scale=True) as bar,
    ):
        file.seek(start)
        while chunk := response.read(CHUNK_BYTES):
            if file.tell() == 0 and PAGE.match(chunk):
                raise ArchiveError(
                    f"{url}: expected the archive's file, found a web page. Open the address in a browser; "
                    "it may have moved, or require a login."
                )
            file.write(chunk)
            bar.update(len(chunk))


def _known(state: Path) -> dict[str, Any]:
    """The server's description of the file that was begun; nothing if that cannot be read."""
    try:
        return dict(read_json(state))
    except ContractError:
        return {}


def _validator(headers: Message) -> str | None:
    """A header by which the server recognises the file: its strong ETag, else the time of its last change."""
    tag = headers.get("ETag")
    return tag if tag and not tag.startswith("W/") else headers.get("Last-Modified")


def _length(headers: Message) -> int | None:
    length = headers.get("Content-Length")
    return int(length) if length is not None else None


def size_of(path: Path) -> int:
    """Bytes of a file, 0 if there is none."""
    return path.stat().st_size if path.exists() else 0
