"""What `snakemake --logger stampshift` prints: one bar, the jobs that fail, and where everything else is.

Snakemake writes everything to a file below ``.snakemake/log`` anyway, and its path is printed at the end.
Where the output is no terminal a line a minute stands for the bar.
"""

import logging
import math
import os
import time
from collections import deque
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column
from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

from stampshift.core.bars import WORKFLOW_BAR
from stampshift.core.printing import printable

SECONDS_BETWEEN_LINES = 60
LINES_OF_A_LOG = 12
COMPLETE_LOG = "Complete log"
SHOWN = ("Nothing to be done", "Will exit after", "Terminating processes", "Trying to restart job")
END_OF_A_SCRIPT = "returned non-zero exit status"  # the job's own failure is reported with its log


class LogHandler(LogHandlerBase):
    """Snakemake's events as few lines on the standard error."""

    writes_to_stream = True
    writes_to_file = False
    has_filter = True
    has_formatter = True
    needs_rulegraph = False

    def __post_init__(self) -> None:
        self._console = Console(stderr=True, soft_wrap=True, markup=False, highlight=False)
        self._bar = Progress(
            MofNCompleteColumn(),
            TextColumn("steps"),
            BarColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.description}", table_column=Column(no_wrap=True)),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._start, self._last_line = time.monotonic(), -math.inf
        self._running: dict[int, str] = {}  # jobs by their number
        self._done = self._total = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Print what a record of Snakemake's says, or draw it in the bar."""
        try:
            self._show(record)
        except Exception:
            self.handleError(record)

    def close(self) -> None:
        """Remove the bar."""
        self._bar.stop()
        super().close()

    def _show(self, record: Any) -> None:
        match getattr(record, "event", None):
            case LogEvent.RUN_INFO:
                self._begin(record.stats["total"])
            case LogEvent.JOB_INFO:
                self._running[record.jobid] = " ".join([record.rule_name, *record.wildcards.values()])
                self._advance(0)
            case LogEvent.JOB_FINISHED:
                self._running.pop(record.job_id, None)
                self._advance(1)
            case LogEvent.JOB_ERROR:
                self._print_failure(self._running.pop(record.jobid, record.rule_name), record.log)
            case LogEvent.GROUP_ERROR:
                for job in record.job_error_info:
                    self._print_failure(job["rule_name"], job["log"])
            case None | LogEvent.ERROR:
                self._print_message(record.getMessage(), record.levelno)

    def _begin(self, total: int) -> None:
        self._total = total
        self._print(f"{total} steps")
        if self._console.is_terminal:
            os.environ[WORKFLOW_BAR] = "1"  # the jobs inherit it, and draw no bars into this one
        self._bar.add_task("", total=total)
        self._bar.start()

    def _advance(self, steps: int) -> None:
        self._done += steps
        running = ", ".join(self._running.values())
        for task in self._bar.task_ids:
            self._bar.update(task, completed=self._done, description=running)
        if self._bar.disable and running and time.monotonic() - self._last_line >= SECONDS_BETWEEN_LINES:
            self._last_line = time.monotonic()
            self._print(f"{self._progress()}: {running}")

    def _progress(self) -> str:
        minutes, seconds = divmod(int(time.monotonic() - self._start), 60)
        return f"{self._done} of {self._total} steps in {minutes}:{seconds:02d}"

    def _print_failure(self, job: str, logs: list[str]) -> None:
        self._print(f"\nFailed: {job}", style="bold red")
        for path in map(Path, logs):
            if path.is_file():
                with path.open(encoding="utf-8", errors="replace") as file:
                    lines = deque(file, maxlen=LINES_OF_A_LOG)
                self._print(f"its log, {path}, ends:")
                self._print("".join(f"    {printable(line.rstrip())}\n" for line in lines))
            else:
                self._print(f"its log, {path}, does not exist")

    def _print_message(self, message: str, level: int) -> None:
        if message.startswith(COMPLETE_LOG):
            self._bar.stop()
            self._print(f"{self._progress()}; Snakemake's log: {message.partition(': ')[2]}")
        elif message.startswith(SHOWN) or (level >= logging.WARNING and END_OF_A_SCRIPT not in message):
            self._print(message)

    def _print(self, text: str, *, style: str | None = None) -> None:
        self._console.print(text, style=style)
