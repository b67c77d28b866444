"""`stampshift verify`: every kind of file, as written and with one byte changed."""

import shutil

import numpy as np
import pandas as pd
import pytest
import torch

from fake_surveys import write_survey
from stampshift.core.digests import write_digests
from stampshift.core.files import write_json, write_parquet
from stampshift.downloads.checksums import check, record_of
from stampshift.stamps.file import Stamps
from stampshift.stamps.splits import make_splits
from stampshift.surveys.verification import CHANGED, UNKNOWN, WRITTEN, exit_status, verify
from stampshift.training.model import save_tensors


@pytest.fixture
def folder(tmp_path):
    """A file of every kind that carries checksums."""
    stamps = Stamps.open(write_survey(tmp_path, "A", width=1.5))
    fractions = {"train": 0.8, "validation": 0.1, "test": 0.1}
    make_splits(stamps, fractions=fractions, seed=0).save(tmp_path / "splits.npz")
    save_tensors(tmp_path / "model.pt", {"weights": torch.zeros(10_000)})
    write_parquet(tmp_path / "table.parquet", pd.DataFrame({"score": np.linspace(0, 1, 1000), "flag": "x"}))
    return tmp_path


def verdicts(path, downloads="none.lock"):
    return [each.verdict for each in verify(path, downloads=path.parent / downloads)]


def damage(path, position):
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("name", ["A.h5", "splits.npz", "model.pt", "table.parquet"])
def test_files_that_carry_checksums(folder, name):
    assert verdicts(folder / name) == [WRITTEN]
    damage(folder / name, -5000 if name == "A.h5" else 2000)
    assert verdicts(folder / name) == [CHANGED]
    (folder / name).write_bytes(b"no such format")
    assert verdicts(folder / name) == [CHANGED]


def test_files_of_which_no_digest_is_known_are_said_to_be(tmp_path):
    (tmp_path / "runs.csv").write_text("method\nmme\n")
    write_json(tmp_path / "lambda.json", {"chosen": 0.1})
    pd.DataFrame({"score": [0.5]}).to_parquet(tmp_path / "foreign.parquet")  # without checksums
    for name in ("runs.csv", "lambda.json", "foreign.parquet"):
        assert verdicts(tmp_path / name) == [UNKNOWN]
    (tmp_path / "lambda.json").write_text('{"chosen":')
    assert verdicts(tmp_path / "lambda.json") == [CHANGED]
    (tmp_path / "empty").mkdir()
    assert verdicts(tmp_path / "empty") == [UNKNOWN]
    assert verdicts(tmp_path / "nothing") == [CHANGED]


def test_a_folder_with_a_list_is_one_thing_and_what_is_not_listed_is_told(tmp_path):
    run = tmp_path / "results" / "run"
    run.mkdir(parents=True)
    (run / "metrics.json").write_text("{}")
    write_digests(run)
    assert verdicts(tmp_path / "results") == [WRITTEN]
    assert verdicts(run / "metrics.json") == [WRITTEN]
    (run / "notes.md").write_text("notes")
    assert verdicts(tmp_path / "results") == [WRITTEN, UNKNOWN]
    (run / "metrics.json").write_text("{ }")
    (found,) = list(verify(run / "metrics.json", downloads=tmp_path / "none.lock"))
    assert found.verdict == CHANGED
    assert "has changed since it was written" in found.line()
    (run / "metrics.json").unlink()
    assert verdicts(run)[0] == CHANGED
    (run / "SHA256SUMS").write_text("abc")
    assert CHANGED in verdicts(run)
    (run / "SHA256SUMS").write_text(f"{'0' * 64}  ../../../etc/passwd\n")
    assert CHANGED in verdicts(run)


def test_a_release_without_its_list_is_not_as_it_was_written(tmp_path):
    write_json(tmp_path / "released" / "contract.json", {"format": 1})
    assert CHANGED in verdicts(tmp_path / "released")


def test_downloads_are_compared_with_their_records(tmp_path):
    archive = tmp_path / "raw" / "ZTF" / "stamps.tar"
    archive.parent.mkdir(parents=True)
    archive.write_bytes(b"archive")
    check("ZTF/stamps.tar", record_of(archive), known_sha256=None, lock=tmp_path / "downloads.lock")

    def found():
        return [each.verdict for each in verify(archive, downloads=tmp_path / "downloads.lock")]

    assert found() == [WRITTEN]
    archive.write_bytes(b"another")
    assert found() == [CHANGED]
    shutil.copy(archive, archive.with_name("unknown.tar"))
    assert verdicts(archive.with_name("unknown.tar")) == [UNKNOWN]


def test_the_exit_status_is_zero_only_if_all_is_as_written(folder):
    def status(*names):
        return exit_status(
            [each for name in names for each in verify(folder / name, downloads=folder / "none")]
        )

    (folder / "notes.txt").touch()
    assert status("A.h5", "splits.npz") == 0
    assert status("A.h5", "notes.txt") == 2
    damage(folder / "A.h5", -5000)
    assert status("A.h5", "notes.txt", "splits.npz") == 1
