"""Runs a command on damaged copies of one of its files, within bounded memory and time.

A program for `unit/test_damaged_files.py` and `benchmarks/fuzz.py`: a copy may make a library crash, take
memory without end, or never end. Commands run in a process of their own, which is replaced when a copy ends
it, and what is wrong with how one ended is reported.
"""

import contextlib
import gc
import io
import json
import logging
import os
import re
import resource
import select
import shutil
import signal
import sys
import traceback
import warnings
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from fastapi.testclient import TestClient

import stampshift.adapting.adapt
import stampshift.cli
import stampshift.figures.shift_figures
import stampshift.release.exporting
import stampshift.review.export
import stampshift.scoring.drift
import stampshift.scoring.score
import stampshift.surveys.inspection
import stampshift.surveys.one_survey
import stampshift.surveys.verification
import stampshift.tables.overview
from damaged_copies import damaged
from odd_content import changed
from review_server import ACCESS
from stampshift.core.digests import DIGESTS, write_digests
from stampshift.core.provenance import code_digest
from stampshift.review import serve

TOKEN = ACCESS.token
BYTES = 1 << 30  # beyond what the process has when it starts
SECONDS = 60  # hundred times what the command takes
RUNS_PER_PROCESS = 20  # whose memory adds up
UNFINISHED = re.compile(r"\..*\.(part|parts)(\..*)?")
COUNTED = re.compile(r": (\d+) candidates, (\d+) scored")
SOUND = -1  # in place of a copy's number

Case = dict[str, Any]
Contents = dict[Path, bytes]


def main(cases: list[Case]) -> Iterator[dict[str, Any]]:
    """Damage the ``file`` of each case again and again, run ``arguments`` on each copy: how that ended.

    A command runs on the sound file first, and must end well there: one that refuses everything would show
    nothing.
    """
    sound: set[tuple[str, ...]] = set()
    work: deque[tuple[Case, int]] = deque()
    for case in cases:
        if (arguments := tuple(case["arguments"])) not in sound:
            sound.add(arguments)
            work.append((case, SOUND))
        work.extend((case, copy) for copy in range(case["copies"]))
    while work:
        for end in ends_of([work[n] for n in range(min(len(work), RUNS_PER_PROCESS))]):
            case, copy = work.popleft()
            yield {"name": case["name"], "command": case["arguments"][0], "copy": copy} | end


def ends_of(runs: list[tuple[Case, int]]) -> Iterator[dict[str, str]]:
    """How these runs ended, in a process of their own; the last one may be that which ended the process."""
    kept = {path: path.read_bytes() for case, _ in runs for path in written_of(case)}
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        limit_memory()
        with os.fdopen(writing, "w") as report:
            for case, copy in runs:
                try:
                    end = end_of(case, copy, kept)
                except Exception:  # an output that cannot be read, say
                    end = {"status": "no status", "fault": traceback.format_exc()[-1800:]}
                print(json.dumps(end), file=report, flush=True)
        os._exit(0)
    os.close(writing)
    found, late = 0, False
    with os.fdopen(reading) as report:
        while found < len(runs) and not late:
            late = not select.select([report], [], [], SECONDS)[0]
            line = "" if late else report.readline()
            if not line:
                break
            found += 1
            yield json.loads(line)
    if late:
        os.kill(child, signal.SIGKILL)
    _, code = os.waitpid(child, 0)
    if found < len(runs):
        write(kept)
        clear(Path(runs[found][0]["output"]))
        status = f"no end in {SECONDS} s" if late else f"signal {os.WTERMSIG(code)}"
        yield {"status": status, "fault": status}


def written_of(case: Case) -> list[Path]:
    """The file of a case and, as if its writer had written it so, the list of digests that agrees with it."""
    file = Path(case["file"])
    return [file, *(file.parent.glob(DIGESTS) if case["signed"] else ())]


def end_of(case: Case, copy: int, kept: Contents) -> dict[str, str]:
    """Status and fault of a command on a copy, which depends on the case's seed and the number alone."""
    file, *listed = written_of(case)
    output, statuses = Path(case["output"]), case["statuses"]
    if copy == SOUND:
        statuses = [0]
    else:
        generator = np.random.default_rng([*case["seed"], copy])
        if case["content"]:
            write({file: changed(file, generator)})
        else:
            # wrong bytes can make the HDF5 library itself loop for ever
            write({file: damaged(kept[file], generator, only_cut=file.suffix == ".h5")})
        for path in listed:
            write_digests(path.parent)
    clear(output)
    end = run([*case["arguments"]])
    fault = fault_of(end, case | {"statuses": statuses}, output)
    clear(output)
    write({path: kept[path] for path in (file, *listed)})
    return {"status": f"status {end['status']}", "fault": fault}


