"""Small surveys, and checkouts in which a tiny experiment runs, that every part of the suite may use."""

import os
import signal
from multiprocessing import forkserver
from pathlib import Path

os.environ["TRITON_INTERPRET"] = (
    "1"  # before anything imports Triton, whose own functions are then interpreted
)

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from fake_surveys import FRACTIONS, write_survey
from stampshift.stamps.file import Stamps
from stampshift.stamps.splits import Splits, make_splits
from tiny_project import Project, copy_of_the_project

pytest_plugins = ["raw_formats"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest file first, then whole commands and workflows; at the end every worker has unit tests."""
    items.sort(key=lambda item: (Path(item.nodeid).parts[1] == "unit", "finished" not in item.fixturenames))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """With several workers (`-n 4`), tests that share what is costly share a worker."""
    return Together(config, log)


class Together(LoadScopeScheduling):
    """The tests of a file go to one worker; those of the rooms `ALONE` all to the same.

    The marks of `--dist loadgroup` would say so too, but do nothing with pytest 9.2 (pytest-xdist 3.8).
    """

    # a SLURM cluster, a browser, processes that are killed on purpose: not two of them at once
    ALONE = ("browser", "faults", "slurm")

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.partition("::")[0]
        return "alone" if Path(path).parts[1] in self.ALONE else path


@pytest.fixture(scope="session", autouse=True)
def signals_reach_the_commands() -> None:
    """Commands under test get Ctrl-C even where the suite runs in a shell's background, which ignores it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def fork_server() -> None:
    """The session's worker processes come from one fork server: it has torch, whichever test starts first."""
    forkserver.set_forkserver_preload(["stampshift.training.cohort"])
    forkserver.ensure_running()


@pytest.fixture(scope="session")
def survey_files(tmp_path_factory) -> dict[str, dict[str, Path]]:
    """Stamps and splits (seed 0) of two surveys, A with narrow and B with broad sources."""
    folder = tmp_path_factory.mktemp("surveys")
    files: dict[str, dict[str, Path]] = {"stamps": {}, "splits": {}}
    for name, width in (("A", 1.5), ("B", 3.0)):
        files["stamps"][name] = write_survey(folder, name, width=width)
        files["splits"][name] = folder / f"{name}.npz"
        make_splits(Stamps.open(files["stamps"][name]), fractions=FRACTIONS, seed=0).save(
            files["splits"][name]
        )
    return files


@pytest.fixture(scope="session")
def surveys(survey_files) -> dict[str, Stamps]:
    return {name: Stamps.open(path) for name, path in survey_files["stamps"].items()}


@pytest.fixture(scope="session")
def splits(survey_files) -> dict[str, Splits]:
    return {name: Splits.open(path) for name, path in survey_files["splits"].items()}


@pytest.fixture
def fresh(tmp_path) -> Project:
    """A checkout in which nothing has run."""
    return copy_of_the_project(tmp_path)


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Project:
    """A checkout in which the tiny experiment has run; tests leave it as they found it."""
    project = copy_of_the_project(tmp_path_factory.mktemp("project"))
    project.run()
    return project


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of small real samples; tests that use it are skipped where it is not given."""
    folder = os.environ.get("STAMPSHIFT_REAL_DATA")
    if not folder:
        pytest.skip("STAMPSHIFT_REAL_DATA is not set: no real samples here")
    return Path(folder)
