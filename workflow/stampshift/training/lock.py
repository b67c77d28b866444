"""One writer at a time: a job holds a lock on each run that it trains.

Two Snakemakes on one folder of results, or a job that its killed Snakemake left running, would write on the
same checkpoints. The system gives up a lock with the process that holds it, however that ends.
"""

import errno
import fcntl
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from stampshift.errors import StampshiftError
from stampshift.files import explained

NO_LOCKS_HERE = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}

log = logging.getLogger(__name__)


class LockedError(StampshiftError):
    """Another process trains the same run."""


@contextmanager
def locked(path: Path, *, name: str) -> Iterator[None]:
    """Hold the lock file `path` within the block; it is removed at the end.

    Parameters
    ----------
    path
        The lock file; its folder is made if need be.
    name
        What it locks, for the message.

    Raises
    ------
    LockedError
        If another process holds it; the message says which, where, and since when.
    """
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        taken = _taken(path, name)
    with taken as file:
        try:
            file.truncate(0)
            now = datetime.now(UTC).isoformat(" ", "seconds")
            print(f"process {os.getpid()} on {socket.gethostname()} since {now}", file=file, flush=True)
            yield
        finally:
            path.unlink(missing_ok=True)


def _taken(path: Path, name: str) -> TextIO:
    while True:
        file = path.open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            holder = file.read().strip() or "another process"
            file.close()
            raise LockedError(
                f"{name} is being trained by {holder}, which holds {path}. Wait until it has ended, or end "
                "it; then run the same command again."
            ) from error
        except OSError as error:
            if error.errno not in NO_LOCKS_HERE:
                file.close()
                raise
            log.warning("%s: this file system has no locks: see that no second job trains %s", path, name)
            return file
        if _is_still(path, file):
            return file
        file.close()  # whoever held it has just removed it


def _is_still(path: Path, file: TextIO) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False
