"""The Makefile says what it can make."""

import re
import subprocess

import pytest

from tiny_project import ROOT

TARGETS = re.findall(r"^([a-z-]+):.*?## (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize("arguments", [[], ["help"]])
def test_a_bare_make_lists_every_target_and_makes_nothing(arguments):
    command = ["make", "--no-print-directory", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert [tuple(line.split(maxsplit=2)[1:]) for line in done.stdout.splitlines()] == TARGETS


def test_every_target_says_what_it_makes():
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert [name for name, _ in TARGETS] == phony[1].split()
