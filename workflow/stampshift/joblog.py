"""Log files of jobs, and what a failing job prints."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stampshift.errors import StampshiftError

FORMAT = "%(asctime)s %(levelname)s %(message)s"


def log_to(path: Path | str) -> None:
    """Send this process' log to a file, to which other processes may append as well."""
    logging.basicConfig(filename=path, level=logging.INFO, format=FORMAT)
    logging.captureWarnings(capture=True)
    logging.getLogger("fontTools").setLevel(logging.WARNING)  # a hundred lines for every PDF


@contextmanager
def job_log(path: Path | str) -> Iterator[None]:
    """Log to a file; an error that the user can mend ends the process with its message alone.

    Any other error is a bug: its traceback goes to the log and to the terminal.
    """
    Path(path).write_text("")  # a rerun starts a log of its own
    log_to(path)
    try:
        yield
    except StampshiftError as error:
        logging.error("%s", error)
        sys.exit(f"{type(error).__name__}: {error}")
    except BaseException:
        logging.exception("the job failed")
        raise
