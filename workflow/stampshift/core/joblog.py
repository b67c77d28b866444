"""Log files of jobs, and what a failing job prints."""

import logging
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from stampshift.core.errors import StampshiftError
from stampshift.core.files import explained

FORMAT = "%(asctime)s %(levelname)s %(message)s"


def log_to(path: Path | str) -> None:
    """Send this process' log to a file, to which other processes may append as well."""
    logging.basicConfig(filename=path, level=logging.INFO, format=FORMAT)
    logging.captureWarnings(capture=True)
    logging.getLogger("fontTools").setLevel(logging.WARNING)  # a hundred lines for every PDF


@contextmanager
def job_log(path: Path | str) -> Iterator[None]:
    """Log to a file; an error that the user can fix ends the process with its message alone.

    So does SIGTERM, after the job has removed what it had half written. Any other error is a bug: its
    traceback goes to the log and to the terminal.
    """
    before = signal.signal(signal.SIGTERM, _end)
    try:
        with explained(Path(path)):
            Path(path).write_text("")  # a rerun starts a new log
        log_to(path)
        yield
    except StampshiftError as error:
        logging.error("%s", error)
        sys.exit(f"{type(error).__name__}: {error}")
    except SystemExit as end:
        logging.error("%s", end.code)
        raise
    except BaseException:
        logging.exception("the job failed")
        raise
    finally:
        signal.signal(signal.SIGTERM, before)


def _end(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    name = signal.Signals(number).name
    sys.exit(f"stopped by {name}; no partial file remains. Run the same command again to repeat this step.")
