"""A private temporary folder of this process; those of killed processes are removed."""

import fcntl
import multiprocessing
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from multiprocessing.util import Finalize
from pathlib import Path

from stampshift.core.errors import WriteError

PREFIX = "stampshift-private-"
SOCKET_PATH_BYTES = 107  # of the address of a Unix socket (unix(7)), without its last, a zero
SOCKET_NAME_BYTES = len("/listener-12345678")  # what multiprocessing adds
SHORT = Path("/tmp")

_until_exit = ExitStack()
Finalize(
    None, _until_exit.close, exitpriority=-1
)  # once multiprocessing has removed its sockets (0) in there


@contextmanager
def private_folder(parent: Path) -> Iterator[Path]:
    """A folder within the block, which only this user may read.

    It is locked: whoever can lock such a folder knows that its process is gone, and removes it.
    """
    for folder in parent.glob(f"{PREFIX}*"):
        with abandoned(folder) as gone:
            if gone:
                shutil.rmtree(folder, ignore_errors=True)
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        with held(folder):
            if folder.is_dir():  # nobody has swept it in between
                try:
                    yield folder
                finally:
                    shutil.rmtree(folder, ignore_errors=True)
                return


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Keep a folder, whatever its name becomes, from being `abandoned` within the block."""
    lock = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # network file systems may not lock folders, and so nobody sweeps there
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


@contextmanager
def abandoned(folder: Path) -> Iterator[bool]:
    """Whether a folder is this user's and no process has it `held`; within the block, none can take it."""
    free = False
    with ExitStack() as stack:
        with suppress(OSError):  # in use, or gone
            if not folder.is_symlink() and folder.stat().st_uid == os.getuid():
                lock = os.open(folder, os.O_RDONLY)
                stack.callback(os.close, lock)
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                free = True
        yield free


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
