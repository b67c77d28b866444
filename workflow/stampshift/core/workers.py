"""Worker processes that end with this one, started by a fork server."""

import multiprocessing
import os
import signal
import threading
import traceback
from collections.abc import Callable
from multiprocessing import connection, forkserver, resource_tracker
from typing import Any

from stampshift.core.printing import log_to_terminal
from stampshift.core.temporary import give_sockets_a_folder

ENDING_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Lost(Exception):  # noqa: N818 - the message says what happened to the worker
    """A call that did not come back; `killed` if somebody or the system killed its worker."""

    def __init__(self, reason: str, *, killed: bool = False) -> None:
        super().__init__(reason)
        self.killed = killed


class Worker:
    """A worker process that calls functions; where it was killed, the next call starts another one.

    Its pipe is its own: when it is killed while it sends a large result, the pipe ends, and nobody waits for
    the rest.
    """

    _starting = threading.Lock()  # of multiprocessing's own lists

    def __init__(self, context: Any) -> None:
        self._context = context
        self._process: Any = None
        self._pipe: Any = None
        self._ended = False

    def call(self, function: Callable[[Any], Any], item: Any, seconds: float | None) -> Any:
        """Result of a function of an item; `Lost` if it takes too long or the worker is killed."""
        try:
            if self._process is None:
                self._start()
            self._pipe.send((function, item))
            if not self._pipe.poll(seconds):
                self._kill()
                raise Lost(f"it took more than {seconds:g} seconds")
            result, error = self._pipe.recv()
        except (EOFError, OSError) as end:
            raise self._killed() from end
        if error is not None:
            raise error
        return result

    def end(self) -> None:
        """End the process, whatever it is doing, for good."""
        with self._starting:
            self._ended = True
            if self._process is not None:
                self._process.kill()
                self._process.join()

    def _start(self) -> None:
        with self._starting:
            if self._ended:
                raise EOFError
            self._pipe, theirs = self._context.Pipe()
            process = self._context.Process(target=_serve, args=(theirs,), daemon=True)
            process.start()
            theirs.close()
            self._process = process
        self._pipe.recv()  # it has started: that takes none of an item's time

    def _killed(self) -> Lost:
        """End the process, and say how it ended before that, if it did."""
        status = self._kill()
        if status is None:
            return Lost("its worker process could not be started")
        if status == -signal.SIGKILL:
            reason = "its worker process was killed, most likely by the system's out-of-memory killer"
            return Lost(reason, killed=True)
        return Lost(f"its worker process ended ({signal.Signals(-status).name if status < 0 else status})")

    def _kill(self) -> int | None:
        """End the process; its exit status, None if there is no process."""
        with self._starting:
            if self._process is None:
                return None
            self._process.join(0)
            self._process.kill()
            self._process.join()
            status: int = self._process.exitcode
            self._process.close()
            self._process = None
        self._pipe.close()
        return status


def _serve(pipe: Any) -> None:
    """Call what comes by a pipe, and send back the result or the error."""
    start_worker(None)
    log_to_terminal()
    pipe.send(None)
    while True:
        try:
            function, item = pipe.recv()
        except EOFError:
            return
        answer: tuple[Any, Exception | None]
        try:
            answer = function(item), None
        except MemoryError:
            answer = None, Lost("it took more memory than there is")
        except Exception as error:
            error.add_note("".join(traceback.format_exception(error)))
            answer = None, error
        pipe.send(answer)


def fork_server(function: Callable[..., object]) -> Any:
    """Start the fork server, unless it runs, with the signals that a batch system sends to all blocked.

    If it ended, this process would consider its workers dead. They start blocked too, until `start_worker`.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([getattr(function, "func", function).__module__])  # func: of a partial
    give_sockets_a_folder()
    resource_tracker.ensure_running()  # it is started by the fork server otherwise, and ends the blocking
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING_SIGNALS)
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    return context


def start_worker(initialise: Callable[[], object] | None) -> None:
    """What every worker process does first."""
    end_with_parent()
    if initialise is not None:
        initialise()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING_SIGNALS)  # one that came before is delivered now


def end_with_parent() -> None:
    """Make this worker process end at Ctrl-C, and as soon as its parent is gone, whatever it is doing.

    A worker that outlived a killed job would train on beside the job's rerun.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_exit_after, args=(parent.sentinel,), daemon=True).start()


def _exit_after(sentinel: int) -> None:
    connection.wait([sentinel])
    os._exit(1)
