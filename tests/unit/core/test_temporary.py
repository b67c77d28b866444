"""Sockets of workers in a long TMPDIR, and what killed processes leave there."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from stampshift.core.temporary import PREFIX, private_folder

MAP = (
    "from stampshift.core.parallel import ordered_map\n"
    "if __name__ == '__main__':\n"
    "    print(list(ordered_map(str, range(3), processes=2)))\n"
    "    {then}\n"
)


def run(folder, then="pass"):
    return subprocess.run(
        [sys.executable, "-c", MAP.format(then=then)],
        env=os.environ | {"TMPDIR": str(folder)}, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("characters", [126, 200])
def test_workers_start_whatever_the_length_of_the_temporary_folder(tmp_path, characters):
    folder = tmp_path / ("t" * (characters - len(str(tmp_path)) - 1))
    folder.mkdir()
    assert len(str(folder)) == characters
    done = run(folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, "['0', '1', '2']\n", "")
    assert list(folder.iterdir()) == []


@pytest.fixture
def short_folder():
    """A folder with room for sockets behind it, which pytest's own may be too long for."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def test_what_a_killed_process_left_is_removed_by_the_next_and_not_what_a_living_one_has(short_folder):
    killed = run(short_folder, then="import os; os.kill(os.getpid(), 9)")
    assert killed.returncode == -signal.SIGKILL
    (left,) = short_folder.iterdir()
    assert left.name.startswith(PREFIX)
    with private_folder(short_folder) as living:
        assert list(short_folder.iterdir()) == [living]
        assert run(short_folder).returncode == 0
        assert list(short_folder.iterdir()) == [living]
    assert list(short_folder.iterdir()) == []


def test_no_temporary_folder_at_all_is_one_sentence(tmp_path):
    code = (
        "import tempfile\n"
        "def none():\n"
        "    raise FileNotFoundError(2, 'No usable temporary directory found')\n"
        "tempfile.gettempdir = none\n"
    )
    program = code + MAP.format(then="pass")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    expected = "WriteError: a temporary folder for worker processes cannot be made ([Errno 2] No usable"
    assert expected in done.stderr


def test_the_folder_goes_after_the_sockets_in_it_whatever_was_imported_first():
    program = (
        "import multiprocessing.util\n"
        "from multiprocessing.connection import Listener\n"
        "from stampshift.core.temporary import give_sockets_a_folder\n"
        "give_sockets_a_folder()\n"
        "listener = Listener(family='AF_UNIX')\n"
        "print(listener.address)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert not Path(done.stdout.strip()).parent.exists()
