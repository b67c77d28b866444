"""Log files of jobs, what a failing job prints, and how a signal ends a job or a command."""

import logging
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from stampshift.core.errors import StampshiftError
from stampshift.core.files import explained
from stampshift.core.printing import PrintableFormatter, printable

FORMAT = "%(asctime)s %(levelname)s %(message)s"
COMMAND_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # Ctrl-C, a batch system, a lost terminal
SIGNAL_STATUS = 128  # and the signal's number: what shells report of a process that a signal ended


class Stopped(SystemExit):
    """A signal asked this process to end."""

    def __init__(self, number: int) -> None:
        super().__init__(
            f"stopped by {signal.Signals(number).name}; no partial file remains. Run the same command again "
            "to repeat this step."
        )
        self.status = SIGNAL_STATUS + number


def log_to(path: Path | str) -> None:
    """Send this process' log to a file, to which other processes may append as well."""
    handler = logging.FileHandler(path, delay=True)
    handler.setFormatter(PrintableFormatter(FORMAT))
    logging.basicConfig(handlers=[handler], level=logging.INFO)
    logging.captureWarnings(capture=True)
    logging.getLogger("fontTools").setLevel(logging.WARNING)  # a hundred lines for every PDF


@contextmanager
def job_log(path: Path | str) -> Iterator[None]:
    """Log to a file; an error that the user can fix ends the process with its message alone.

    So does SIGTERM, after the job has removed what it had half written. Any other error is a bug: its
    traceback goes to the log and to the terminal.
    """
    with raising(signal.SIGTERM):
        try:
            with explained(Path(path)):
                Path(path).write_text("")  # a rerun starts a new log
            log_to(path)
            yield
        except StampshiftError as error:
            logging.error("%s", error)
            sys.exit(printable(f"{type(error).__name__}: {error}", keep="\n\t"))
        except SystemExit as end:
            logging.error("%s", end.code)
            raise
        except BaseException:
            logging.exception("the job failed")
            raise


@contextmanager
def raising(*numbers: signal.Signals) -> Iterator[None]:
    """Let the first of these signals raise `Stopped` within the block, so that whatever is open is closed.

    A second SIGTERM, which batch systems send, does not disturb that; a second Ctrl-C does. What this process
    was started to ignore (`nohup`) stays ignored.
    """
    before = {number: signal.getsignal(number) for number in numbers}

    def stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        for each in set(numbers) - {signal.SIGINT}:
            signal.signal(each, signal.SIG_IGN)
        if signal.SIGINT in numbers:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        raise Stopped(number)

    try:
        for number in numbers:
            if before[number] != signal.SIG_IGN:
                signal.signal(number, stop)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@dataclass
class Request:
    """Whether a signal asked this process to end."""

    signal_name: str = ""  # "" while there was none


@contextmanager
def noting(*numbers: signal.Signals) -> Iterator[Request]:
    """Let the first of these signals be noted within the block, for work that ends at a point of its own.

    A second SIGTERM changes nothing; a second Ctrl-C does what it did before the block. What is ignored stays
    ignored.
    """
    before, request = {number: signal.getsignal(number) for number in numbers}, Request()

    def note(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        request.signal_name = request.signal_name or signal.Signals(number).name
        if signal.SIGINT in before:
            signal.signal(signal.SIGINT, before[signal.SIGINT])

    try:
        for number in numbers:
            if before[number] != signal.SIG_IGN:
                signal.signal(number, note)
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
