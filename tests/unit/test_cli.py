import sys

import pytest

import stampshift
from stampshift import cli


def call(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["stampshift", *map(str, arguments)])
    with pytest.raises(SystemExit) as end:
        cli.main()
    return end.value.code


def test_inspect_prints_counts_of_a_stamps_file(monkeypatch, capsys, survey_files):
    assert call(monkeypatch, "inspect", survey_files["stamps"]["A"]) == 0
    printed = capsys.readouterr().out
    assert "400" in printed
    assert "ghost" in printed


def test_a_file_that_is_not_there_is_one_sentence_and_status_one(monkeypatch, tmp_path):
    message = call(monkeypatch, "inspect", tmp_path / "nothing.h5")
    assert message.startswith("ArchiveError: ")
    assert "nothing.h5: no such file or folder" in message


def test_simulate_names_the_missing_constants(monkeypatch, tmp_path):
    message = call(monkeypatch, "simulate", "LSST", tmp_path, "--stamps", 10, "--seed", 1)
    assert "no constants of LSST" in message


def test_version(monkeypatch, capsys):
    assert call(monkeypatch, "--version") == 0
    assert capsys.readouterr().out.strip() == stampshift.__version__
