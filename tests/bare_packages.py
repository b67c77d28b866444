"""A Python in which nothing is installed but what a training needs, as on a machine lent for its GPU."""

import os
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement

from stampshift.core.provenance import PACKAGE_ROOT

NEEDED = ("torch", "numpy", "pandas", "pyarrow", "h5py", "pydantic", "jsonschema")


def run_bare(script: Path, *arguments: str, packages: Path) -> subprocess.CompletedProcess[str]:
    """Run a script of the checkout; `packages` becomes the folder of links to what is installed for it."""
    if not packages.exists():
        packages.mkdir()
        _link_needed(packages)
    environment = os.environ | {"PYTHONPATH": f"{PACKAGE_ROOT.parent}{os.pathsep}{packages}"}
    command = [sys.executable, "-S", script, *arguments]  # -S: without this environment's packages
    return subprocess.run(command, env=environment, check=False, capture_output=True, text=True)


def _link_needed(folder: Path) -> None:
    waiting, linked = list(NEEDED), set()
    while waiting:
        found = distribution(waiting.pop())
        if found.name in linked:
            continue
        linked.add(found.name)
        for entry in {file.parts[0] for file in found.files or []} - {"..", "__pycache__"}:
            link = folder / entry
            if not link.exists():
                link.symlink_to(found.locate_file(entry))
        for required in map(Requirement, found.requires or []):
            if required.marker is None or required.marker.evaluate({"extra": ""}):
                waiting.append(required.name)
