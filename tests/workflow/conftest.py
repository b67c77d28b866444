"""Checkouts in which nothing has run, or a tiny experiment has run once."""

from pathlib import Path

import pytest

from tiny_project import Project, copy_of_the_project


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


@pytest.fixture
def edited(finished, tmp_path):
    """The finished checkout; files changed through it are put back after the test."""
    originals: dict[Path, str] = {}

    def edit(name: str, old: str, new: str) -> Project:
        path = finished.folder / "workflow" / "stampshift" / name
        originals[path] = path.read_text()
        assert old in originals[path]
        path.write_text(originals[path].replace(old, new))
        return finished

    yield edit
    for path, text in originals.items():
        path.write_text(text)
