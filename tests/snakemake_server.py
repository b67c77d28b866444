"""Snakemake, imported once by each worker of the suite: a call is a fork of it, in its own folder.

The imports are half of a dry run, of which the suite makes hundreds.
"""

import atexit
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

OUTPUTS = ("stdout", "stderr")


def run_snakemake(
    arguments: list[str], *, folder: Path, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """`python -m snakemake` with some arguments, from its start to its end."""
    server = _server()
    with TemporaryDirectory() as outputs:
        call = {"arguments": arguments, "folder": str(folder), "environment": dict(environment)}
        server.stdin.write(json.dumps(call | {"outputs": outputs}) + "\n")
        server.stdin.flush()
        status = int(server.stdout.readline())
        printed = [Path(outputs, name).read_text() for name in OUTPUTS]
    return subprocess.CompletedProcess(arguments, status, *printed)


@cache
def _server() -> subprocess.Popen[str]:
    server = subprocess.Popen(
        [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    atexit.register(server.wait)
    atexit.register(server.stdin.close)  # which ends it, and comes first
    return server


def serve() -> None:
    """Run a call for each line of the standard input, and answer with its status."""
    from snakemake.cli import main

    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            call = json.loads(line)
            _become(**call)
            main(call["arguments"])  # and exits
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _become(*, arguments: list[str], folder: str, environment: dict[str, str], outputs: str) -> None:
    """Take over what a new process would have been given."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv[1:] = arguments
    sys.path[:1] = [folder, *environment["PYTHONPATH"].split(os.pathsep)]  # in place of this script's folder
    files = [
        os.open(os.devnull, os.O_RDONLY),
        *(os.open(Path(outputs, name), os.O_CREAT | os.O_WRONLY) for name in OUTPUTS),
    ]
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)


if __name__ == "__main__":
    serve()
