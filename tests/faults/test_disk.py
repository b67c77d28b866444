"""Full or read-only disks and damaged files: a sentence, nothing half-written, and a good rerun."""

import logging
import subprocess

import numpy as np
import pandas as pd
import pytest
from httpx import Client
from training_job import CPU, plan, results, train

from fake_surveys import write_survey
from review_server import ACCESS, COOKIES, TWO, serving, write_study
from stampshift.core.errors import ContractError, WriteError
from stampshift.core.files import write_parquet
from stampshift.review.app import make_app
from stampshift.review.reviewed import open_review
from stampshift.review.vote_store import VoteStore
from stampshift.stamps.file import Stamps
from stampshift.training.cohort import CohortError
from stampshift.training.model import Model
from stampshift.training.store import Store

JOB = {"seeds": [0, 1, 2], "threads": 1, "checkpoint_epochs": 1}
FULL = "cannot be written: the disk is full. No partial file remains; fix this and run the same"
READ_ONLY = "cannot be written: its file system is read-only. No partial file remains"


@pytest.fixture
def disk(tmp_path):
    """Mount a small file system; mounting it again changes its size, or makes it read-only."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def mount(kilobytes, *, options="rw", again=False):
        given = f"{'remount,' if again else ''}size={kilobytes}k,{options}"
        command = ["mount", "-t", "tmpfs", "-o", given, "stampshift-test", folder]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"only the superuser can mount a separate disk: {done.stderr.strip()}")
        return folder

    yield mount
    subprocess.run(["umount", "--lazy", folder], capture_output=True, check=False)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return write_study(tmp_path_factory.mktemp("study"))


@pytest.fixture
def job(survey_files):
    return JOB | {kind: str(survey_files[kind]["A"]) for kind in ("stamps", "splits")}


def fill(folder, *, but_kilobytes):
    free = int(subprocess.check_output(["df", "--output=avail", "-k", folder], text=True).split()[1])
    (folder / "ballast").write_bytes(bytes(1024 * (free - but_kilobytes)))


@pytest.mark.parametrize("kilobytes", [1000, 2100], ids=["while pixels are written", "before the rest is"])
def test_stamps_on_a_full_disk(disk, tmp_path, kilobytes):
    """400 stamps are 2.1 MB."""
    folder = disk(kilobytes)
    with pytest.raises(WriteError, match=f"A.h5: {FULL}"):
        write_survey(folder, "A", width=1.5)
    assert list(folder.iterdir()) == []
    disk(9000, again=True)
    again = write_survey(folder, "A", width=1.5)
    assert again.read_bytes() == write_survey(tmp_path, "A", width=1.5).read_bytes()


def test_a_disk_that_holds_a_stamps_file_once_is_large_enough(disk):
    """Their pixels, 2.1 MB, are written to their place and not spooled."""
    assert write_survey(disk(2500), "A", width=1.5).stat().st_size > 2.1e6


def test_a_table_on_a_full_disk(disk):
    folder, table = disk(100), pd.DataFrame({"score": np.random.default_rng(0).normal(size=100_000)})
    with pytest.raises(WriteError, match=f"scores.parquet: {FULL}"):
        write_parquet(folder / "scores.parquet", table)
    assert list(folder.iterdir()) == []
    disk(9000, again=True)
    write_parquet(folder / "scores.parquet", table)
    assert pd.read_parquet(folder / "scores.parquet").equals(table)


def test_votes_on_a_full_disk(disk, study):
    """The page's server answers with the sentence, keeps what it has, and goes on once there is room."""
    folder, review = disk(300), open_review(study, stamps=None)
    full = "votes.sqlite: cannot be used: the disk is full. Votes saved before are kept."
    with VoteStore.open(folder / "votes.sqlite", review) as store:
        app = make_app(review, store, asking=TWO, access=ACCESS)
        with serving(app) as address, Client(base_url=address, cookies=COOKIES) as client:

            def vote(number):
                content = {"review": review.fingerprint, "key": f"{number:016}", "vote": "real"}
                content |= {"id": f"c{number % 30}", "rater": f"rater {number}"}
                return client.post("api/votes", json=content, headers={"Origin": address})

            assert vote(0).status_code == 200
            fill(folder, but_kilobytes=0)
            saved, number = 1, 1
            while (answer := vote(number)).status_code == 200:
                saved, number = saved + 1, number + 1
            assert (answer.status_code, answer.json()["detail"]) == (507, f"{folder}/{full}")
            assert client.get("api/review").status_code == 200
            assert len(store.after(0)) == saved
            (folder / "ballast").unlink()
            assert vote(number).status_code == 200
            assert len(store.after(0)) == saved + 1
    fill(folder, but_kilobytes=0)
    with pytest.raises(WriteError, match=r"other\.sqlite: cannot be used: the disk is full"):
        VoteStore.open(folder / "other.sqlite", review)


