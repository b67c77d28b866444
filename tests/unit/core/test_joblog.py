import logging
import signal
import subprocess
import sys

import pytest

from stampshift.core.errors import ContractError
from stampshift.core.joblog import Stopped, job_log, noting, raising


@pytest.fixture(autouse=True)
def warnings_are_left_alone():
    yield
    logging.captureWarnings(capture=False)


def test_an_error_for_the_user_ends_the_job_with_its_message(tmp_path):
    with (
        pytest.raises(SystemExit, match=r"^ContractError: stamps\.h5: delete it$"),
        job_log(tmp_path / "log"),
    ):
        raise ContractError("stamps.h5: delete it")


def test_a_job_asked_to_end_cleans_up_and_says_so(tmp_path):
    """A table is being written when SIGTERM comes."""
    code = (
        "import os, sys\n"
        "from stampshift.core.files import atomic_path\n"
        "from stampshift.core.joblog import Stopped, job_log, noting, raising\n"
        "with job_log('log'), atomic_path('results/table.csv') as temporary:\n"
        "    temporary.write_text('half')\n"
        "    print(flush=True)\n"
        "    sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=tmp_path, stdin=-1, stdout=-1, stderr=-1, text=True
    ) as job:
        assert job.stdout.readline() == "\n"
        job.terminate()
        _, errors = job.communicate()
    sentence = "stopped by SIGTERM; no partial file remains. Run the same command again to repeat this step."
    assert (job.returncode, errors.strip()) == (1, sentence)
    assert sentence in (tmp_path / "log").read_text()
    assert list((tmp_path / "results").iterdir()) == []


def test_the_signals_handler_is_put_back(tmp_path):
    before = signal.getsignal(signal.SIGTERM)
    with job_log(tmp_path / "log"):
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_signal_is_noted_and_a_second_interrupt_ends_what_it_would_have_ended():
    with raising(signal.SIGTERM, signal.SIGINT), noting(signal.SIGTERM, signal.SIGINT) as request:
        assert request.signal_name == ""
        signal.raise_signal(signal.SIGTERM)
        assert request.signal_name == "SIGTERM"
        signal.raise_signal(signal.SIGTERM)
        with pytest.raises(Stopped, match="SIGINT"):
            signal.raise_signal(signal.SIGINT)
        assert request.signal_name == "SIGTERM"
