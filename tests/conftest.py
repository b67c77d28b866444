"""Small surveys, and checkouts in which a tiny experiment runs, that every part of the suite may use."""

import os
from multiprocessing import forkserver
from pathlib import Path

import pytest

from fake_surveys import FRACTIONS, write_survey
from stampshift.splits import Splits, make_splits
from stampshift.stamps import Stamps
from tiny_project import Project, copy_of_the_project

pytest_plugins = ["raw_formats"]


# a SLURM cluster, a browser, processes that are killed on purpose: not two of them at once
ALONE = ("browser", "faults", "slurm")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With several workers (`-n 2 --dist loadgroup`), tests that share what is costly share a worker."""
    if config.pluginmanager.hasplugin("xdist"):
        for item in items:
            item.add_marker(pytest.mark.xdist_group(_group(item)))


def _group(item: pytest.Item) -> str:
    room = item.path.relative_to(Path(__file__).parent).parts[0]
    if room in ALONE:
        return "alone"
    return "finished" if "finished" in getattr(item, "fixturenames", ()) else str(item.path)


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
