"""One writer at a time: a job holds a lock on each run that it trains, a command on the file that it writes.

Two Snakemakes on one folder of results, or a job that its killed Snakemake left running, would write to the
same checkpoints, two calls of `stampshift score` to the same parts. The system releases a lock when the
process that holds it ends, however that ends.

SLURM starts a job that it preempted, or whose node it lost, a second time under the same number. A node that
was merely out of reach may still be at work on the first start: the second one waits for its end.
"""

import errno
import fcntl
import logging
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from stampshift.core.errors import StampshiftError
from stampshift.core.files import explained, make_folder

NO_LOCKS_HERE = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}
# for an earlier start of the same SLURM job; file systems forget a dead node's locks sooner
WAIT_MINUTES = 30

log = logging.getLogger(__name__)


class LockedError(StampshiftError):
    """Another process, the holder, trains the same run or writes the same file."""

    def __init__(self, name: str, *, activity: str, path: Path, holder: str) -> None:
        super().__init__(
            f"{name} is being {activity} by {holder}, which has locked {path}. Wait until it has ended, or "
            "end it; then run the same command again."
        )
        self.holder = holder


@contextmanager
def locked(path: Path, *, name: str, activity: str = "trained") -> Iterator[None]:
    """Hold the lock file `path` within the block; it is removed at the end.

    `name` is what it locks, and `activity` what is done with that, for messages.

    If another process holds it, raises a `LockedError` that says which, where, and since when. An earlier
    start of the same SLURM job is waited for, `WAIT_MINUTES` at most.
    """
    with explained(path):
        make_folder(path.parent)
        taken = _taken_when_free(path, name, activity)
    with taken as file:
        try:
            file.truncate(0)
            node = os.environ.get("SLURMD_NODENAME") or socket.gethostname()
            now = datetime.now(UTC).isoformat(" ", "seconds")
            print(f"process {os.getpid()} on {node} since {now}{_slurm_job()}", file=file, flush=True)
            yield
        finally:
            path.unlink(missing_ok=True)


def _slurm_job() -> str:
    """End of a holder's description, empty outside SLURM."""
    job = os.environ.get("SLURM_JOB_ID")
    return f", SLURM job {job}" if job else ""


def _taken_when_free(path: Path, name: str, activity: str) -> TextIO:
    """Take the lock as soon as no earlier start of this process' SLURM job holds it."""
    own = _slurm_job()
    deadline, waiting = time.monotonic() + 60 * WAIT_MINUTES, False
    while True:
        try:
            return _taken(path, name, activity)
        except LockedError as error:
            if not own or not error.holder.endswith(own) or time.monotonic() > deadline:
                raise
            if not waiting:
                log.warning(
                    "%s: %s, an earlier start of this job, has not ended yet. Waiting for it, at most %g "
                    "minutes.", name, error.holder, WAIT_MINUTES,
                )  # fmt: skip
            waiting = True
            time.sleep(1)


def _taken(path: Path, name: str, activity: str) -> TextIO:
    while True:
        file = path.open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            holder = file.read().strip() or "another process"
            file.close()
            raise LockedError(name, activity=activity, path=path, holder=holder) from error
        except OSError as error:
            if error.errno not in NO_LOCKS_HERE:
                file.close()
                raise
            log.warning(
                "%s: this file system does not support locks: make sure that %s is not being %s by a "
                "second job",
                path, name, activity,
            )  # fmt: skip
            return file
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return file
        file.close()  # its holder has just removed it
