"""A page of docs/ with commands, run block by block as it stands."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tiny_project import ROOT, copy_of_the_project

BLOCK = re.compile(r"```(\w*)\n(.*?)```", re.DOTALL)


def blocks(page: str) -> list[tuple[str, str]]:
    """Blocks of a page of docs/, each with its language."""
    return BLOCK.findall((ROOT / "docs" / page).read_text())


def run_page(page: str, folder: Path) -> dict[str, str]:
    """What each block of commands printed, by the block; and, under "folder", where."""
    copy_of_the_project(folder)
    shutil.copytree(ROOT / "docs", folder / "docs")
    environment = os.environ | {
        "PYTHONPATH": str(folder / "workflow"),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    printed = {"folder": str(folder)}
    for language, block in blocks(page):
        if language == "bash" and not block.startswith("export PATH"):
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", block],
                cwd=folder, env=environment, capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert done.returncode == 0, f"{block}\n{done.stderr[-3000:]}"
            printed[block] = done.stdout + (done.stderr if "||" in block else "")
    return printed


def printed_by(told: dict[str, str], command: str) -> str:
    """What the one block that starts with a command printed."""
    (printed,) = [text for commands, text in told.items() if commands.startswith(command)]
    return printed
