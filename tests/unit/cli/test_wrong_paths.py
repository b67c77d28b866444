"""A path that is not there, or a folder where a file is wanted, is one sentence that names it."""

import re
import sys

import pandas as pd
import pytest

from fake_release import release_of, write_results, write_run
from stampshift import cli
from stampshift.config.experiment import Run
from tiny_project import ROOT

X = "X"  # in place of the wrong path
ADAPT = ("adapt", "{run}", "{stamps}", "--output", "new")
EXPORT = ("export", "{run}", "--output", "new")
REVIEW = ("review", "{stamps}", "--no-open", "--votes", "new.sqlite")
FILES = {
    "constants": ("simulate", "Rubin", "new", "--stamps", "3", "--seed", "1", "--constants", X),
    "config": ("stamps", "--config", X, "--survey", "B", "--output", "new.h5"),
    "review scores": (*REVIEW, "--scores", X),
    "review stamps": ("review", "{candidates}", "--no-open", "--stamps", X),
    "votes": ("review-export", X),
    "adapt target": ("adapt", "{run}", X, "--output", "new"),
    "adapt test": (*ADAPT, "--method", "finetune", "--test", X),
    "adapt source stamps": (*ADAPT, "--source-stamps", X),
    "adapt source splits": (*ADAPT, "--source-splits", X),
    "export stamps": (*EXPORT, "--stamps", X),
    "export splits": (*EXPORT, "--splits", X),
    "export labels": (*EXPORT, "--labels", X),
    "export notes": (*EXPORT, "--notes", X),
    "drift scores": ("drift", "{release}", X),
    "configfile": ("plan", "--configfile", X),
}
FOLDERS = {
    "inspect": ("inspect", X),
    "review gold": (*REVIEW, "--gold", X),
    "review candidates": ("review", X, "--no-open"),
    "adapt run": ("adapt", X, "{stamps}", "--output", "new"),
    "export run": ("export", X, "--output", "new"),
    "threshold": ("threshold", X, "--max-mdr", "0.1"),
    "score release": ("score", X, "{stamps}", "--output", "new.csv"),
    "score inputs": ("score", "{release}", X, "--output", "new.csv"),
    "schemas": ("score", "{release}", "{stamps}", "--schemas", X, "--output", "new.csv"),
    "drift release": ("drift", X, "{release}"),
    "summary": ("summary", X),
    "profile": ("plan", "--workflow-profile", X),
}
SAID = r"no such (file|folder|configuration file|profile|label file)|is a folder|does not exist|found no "
INTERNAL = r"Errno|synchronously|HDF5|h5py|pyarrow|Traceback"


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """A trained run, its release, a stamps file and a table of candidates."""
    folder = tmp_path_factory.mktemp("places")
    write_results(folder / "results")
    run = write_run(folder / "results", Run("baseline", "A", None, 0, 0))
    release_of(run, folder / "release")
    table = pd.DataFrame({"row": [0], "id": ["1"], "label": [1], "score": [0.5], "suspicion": [0.5]})
    table.to_parquet(folder / "candidates.parquet")
    names = {"run": run, "release": folder / "release", "candidates": folder / "candidates.parquet"}
    return names | {"stamps": folder / "results" / "stamps" / "B.h5"}


def said(monkeypatch, places, words, wrong):
    arguments = [str(wrong) if word == X else word.format(**places) for word in words]
    monkeypatch.setattr(sys, "argv", ["stampshift", *arguments])
    with pytest.raises(SystemExit) as end:
        cli.main()
    return str(end.value.code)


def check(message, wrong):
    assert str(wrong) in message
    assert re.search(SAID, message), message
    assert not re.search(INTERNAL, message), message


@pytest.mark.parametrize("words", [*FILES.values(), *FOLDERS.values()], ids=[*FILES, *FOLDERS])
def test_what_is_not_there_is_said_to_be_not_there(monkeypatch, places, tmp_path, words):
    monkeypatch.chdir(ROOT if words[0] == "plan" else tmp_path)
    check(said(monkeypatch, places, words, tmp_path / "nope.parquet"), tmp_path / "nope.parquet")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", FILES.values(), ids=FILES)
def test_a_folder_in_place_of_a_file_is_said_to_be_a_folder(monkeypatch, places, tmp_path, words):
    monkeypatch.chdir(ROOT if words[0] == "plan" else tmp_path)
    (tmp_path / "some.parquet").mkdir()
    check(said(monkeypatch, places, words, tmp_path / "some.parquet"), tmp_path / "some.parquet")
    assert [path.name for path in tmp_path.iterdir()] == ["some.parquet"]
