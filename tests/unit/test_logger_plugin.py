"""What `snakemake --logger stampshift` prints, from records such as Snakemake's."""

import io
import logging
import sys
import time
from types import SimpleNamespace

import pytest
from snakemake_interface_logger_plugins.common import LogEvent

from snakemake_logger_plugin_stampshift import LogHandler
from stampshift.core.bars import WORKFLOW_BAR, HiddenBar, job_bar

ENDED = "CalledProcessError in file train.smk:\nCommand 'python x' returned non-zero exit status 1."


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch):
    now = SimpleNamespace(seconds=0.0)
    monkeypatch.setattr(time, "monotonic", lambda: now.seconds)
    return now


@pytest.fixture
def handler(monkeypatch, clock):
    """A handler that writes to a stream."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv(WORKFLOW_BAR, "")

    def made(stream):
        monkeypatch.setattr(sys, "stderr", stream)
        return LogHandler(SimpleNamespace(), None)

    return made


def tell(handler, message="", *, level=logging.INFO, **fields):
    handler.handle(logging.makeLogRecord({"msg": message, "levelno": level, **fields}))


def begin(handler, total=3):
    tell(handler, "Building DAG of jobs...")
    tell(handler, "Job stats: ...", event=LogEvent.RUN_INFO, stats={"adapt": total, "total": total})


def start(handler, number, target):
    wildcards = {"method": "mme", "source": "HiTS", "target": target}
    tell(handler, event=LogEvent.JOB_INFO, jobid=number, rule_name="adapt", wildcards=wildcards)


def test_without_a_terminal_there_is_a_line_a_minute(handler, clock):
    stream = io.StringIO()
    shown = handler(stream)
    begin(shown)
    for number, (second, target) in enumerate([(1, "DES"), (30, "ATLAS"), (95, "ZTF")]):
        clock.seconds = second
        start(shown, number, target)
        tell(shown, f"Finished jobid: {number}", event=LogEvent.JOB_FINISHED, job_id=number)
        tell(shown, event=LogEvent.PROGRESS, done=number + 1, total=3)
    tell(shown, "Complete log(s): /somewhere/.snakemake/log/1.log")
    shown.close()
    assert stream.getvalue().splitlines() == [
        "3 steps",
        "0 of 3 steps in 0:01: adapt mme HiTS DES",
        "2 of 3 steps in 1:35: adapt mme HiTS ZTF",
        "3 of 3 steps in 1:35; Snakemake's log: /somewhere/.snakemake/log/1.log",
    ]


def test_a_failed_job_is_named_with_the_end_of_its_log(handler, tmp_path):
    stream, log = io.StringIO(), tmp_path / "DES.log"
    log.write_text("".join(f"line {number}\n" for number in range(30)) + "ERROR the loss is nan\n")
    shown = handler(stream)
    begin(shown)
    start(shown, 7, "DES")
    tell(shown, ENDED, level=logging.ERROR, event=LogEvent.ERROR)
    failed = {"jobid": 7, "rule_name": "adapt", "log": [str(log)], "input": ["many"] * 500}
    tell(shown, level=logging.ERROR, event=LogEvent.JOB_ERROR, **failed)
    tell(shown, "Exiting because a job execution failed.", level=logging.ERROR)
    shown.close()
    text = stream.getvalue()
    assert "\nFailed: adapt mme HiTS DES\n" in text
    assert f"its log, {log}, ends:\n    line 19\n" in text
    assert text.endswith("    ERROR the loss is nan\n\nExiting because a job execution failed.\n")
    assert "many" not in text
    assert "exit status" not in text


def test_a_failed_job_without_a_log_is_named(handler, tmp_path):
    stream = io.StringIO()
    shown = handler(stream)
    begin(shown)
    absent = tmp_path / "none.log"
    tell(shown, event=LogEvent.JOB_ERROR, jobid=1, rule_name="splits", log=[str(absent)])
    assert f"Failed: splits\nits log, {absent}, does not exist" in stream.getvalue()
    of_group = {"rule_name": "stamps", "log": [str(absent)]}
    tell(shown, event=LogEvent.GROUP_ERROR, groupid="g", aux_logs=[], job_error_info=[of_group])
    assert f"Failed: stamps\nits log, {absent}, does not exist" in stream.getvalue()


def test_errors_warnings_and_the_end_are_shown_and_nothing_else(handler):
    stream = io.StringIO()
    shown = handler(stream)
    tell(shown, "Using shell: /usr/bin/bash")
    tell(shown, "WorkflowError: config: no", level=logging.ERROR, event=LogEvent.ERROR)
    tell(shown, "a file is old", level=logging.WARNING)
    tell(shown, "Nothing to be done (all requested files are present and up to date).")
    assert stream.getvalue().splitlines() == [
        "WorkflowError: config: no",
        "a file is old",
        "Nothing to be done (all requested files are present and up to date).",
    ]


def test_on_a_terminal_there_is_one_bar_and_the_jobs_draw_none(handler, clock):
    stream = Terminal()
    shown = handler(stream)
    assert not isinstance(job_bar(), HiddenBar)
    begin(shown, total=2)
    start(shown, 1, "DES")
    tell(shown, event=LogEvent.JOB_FINISHED, job_id=1)
    clock.seconds = 90
    start(shown, 2, "ZTF")
    shown.close()
    assert "1/2" in stream.getvalue()
    assert "adapt mme HiTS ZTF" in stream.getvalue()
    assert " of 2 steps" not in stream.getvalue()
    assert isinstance(job_bar(), HiddenBar)
