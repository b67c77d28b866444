"""Bars on terminals, a line a minute elsewhere."""

import io

import pytest

from stampshift.core import bars
from stampshift.core.bars import WORKFLOW_BAR, FilesReached, job_bar


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    """Time in seconds, for lines and for tqdm; it stands still until it is set."""
    monkeypatch.delenv(WORKFLOW_BAR, raising=False)
    now = [0.0]
    monkeypatch.setattr(bars.time, "monotonic", lambda: now[0])
    monkeypatch.setattr("tqdm.std.time", lambda: now[0])
    return now


def run(clock, monkeypatch, stream, *, seconds=20, steps=10, each=1, **options):
    """Steps of so many seconds each; what was printed."""
    clock[0] = 0.0
    monkeypatch.setattr("sys.stderr", stream)
    with job_bar(**options) as bar:
        for _ in range(steps):
            clock[0] += seconds
            bar.update(each)
            bar.set_postfix(loss=0.5)
    return stream.getvalue()


def test_without_a_terminal_a_line_a_minute_tells_done_total_and_remaining_time(clock, monkeypatch):
    printed = run(clock, monkeypatch, io.StringIO(), desc="adapt", total=10, unit="epoch", position=1)
    assert printed.splitlines() == [
        "adapt: 3 of 10 epochs in 0:01:00; 0:02:20 remaining",
        "adapt: 6 of 10 epochs in 0:02:00; 0:01:20 remaining",
        "adapt: 9 of 10 epochs in 0:03:00; 0:00:20 remaining",
    ]


def test_what_takes_less_than_a_minute_prints_nothing(clock, monkeypatch):
    assert run(clock, monkeypatch, io.StringIO(), seconds=5, total=10, desc="folds") == ""


def test_an_iteration_prints_the_same_lines(clock, monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    for _ in job_bar(range(4), desc="folds", total=4):
        clock[0] += 3600
    assert stream.getvalue().splitlines()[0] == "folds: 1 of 4 in 1:00:00; 3:00:00 remaining"


def test_what_an_earlier_call_did_took_none_of_this_time(clock, monkeypatch):
    options = {"desc": "all.tar", "total": 10**9, "initial": 99 * 10**7, "unit": "B", "unit_scale": True}
    printed = run(clock, monkeypatch, io.StringIO(), seconds=60, steps=1, each=10**6, **options)
    assert printed == "all.tar: 991 of 1000 MB in 0:01:00; 0:09:00 remaining\n"


def test_a_total_that_comes_later_is_an_estimate_and_moves(clock, monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    with job_bar(desc="baseline", unit="epoch", initial=4) as bar:
        for clock[0], bar.total in ((60, 10), (120, 16)):
            bar.update()
    assert stream.getvalue().splitlines() == [
        "baseline: 5 of about 10 epochs in 0:01:00; about 0:05:00 remaining",
        "baseline: 6 of about 16 epochs in 0:02:00; about 0:10:00 remaining",
    ]


def test_without_a_total_the_share_of_the_files_tells_the_remaining_time(clock, monkeypatch, tmp_path):
    files = [tmp_path / name for name in ("1.avro", "2.tar", "3.avro")]
    for path, size in zip(files, (100, 300, 0), strict=True):
        path.write_bytes(b"x" * size)
    reached, stream = FilesReached(files), io.StringIO()
    assert reached.share(f"{files[0]}, record 7") == 0
    monkeypatch.setattr("sys.stderr", stream)
    with job_bar(desc="score", unit=" alerts") as bar:
        clock[0] = 60
        bar.update(4096)
        bar.share = reached.share(f"{files[1]}, member a.avro, record 1")
        clock[0] = 120
        bar.update(4096)
    assert stream.getvalue().splitlines() == [
        "score: 4096 alerts in 0:01:00",
        "score: 8192 alerts in 0:02:00; about 25%, 0:06:00 remaining",
    ]
    assert reached.share("elsewhere") == 0.25
    assert reached.share(str(files[2])) == 1


def test_on_a_terminal_there_is_tqdms_bar_or_none_where_there_never_was_one(clock, monkeypatch):
    printed = run(clock, monkeypatch, Terminal(), desc="adapt", total=10, unit="epoch")
    assert "adapt:  90%|" in printed and "loss=0.5" in printed and "remaining" not in printed
    assert run(clock, monkeypatch, Terminal(), desc="simulate", total=10, on_terminal=False) == ""


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_nothing_is_printed_on_request_or_beside_the_bar_of_a_workflow(clock, monkeypatch, stream):
    assert run(clock, monkeypatch, stream(), desc="a", total=10, shown=False) == ""
    monkeypatch.setenv(WORKFLOW_BAR, "1")
    assert run(clock, monkeypatch, stream(), desc="a", total=10) == ""
