"""Chromium, driven by Playwright, and servers of the review page for it."""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from review_server import ACCESS, TWO, serving, write_study
from stampshift.review.app import make_app
from stampshift.review.reviewed import open_review
from stampshift.review.vote_store import VoteStore

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
# no GPU and no sandbox in a container, and no word to the outside
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
FLAGS += ["--disable-background-networking", "--disable-component-update"]


@pytest.fixture(scope="module")
def chromium():
    """A running Chromium; the tests are skipped where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no chromium here; Debian's package is `chromium`")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Path:
    return write_study(tmp_path_factory.mktemp("study"))


class Server:
    """`stampshift review` as a process, on one file of votes, by one token and, once started, one port."""

    def __init__(self, study: Path, votes: Path) -> None:
        self.study, self.votes, self.port = study, votes, 0
        self.token = "that-of-every-start"
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> str:
        """Start it and give the address that it prints."""
        code = "from stampshift.cli import main; main()"
        command = [sys.executable, "-c", code, "review", self.study, "--votes", self.votes, "--no-open"]
        command += ["--port", str(self.port)]
        environment = os.environ | {"STAMPSHIFT_REVIEW_TOKEN": self.token}
        self.process = subprocess.Popen(
            list(map(str, command)), stdout=subprocess.PIPE, text=True, env=environment
        )
        assert self.process.stdout is not None
        (address,) = re.findall(r"http://\S+", self.process.stdout.readline())
        self.port = int(re.findall(r":(\d+)/", address)[0])
        return address

    def kill(self) -> None:
        """End it as a power cut would."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.communicate()
            self.process = None


@pytest.fixture
def server(study, tmp_path):
    made = Server(study, tmp_path / "votes.sqlite")
    yield made
    made.kill()


@pytest.fixture
def store(study, tmp_path):
    with VoteStore.open(tmp_path / "votes.sqlite", open_review(study, stamps=None)) as made:
        yield made


@pytest.fixture
def address(chromium, study, store):
    """A server in this process, of which every candidate wants two raters."""
    review = open_review(study, stamps=None)
    with serving(make_app(review, store, asking=TWO, access=ACCESS)) as served:
        yield f"{served}/?token={ACCESS.token}"


@pytest.fixture
def enter(chromium):
    """A function that opens the page under a name in a fresh browser; an error in a page fails the test."""
    from review_page import HERE  # which needs playwright

    contexts, errors = [], []

    def open_page(address, name, **options):
        context = chromium.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(address)
        page.get_by_label("Name", exact=True).fill(name)
        page.get_by_role("button", name="Start").click()
        page.locator(HERE).wait_for()
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert errors == []
