"""Errors whose message is meant for the user: what was expected, what was found, what to do."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

# errors of the system; others, such as EINVAL, also come of wrong numbers in a damaged file
SYSTEM_FAULTS = {
    *(errno.EACCES, errno.EPERM, errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG),
    *(errno.EAGAIN, errno.EBUSY, errno.ENOLCK, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO),
    *(errno.ENXIO, errno.ENODEV, errno.ESTALE, errno.ETIMEDOUT, errno.ENOTCONN, errno.EHOSTDOWN),
}
LOCKED = (errno.EAGAIN, errno.ENOLCK)


class StampshiftError(Exception):
    """Base of all errors that a user can fix; the command line prints them without a traceback."""


class ConfigError(StampshiftError):
    """The configuration asks for something impossible."""


class ArchiveError(StampshiftError):
    """A raw archive is not what its survey's format says."""


class ContractError(StampshiftError):
    """A file of the project (stamps, splits, model, table) breaks its contract."""


class WriteError(StampshiftError):
    """A file cannot be written: the disk is full, or it may not be written to."""


def system_fault(error: BaseException) -> str:
    """Why the system could not read a file now, such as a missing permission; ``""`` of any other error."""
    if isinstance(error, MemoryError):
        return "too little memory"
    if not isinstance(error, OSError) or error.errno not in SYSTEM_FAULTS:
        return ""
    locked = ": another process is writing it" if error.errno in LOCKED else ""
    return f"{os.strerror(error.errno)}{locked}"


def unreadable_now(path: object, error: BaseException) -> str:
    """A sentence on a `system_fault`, which says nothing about the content of a file."""
    number = getattr(error, "errno", None)
    if number == errno.ENOENT:
        return f"{path}: no such file."
    if number == errno.EISDIR:
        return f"{path}: is a folder, where a file is expected."
    return (
        f"{path}: cannot be read now ({system_fault(error)}). Nothing says that it is damaged: keep it, "
        "remove the cause, and run the command again."
    )


@contextmanager
def reading_archive() -> Iterator[None]:
    """Turn a fault of the system that meets the file of an archive into an `ArchiveError`."""
    try:
        yield
    except OSError as error:
        if not system_fault(error) or error.filename is None:
            raise
        raise ArchiveError(unreadable_now(error.filename, error)) from error
