"""A private temporary folder of this process; those of killed processes are removed."""

import atexit
import fcntl
import multiprocessing
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from stampshift.core.errors import WriteError

PREFIX = "stampshift-private-"
SOCKET_PATH_BYTES = 107  # of the address of a Unix socket (unix(7)), without its last, a zero
SOCKET_NAME_BYTES = len("/listener-12345678")  # what multiprocessing adds
SHORT = Path("/tmp")

_until_exit = ExitStack()
atexit.register(_until_exit.close)


@contextmanager
def private_folder(parent: Path) -> Iterator[Path]:
    """A folder within the block, which only this user may read.

    It is locked: whoever can lock such a folder knows that its process is gone, and removes it.
    """
    _sweep(parent)
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        lock = os.open(folder, os.O_RDONLY)
        with suppress(OSError):  # network file systems may not lock folders, and so nobody sweeps there
            fcntl.flock(lock, fcntl.LOCK_EX)
        if folder.is_dir():  # nobody has swept it in between
            break
        os.close(lock)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _sweep(parent: Path) -> None:
    """Remove the folders of processes that are gone."""
    for folder in parent.glob(f"{PREFIX}*"):
        with suppress(OSError):  # in use, another user's, or gone
            if folder.is_symlink() or folder.stat().st_uid != os.getuid():
                continue
            lock = os.open(folder, os.O_RDONLY)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(lock)


def give_sockets_a_folder() -> None:
    """Give the sockets of this process' workers a folder, until it exits, whose path is short enough.

    A `WriteError` if there is none.
    """
    config = multiprocessing.current_process()._config  # type: ignore[attr-defined]
    if "tempdir" in config:  # that of multiprocessing
        return
    try:
        named = Path(tempfile.gettempdir())
        longest = SOCKET_PATH_BYTES - SOCKET_NAME_BYTES - len(f"/{PREFIX}12345678")
        parent = named if len(os.fsencode(named)) <= longest else SHORT
        config["tempdir"] = str(_until_exit.enter_context(private_folder(parent)))
    except OSError as error:
        raise WriteError(
            f"a temporary folder for worker processes cannot be made ({error}). Set the environment variable "
            f"TMPDIR to a folder that you may write to, with at most {SOCKET_PATH_BYTES // 2} characters."
        ) from error
