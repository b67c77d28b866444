"""A training job that is asked to end (SIGTERM, SIGINT) saves its checkpoints, then ends.

Every process of the job watches one byte of shared memory, which any of them sets on the signal: whether a
batch system signals the job, or each of its processes, all of them stop.
"""

import ctypes
import multiprocessing
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from stampshift.core.errors import StampshiftError

# not imported from parallel: what this module imports is part of the trainings' code digest
ENDING_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class StoppedError(StampshiftError):
    """A training was asked to end; its checkpoint is kept."""


class StopRequest:
    """The byte: the number of the signal, 0 while there was none."""

    def __init__(self) -> None:
        # a plain byte without lock: a signal handler must not wait for one
        self._byte: Any = multiprocessing.get_context("forkserver").RawValue(ctypes.c_byte, 0)

    def listen(self) -> None:
        """Take the signals of this process from now on."""
        global _listening
        _listening = self
        for number in ENDING_SIGNALS:
            signal.signal(number, self._note)

    def _note(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        if number == signal.SIGINT:  # a second Ctrl-C is not waited for
            signal.signal(signal.SIGINT, signal.default_int_handler)
        self._byte.value = number

    @property
    def signal_name(self) -> str | None:
        """Name of the signal that asked for the end, None while there was none."""
        return signal.Signals(self._byte.value).name if self._byte.value else None


_listening: StopRequest | None = None


def stop_if_asked() -> None:
    """Raise a `StoppedError` if this process' job was asked to end."""
    name = _listening.signal_name if _listening is not None else None
    if name is not None:
        raise StoppedError(f"stopped by {name}")


@contextmanager
def stoppable() -> Iterator[StopRequest]:
    """Within the block signals ask this process' trainings to end, and no longer end it at once.

    Worker processes call the `listen` of what this yields.
    """
    global _listening
    before, handlers = _listening, {number: signal.getsignal(number) for number in ENDING_SIGNALS}
    request = StopRequest()
    request.listen()
    try:
        yield request
    finally:
        _listening = before
        for number, handler in handlers.items():
            signal.signal(number, handler)
