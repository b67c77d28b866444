import os
import signal
import subprocess
import sys

import pytest

from stampshift.core.errors import ContractError, WriteError
from stampshift.core.folders import atomic_folder, new_folder


def test_a_folder_that_came_into_being_meanwhile_is_left_alone(tmp_path):
    with (
        pytest.raises(ContractError, match=r"folder: already exists; delete it\."),
        new_folder(tmp_path / "folder", advice="delete it") as folder,
    ):
        (folder / "mine").touch()
        (tmp_path / "folder").mkdir()
        (tmp_path / "folder" / "theirs").touch()
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["theirs"]
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


@pytest.mark.parametrize("existing", ["file", "link"])
def test_a_new_folder_takes_no_other_things_name(tmp_path, existing):
    path = tmp_path / existing
    path.symlink_to("nowhere") if existing == "link" else path.touch()
    with (
        pytest.raises(ContractError, match="already exists; delete it"),
        new_folder(path, advice="delete it"),
    ):
        pass


REPLACING = """
import os, shutil, signal, sys
from pathlib import Path
from stampshift.core import files
from stampshift.core.folders import new_folder

def kill(*_arguments, **_options):
    os.kill(os.getpid(), signal.SIGKILL)

with new_folder(Path(sys.argv[1]), advice="give another", replaced=["content"]) as folder:
    (folder / "content").write_text("new")
    match sys.argv[2]:
        case "while it writes": kill()
        case "between the renames": Path.replace = kill
        case "before the old one is removed": shutil.rmtree = kill
"""


@pytest.mark.parametrize(
    ("point", "kept"),
    [("while it writes", "old"), ("between the renames", "old"), ("before the old one is removed", "new")],
)
def test_a_killed_writer_leaves_one_whole_folder_after_the_next_call(tmp_path, point, kept):
    path = tmp_path / "model.v2"
    path.mkdir()
    (path / "content").write_text("old")
    killed = subprocess.run([sys.executable, "-c", REPLACING, str(path), point], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert len(list(tmp_path.iterdir())) == 2
    with (
        pytest.raises(ContractError, match=r"model\.v2: already exists; give another"),
        new_folder(path, advice="give another"),
    ):
        pass
    assert [each.name for each in tmp_path.iterdir()] == ["model.v2"]
    assert (path / "content").read_text() == kept
    with new_folder(path, advice="give another", replaced=["content"]) as folder:
        (folder / "content").write_text("newer")
    assert [each.read_text() for each in tmp_path.rglob("content")] == ["newer"]


def test_a_replacement_that_fails_puts_the_old_folder_back(tmp_path, monkeypatch):
    path = tmp_path / "model"
    path.mkdir()
    (path / "content").write_text("old")

    def full(*_arguments, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("stampshift.core.files.rename_durably", full)
    with (
        pytest.raises(WriteError, match="the disk is full"),
        new_folder(path, advice="give another", replaced=["content"]) as folder,
    ):
        (folder / "content").write_text("new")
    assert [each.read_text() for each in tmp_path.rglob("content")] == ["old"]
    assert len(list(tmp_path.iterdir())) == 1


def test_the_unfinished_folder_of_a_living_writer_stays(tmp_path):
    first = atomic_folder(tmp_path / "model")
    unfinished = first.__enter__()
    (unfinished / "content").touch()
    with pytest.raises(WriteError), atomic_folder(tmp_path / "model") as second:
        assert unfinished.is_dir()
        first.__exit__(None, None, None)
        (second / "other").touch()
        raise OSError(28, os.strerror(28))
    assert (tmp_path / "model" / "content").exists()
    assert [each.name for each in tmp_path.iterdir()] == ["model"]
