"""A small review, and its page served as to a browser."""

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
from fastapi import FastAPI

from stampshift.review.access import Access
from stampshift.review.asking import Asking
from stampshift.review.serve import server_of
from stampshift.stamps.file import BOGUS, REAL, UNLABELLED, UNLABELLED_CLASS
from stampshift.stamps.metadata import Metadata, as_table
from stampshift.stamps.writer import stamps_writer

SIZE_PIXELS = 51
CANDIDATES = 30
ACCESS = Access(loopback=True, token="much-too-secret", cookie="stampshift")
ONE = Asking(raters=1, most=1, margin=1, adjudicator=None)
TWO = Asking(raters=2, most=2, margin=2, adjudicator=None)
COOKIES = {ACCESS.cookie: ACCESS.token}


def write_study(folder: Path, *, count: int = CANDIDATES) -> Path:
    """Results of a DES study as far as a review needs them: stamps of sources and candidates among them.

    Candidate c<k> is in row 2 k + 1 and is more suspicious the smaller k is; its label is real for odd k,
    its score 0.01 k.
    """
    generator = np.random.default_rng(5)
    y, x = np.mgrid[-25:26, -25:26]
    rows = 2 * count + 1
    stamps = generator.normal(size=(rows, 3, SIZE_PIXELS, SIZE_PIXELS)).astype(np.float32)
    for row, stamp in enumerate(stamps):
        width, off = 1.5 + 0.05 * row, row % 5 - 2
        source = np.exp(-((x - off) ** 2 + (y + off) ** 2) / (2 * width**2))
        stamp[1:] += (30 if row % 3 else -8) * source
        stamp[0] += 12 * np.exp(-((x - 8) ** 2 + (y - 6) ** 2) / 40)
    names = [f"c{row // 2}" if row % 2 else f"other{row}" for row in range(rows)]
    labels = [row // 2 % 2 for row in range(rows)]
    with stamps_writer(folder / "stamps.h5", survey="DES", size_pixels=SIZE_PIXELS) as writer:
        writer.append(
            stamps,
            labels=labels,
            classes=["real" if label else "artifact" for label in labels],
            ids=names,
            groups=[""] * rows,
        )
        writer.describe({"origin": {"simulate": rows}})
    (folder / "search").mkdir()
    table = pd.DataFrame(
        {
            "row": [2 * k + 1 for k in range(count)],
            "id": [f"c{k}" for k in range(count)],
            "label": np.array([k % 2 for k in range(count)], np.uint8),
            "score": [0.01 * k for k in range(count)],
            "category": [6 if k % 2 else 1 for k in range(count)],
            "suspicion": [1 - 0.01 * k for k in range(count)],
        }
    )
    table.sample(frac=1, random_state=1).to_parquet(folder / "search" / "candidates.parquet", index=False)
    return folder


def write_new_survey(folder: Path, labels: Sequence[int], *, wide: int = 0) -> Path:
    """A stamps file as `stampshift stamps` makes of packets: candidates n0, n1, ... of a survey New.

    With a `wide` size it holds metadata and wider cutouts too: of candidate n<k> RA 10 + k, Dec -k, r band.
    """
    names = {REAL: "SN", BOGUS: "ghost", UNLABELLED: UNLABELLED_CLASS}
    stamps = np.random.default_rng(6).normal(size=(len(labels), 3, 21, 21)).astype(np.float32)
    stamps[::2, 1:, 9:12, 9:12] += 20
    with stamps_writer(folder / "New.h5", survey="New", size_pixels=21) as writer:
        writer.append(
            stamps,
            labels=labels,
            classes=[names[label] for label in labels],
            ids=[f"n{row}" for row in range(len(labels))],
            groups=[""] * len(labels),
        )
        if wide:
            known = [Metadata(10.0 + row, -float(row), 20.5, 7.25, "r", "42") for row in range(len(labels))]
            context = np.random.default_rng(7).normal(size=(len(labels), 3, wide, wide)).astype(np.float32)
            writer.append_shown(as_table(known), context)
    return folder / "New.h5"


@contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    """Serve an application from a thread; yields its address, without a slash at the end."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = server_of(app)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