def test_votes_in_a_read_only_folder(disk, study):
    """They are read, and no page is opened for more."""
    folder, review = disk(300), open_review(study, stamps=None)
    with VoteStore.open(folder / "votes.sqlite", review) as store:
        store.add(key="a" * 16, id="c0", rater="ann", vote="real")
    disk(300, options="ro", again=True)
    with VoteStore.read(folder / "votes.sqlite") as store:
        assert store.standing()["id"].tolist() == ["c0"]
        with pytest.raises(WriteError, match="cannot be used: you may not write to it or to its folder"):
            store.add(key="b" * 16, id="c1", rater="ann", vote="real")
    for path in (folder / "votes.sqlite", folder / "other.sqlite", folder / "below" / "votes.sqlite"):
        with pytest.raises(WriteError, match=f"{path}: cannot be used: "):
            VoteStore.open(path, review)


def test_models_on_a_full_disk(disk, job, undisturbed):
    """The first run fits, the second's files do not."""
    folder = disk(20_000)
    train(job | {"seeds": [0]}, folder)
    fill(folder, but_kilobytes=300)
    with pytest.raises(CohortError, match=rf"2 of 3 runs failed.\nbaseline/A/seed-1: .*{FULL}"):
        train(job, folder)
    assert set(results(job, folder)) == {"seed-0"}
    assert list(folder.rglob("*.part*")) == []
    (folder / "ballast").unlink()
    train(job, folder)
    assert results(job, folder) == undisturbed


def test_results_that_are_read_only(disk, job, undisturbed):
    folder = disk(20_000)
    train(job | {"seeds": [0]}, folder)
    disk(20_000, options="ro", again=True)
    with pytest.raises(WriteError, match=READ_ONLY):
        train(job, folder)
    disk(20_000, again=True)
    train(job, folder)
    assert results(job, folder) == undisturbed


def test_a_damaged_checkpoint_is_set_aside_by_name_and_the_training_starts_again(
    training_job, undisturbed, caplog
):
    """One flipped bit in a weight: the file can be read, and would train on to another model."""
    process = training_job.start(wait=["baseline/A/seed-1", 3])
    process.kill()
    process.communicate()
    checkpoint = Store(training_job.folder / "store").record(
        plan(training_job.job, 1).key(CPU)
    ).with_suffix(".checkpoint")  # fmt: skip
    content = bytearray(checkpoint.read_bytes())
    content[len(content) // 2] ^= 1
    checkpoint.write_bytes(content)
    caplog.set_level(logging.INFO)
    training_job.rerun()
    (warning,) = [record for record in caplog.records if record.levelno == logging.WARNING]
    aside = checkpoint.with_suffix(".damaged-checkpoint")
    assert warning.getMessage().startswith(f"{checkpoint}: not a readable file of weights (BadZipFile: ")
    assert warning.getMessage().endswith(f" The training starts from its beginning; the file is now {aside}.")
    assert aside.read_bytes() == content
    assert "baseline/A/seed-1: continues after" not in caplog.text
    assert training_job.results() == undisturbed


def test_a_model_file_with_one_wrong_bit_is_refused(training_job):
    training_job.job["seeds"] = [0]
    training_job.rerun()
    model = Store(training_job.folder / "store").record(plan(training_job.job, 0).key(CPU)) / "model.pt"
    content = bytearray(model.read_bytes())
    content[len(content) // 2] ^= 1
    model.write_bytes(content)
    with pytest.raises(ContractError, match=r"model.pt: not a readable file of weights .*differs from its"):
        Model.open(model)


@pytest.mark.parametrize("damage", ["cut short", "overwritten"])
def test_a_damaged_stamps_file_is_named(tmp_path, survey_files, damage):
    content = survey_files["stamps"]["A"].read_bytes()
    stamps = tmp_path / "A.h5"
    stamps.write_bytes(content[: len(content) // 2] if damage == "cut short" else bytes(512) + content[512:])
    message = r"A\.h5: not a readable stamps file .* If the workflow made it, delete it"
    with pytest.raises(ContractError, match=message):
        Stamps.open(stamps)
    with pytest.raises(ContractError, match=message):
        train(JOB | {"stamps": str(stamps), "splits": str(survey_files["splits"]["A"])}, tmp_path)
