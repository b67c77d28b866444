"""A training job in a separate process, which the tests disturb."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from training_job import results, train

import stampshift

SCRIPT = Path(__file__).with_name("training_job.py")


class TrainingJob:
    """Three baselines of survey A, and a folder with their store and log."""

    def __init__(self, folder: Path, survey_files) -> None:
        self.folder = folder
        folder.mkdir()
        os.mkfifo(folder / "go")
        self.job = {
            "stamps": str(survey_files["stamps"]["A"]),
            "splits": str(survey_files["splits"]["A"]),
            "seeds": [0, 1, 2],
            "threads": 1,
            "checkpoint_epochs": 1,
            "wait": None,
        }

    def start(self, **changes) -> subprocess.Popen:
        """Start it; with `wait` (a run's folder, an epoch) return when process `at_work` waits there."""
        (self.folder / "job.json").write_text(json.dumps(self.job | {"wait": None} | changes))
        environment = os.environ | {"PYTHONPATH": str(Path(stampshift.__file__).parents[1])}
        process = subprocess.Popen(
            [sys.executable, SCRIPT, self.folder],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
            start_new_session=True,
        )  # fmt: skip
        if "wait" in changes:
            line = process.stdout.readline()
            assert line, process.communicate()[1]
            self.at_work = int(line)
        return process

    def go_on(self) -> None:
        (self.folder / "go").write_text("")

    def rerun(self) -> None:
        """Run it again, in this process."""
        train(self.job, self.folder)

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    def results(self) -> dict[str, list]:
        return results(self.job, self.folder)


@pytest.fixture
def training_job(tmp_path, survey_files) -> TrainingJob:
    return TrainingJob(tmp_path / "job", survey_files)


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory, survey_files) -> dict[str, list]:
    """What the job's three runs end with where nothing happens."""
    job = TrainingJob(tmp_path_factory.mktemp("undisturbed") / "job", survey_files)
    train(job.job, job.folder)
    found = job.results()
    assert len(found) == 3
    return found
