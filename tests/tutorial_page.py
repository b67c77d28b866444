"""A page of docs/ with commands, run block by block as it stands."""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from tiny_project import ROOT, copy_of_the_project

BLOCK = re.compile(r"```(\w*)\n(.*?)```", re.DOTALL)
SERVES = "stampshift review "  # until Ctrl-C


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
            printed[block] = run_block(block, cwd=folder, env=environment)
    return printed


def run_block(block: str, **where) -> str:
    """What a block of commands printed; a page that it serves is left once its address is printed."""
    script = f"exec {block.strip()} --no-open --port 0" if block.startswith(SERVES) else block
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(["bash", "-euo", "pipefail", "-c", script], **pipes, **where) as process:
        head = ""
        if block.startswith(SERVES):
            head = process.stdout.readline() + process.stdout.readline()
            process.send_signal(signal.SIGINT)
        output, errors = process.communicate()
    assert process.returncode == 0, f"{block}\n{errors[-3000:]}"
    return head + output + (errors if "||" in block else "")


def printed_by(told: dict[str, str], command: str) -> str:
    """What the one block that starts with a command printed."""
    (printed,) = [text for commands, text in told.items() if commands.startswith(command)]
    return printed
