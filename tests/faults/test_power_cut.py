"""What a success has written survives a power cut: content, names and folders reach the disk, in this order.

A power cut loses what the system still holds in memory. `strace` shows what the commands ask the system for.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import stampshift
from fake_release import release_of, write_results, write_run
from stampshift.config.experiment import Run
from stampshift.core.files import atomic_path
from stampshift.core.folders import atomic_folder

CALLS = "fsync,rename,renameat,renameat2,mkdir,mkdirat"
SYNC = re.compile(r"fsync\(\d+<(?P<path>[^>]*)>\) += 0")
RENAME = re.compile(r'rename(?:at2?)?\(.*?"(?P<path>[^"]*)".*?"(?P<final>[^"]*)".*\) += 0')
MADE = re.compile(r'mkdir(?:at)?\(.*?"(?P<path>[^"]*)".*\) += 0')
SCRIPT = Path(__file__).with_name("training_job.py")


@pytest.fixture(scope="session")
def strace() -> str:
    program = shutil.which("strace")
    if program is None:
        pytest.skip("strace is not installed: nothing shows what reaches the disk")
    return program


@pytest.fixture(scope="session")
def trained(tmp_path_factory) -> Path:
    """A run's folder, and a released model beside its results."""
    results = tmp_path_factory.mktemp("results")
    write_results(results)
    run = write_run(results, Run("scratch", "A", "B", 20, 0))
    release_of(run, results / "model")
    return run


def traced(strace: str, folder: Path, *command: str | Path) -> list[list[str]]:
    """System calls of a command that ran in `folder`, of each of its processes in order."""
    logs = folder / ".strace"
    logs.mkdir()
    environment = os.environ | {"PYTHONPATH": str(Path(stampshift.__file__).parents[1])}
    options = ["-ff", "-y", "-s", "4096", "-e", f"trace={CALLS}", "-o", logs / "of"]
    done = subprocess.run(
        [strace, *options, sys.executable, *command],
        cwd=folder, env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = [path.read_text().splitlines() for path in sorted(logs.iterdir())]
    shutil.rmtree(logs)
    return found


def check(calls: list[str], folder: Path) -> list[Path]:
    """Final names that one process gave; every one, and every new folder, is durable."""
    named: list[Path] = []
    for number, call in enumerate(calls):
        after = {path_in(found, folder) for found in map(SYNC.match, calls[number:]) if found}
        if made := MADE.match(call):
            path = path_in(made, folder)
            assert path.parent in after or ".part" in path.name or not of_ours(path, folder), call
        if (renamed := RENAME.match(call)) and of_ours(final := path_in(renamed, folder, "final"), folder):
            before = {path_in(found, folder) for found in map(SYNC.match, calls[:number]) if found}
            temporary = path_in(renamed, folder)
            inside = [temporary / path.relative_to(final) for path in final.rglob("*")]
            assert {temporary, *inside} <= before, call
            assert final.parent in after, call
            named += [final, *final.rglob("*")]
    return named


def path_in(call: re.Match[str], folder: Path, name: str = "path") -> Path:
    return folder / call[name]


def of_ours(path: Path, folder: Path) -> bool:
    return path.is_relative_to(folder) and path.exists()


def written_durably(strace: str, folder: Path, *command: str | Path) -> list[str]:
    """Run a command; names of the files in `folder` that it wrote, each but a log by a rename."""
    before = set(folder.rglob("*"))
    named = {path for calls in traced(strace, folder, *command) for path in check(calls, folder)}
    new = {path for path in {*folder.rglob("*")} - before if path.is_file()}
    assert new - {folder / "log"} <= named
    return sorted(path.relative_to(folder).as_posix() for path in new)


def stampshift_command(*arguments: str | Path) -> tuple[str | Path, ...]:
    return ("-c", "from stampshift.cli import main; main()", *arguments)


def test_archives_and_stamps_are_durable(strace, tmp_path):
    simulate = stampshift_command("simulate", "Rubin", "new/nights", "--stamps", "40", "--seed", "1")
    assert "new/nights/labels.csv" in written_durably(strace, tmp_path, *simulate)
    section = {
        "reader": "packets", "origin": "path", "path": "new/nights",
        "packets": {"labels": "new/nights/labels.csv"}, "classes": {"real": "real", "bogus": "bogus"},
        "invalid": {},
    }  # fmt: skip
    (tmp_path / "made.yaml").write_text(yaml.safe_dump({"surveys": {"Rubin": section}}))
    stamps = stampshift_command(
        "stamps", "--config", "made.yaml", "--survey", "Rubin", "--output", "deep/in/Rubin.h5"
    )
    assert "deep/in/Rubin.h5" in written_durably(strace, tmp_path, *stamps)


def test_trainings_are_durable(strace, training_job):
    (training_job.folder / "job.json").write_text(json.dumps(training_job.job))
    written = written_durably(strace, training_job.folder, SCRIPT, training_job.folder)
    assert sum(name.endswith("model.pt") for name in written) == 3  # in the store


def test_models_scores_and_reports_are_durable(strace, trained, tmp_path):
    export = stampshift_command("export", trained, "--output", "released/model")
    assert "released/model/contract.json" in written_durably(strace, tmp_path, *export)
    stamps = next(trained.parents[3].glob("stamps/B.h5"))
    score = stampshift_command("score", "released/model", stamps, "--output", "scores/night.parquet")
    assert written_durably(strace, tmp_path, *score) == ["scores/night.parquet"]
    drift = stampshift_command("drift", "released/model", "scores/night.parquet", "--output", "night.html")
    assert "night.html" in written_durably(strace, tmp_path, *drift)


def test_a_cut_between_two_steps_leaves_the_old_content_or_the_new(tmp_path, monkeypatch):
    """Every call that reaches the disk fails once: what has its final name is one of the two, whole."""
    path = tmp_path / "folder" / "table.csv"
    steps = cuts(monkeypatch)
    for cut in range(6):
        shutil.rmtree(path.parent, ignore_errors=True)
        for content in ("old", "new"):
            steps.left = None if content == "old" else cut
            try:
                with atomic_path(path) as temporary:
                    temporary.write_text(content)
            except InterruptedError:
                assert content == "new"
        assert path.read_text() in ("old", "new")
        assert list(path.parent.iterdir()) == [path]
    steps.left = None
    with atomic_folder(tmp_path / "model") as folder:
        (folder / "inner").mkdir()
        (folder / "inner" / "network.onnx").write_text("weights")
    assert (tmp_path / "model/inner/network.onnx").read_text() == "weights"


class Cuts:
    """Counts calls of `os.fsync` and of `Path.replace`, and fails at the one it is set to."""

    left: int | None = None

    def __init__(self, fsync, replace) -> None:
        self._fsync, self._replace = fsync, replace

    def step(self) -> None:
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                self.left = None
                raise InterruptedError("power cut")

    def fsync(self, descriptor) -> None:
        self.step()
        self._fsync(descriptor)

    def replace(self, path, final) -> Path:
        self.step()
        return self._replace(path, final)


def cuts(monkeypatch) -> Cuts:
    found = Cuts(os.fsync, Path.replace)
    monkeypatch.setattr(os, "fsync", found.fsync)
    monkeypatch.setattr(Path, "replace", lambda path, final: found.replace(path, final))
    return found
