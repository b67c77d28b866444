"""The finished tiny experiment, for tests that change the code it ran with."""

from pathlib import Path

import pytest

from tiny_project import Project


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