def write(contents: Contents) -> None:
    """Write files anew: whatever holds the old ones keeps what it has."""
    for path, content in contents.items():
        path.unlink(missing_ok=True)
        path.write_bytes(content)


def fault_of(end: dict[str, Any], case: Case, output: Path) -> str:
    """What is wrong with how a command ended; ``""`` if nothing is."""
    text, status = end["text"], end["status"]
    if end["traceback"]:
        return end["traceback"][-1800:]
    if status not in case["statuses"]:
        return f"ended with {status}: {text[-600:]}"
    left = [path.name for path in (output.iterdir() if output.exists() else ())]
    unfinished = [name for name in left if UNFINISHED.fullmatch(name)]
    if unfinished:
        return f"left {unfinished}: {text[-600:]}"
    if status == 1:
        if not any(name in text for name in case["names"]):
            return f"names none of {case['names']}: {text[-600:]}"
        visible = [name for name in left if not name.startswith(".")]
        return f"left {visible}: {text[-600:]}" if visible else ""
    if case["arguments"][0] == "score":
        return _miscounted(text, output)
    return ""


def _miscounted(text: str, output: Path) -> str:
    told = COUNTED.search(text)
    scores = next(output.glob("[!.]*"))
    table = pd.read_parquet(scores) if scores.suffix == ".parquet" else pd.read_csv(scores)
    found = len(table), int(table["score"].notna().sum())
    if told is None or found != tuple(map(int, told.groups())):
        return f"wrote {found}: {text[-600:]}"
    nameless = table[table["score"].isna() & (table["reason"].isna() | (table["reason"] == ""))]
    return f"{len(nameless)} lines without score or reason" if len(nameless) else ""


def clear(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


def limit_memory() -> None:
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + BYTES, used + BYTES))


def run(arguments: list[str]) -> dict[str, Any]:
    """How a command of stampshift ended as if in a new process: ``status``, ``text``, ``traceback``."""
    for name, module in list(sys.modules.items()):
        if name.startswith("stampshift.") and name != "stampshift.core.provenance":  # digests of code
            for each in [each for each in vars(module).values() if hasattr(each, "cache_clear")]:
                each.cache_clear()
    logging.root.handlers.clear()
    gc.collect()
    sys.argv = ["stampshift", *arguments]
    printed = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="surrogateescape")
    status: Any = 0
    failed = ""
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        try:
            stampshift.cli.main()
        except SystemExit as end:
            status = end.code or 0
        except BaseException:
            failed = traceback.format_exc()
    printed.flush()
    text = printed.buffer.getvalue().decode("utf-8", "replace")
    if isinstance(status, str):
        status, text = 1, text + status
    return {"status": status, "text": text, "traceback": failed}


class _Visited:
    """A server of the review page that two raters visit once."""

    def __init__(self, app: Any) -> None:
        self._page = TestClient(app, base_url="http://127.0.0.1")

    def run(self, sockets: Any) -> None:
        self._page.get("/", params={"token": TOKEN})
        about = self._got("/api/review")
        for rater in ("ann", "eve"):
            found = self._got("/api/queue", rater=rater, count=3, reveal=True)
            for number, each in enumerate(found["candidates"]):
                for stretch in about["stretches"]:
                    self._got(f"/images/{about['fingerprint']}/{each['row']}-{stretch}.png")
                vote = {"review": about["fingerprint"], "key": f"key-of-{rater}-{number:08}"}
                vote |= {"id": each["id"], "rater": rater, "vote": "real"}
                _answered(self._page.post("/api/votes", json=vote, headers={"Origin": "http://127.0.0.1"}))
            self._got("/api/last", rater=rater)

    def _got(self, address: str, **options: Any) -> Any:
        return _answered(self._page.get(address, params=options))


def _answered(response: Any) -> Any:
    """Content of an answer; a refusal ends the program with its sentence."""
    if response.is_error:
        sys.exit(response.json()["detail"])
    return response.json() if response.headers["content-type"] == "application/json" else response.content


if __name__ == "__main__":
    serve.server_of = _Visited
    warnings.simplefilter("ignore")
    code_digest("scoring.units", "scoring.parts", "adapting.adapt", "methods.mme")  # its parts are cached
    gc.freeze()
    for found in main(json.loads(Path(sys.argv[1]).read_text())):
        print(json.dumps(found), flush=True)
