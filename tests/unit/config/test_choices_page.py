"""docs/choices.md names keys that exist, with the values that config.yaml gives them."""

import re
from functools import reduce
from operator import getitem
from pathlib import Path

import pytest
import yaml

from stampshift.config.configuration import read_experiment

ROOT = Path(__file__).parents[3]
CONFIG = yaml.safe_load((ROOT / "config.yaml").read_text())
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (ROOT / "docs/choices.md").read_text().splitlines()
    if line.startswith("|") and not line.startswith(("| choice |", "|---"))
]
# "`a.b`" or "`a.b: value`"; what is in brackets or after a semicolon are other values and files
NAMED = [
    (row[0], key, value)
    for row in ROWS
    for key, value in re.findall(r"`([a-zA-Z_.]+)(?:: ([^`]+))?`", re.sub(r"\(.*?\)|;.*", "", row[4]))
]


def test_every_row_says_what_the_texts_say_what_we_do_and_what_it_changes():
    assert len(ROWS) >= 25
    for row in ROWS:
        assert len(row) == 6, row
        assert all(row), row


@pytest.mark.parametrize(("choice", "key", "value"), NAMED)
def test_every_key_exists_and_has_the_value_of_the_page(choice, key, value):
    found = reduce(getitem, key.split("."), CONFIG)
    if value:
        assert found == yaml.safe_load(value), choice


def test_a_row_without_a_key_says_why_or_that_there_is_none():
    keyed = {choice for choice, *_ in NAMED}
    for row in ROWS:
        assert row[0] in keyed or row[4].startswith("none"), row


@pytest.mark.parametrize(
    "key",
    [
        "surveys.ATLAS.classes", "surveys.ATLAS.invalid", "surveys.DES.invalid", "splits.stratified",
        "splits.grouped", "splits.validation_shots", "network", "methods.mme.epoch", "methods.mme.steps",
        "methods.mme.entropy_weight.grid", "training.keep",
    ],
)  # fmt: skip
def test_what_the_texts_leave_open_has_a_key_on_the_page(key):
    assert key in {named for _, named, _ in NAMED}


@pytest.mark.parametrize(
    ("key", "others"),
    [
        ("splits.grouped", [False]),
        ("splits.stratified", [False]),
        ("network", ["bolivar_as_listed"]),
        ("methods.mme.epoch", ["each"]),
        ("methods.mme.steps", ["two"]),
        ("methods.mme.head", ["copied"]),
        ("surveys.ATLAS.invalid", [{}]),
        ("training.keep", ["first_best", "last_best", "lowest_validation_loss", "last"]),
    ],
)
def test_the_other_values_of_the_page_are_accepted(key, others):
    *sections, last = key.split(".")
    for other in others:
        config = yaml.safe_load((ROOT / "config.yaml").read_text())
        reduce(getitem, sections, config)[last] = other
        read_experiment(config)
