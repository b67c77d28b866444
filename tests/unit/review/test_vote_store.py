import shutil
import signal
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from stampshift.core.errors import ContractError, StampshiftError, WriteError
from stampshift.review.vote_format import EARLIER, FIRST
from stampshift.review.vote_store import NothingToUndoError, VoteStore


def words(store):
    return [" ".join(row) for row in store.standing()[["rater", "id", "vote"]].to_numpy()]


def test_a_vote_is_kept_with_its_rater_and_the_time_in_utc(store):
    before = datetime.now(UTC) - timedelta(seconds=1)
    saved = store.add(key="a" * 16, id="c0", rater="Ann Ö'Neil", vote="real")
    assert saved[:5] == (1, "a" * 16, "c0", "Ann Ö'Neil", "real")
    assert saved.time.endswith("Z")
    assert before < datetime.fromisoformat(saved.time) < datetime.now(UTC) + timedelta(seconds=1)
    assert store.after(0) == [saved]
    assert store.after(1) == []


def test_undo_and_a_change_of_mind_are_rows_and_the_last_one_counts(store, say):
    say("ann c0 real", "ann c0 undo", "ann c1 real", "ann c1 bogus", "bob c1 skip")
    assert [vote.vote for vote in store.after(0)] == ["real", "undo", "real", "bogus", "skip"]
    assert words(store) == ["ann c1 bogus", "bob c1 skip"]


def test_a_vote_sent_again_is_saved_once(store):
    first = store.add(key="a" * 16, id="c0", rater="ann", vote="real")
    assert store.add(key="a" * 16, id="c0", rater="ann", vote="real") == first
    assert len(store.after(0)) == 1
    with pytest.raises(StampshiftError, match="another vote, on candidate c0"):
        store.add(key="a" * 16, id="c0", rater="ann", vote="bogus")


def test_the_file_itself_refuses_changes_of_votes(store, say):
    say("ann c0 real")
    other = sqlite3.connect(store.path)
    for statement in ("UPDATE vote SET vote = 'bogus'", "DELETE FROM vote"):
        with pytest.raises(sqlite3.IntegrityError, match="a vote is never"):
            other.execute(statement)
    other.close()


def test_a_vote_on_no_candidate_is_refused(store):
    with pytest.raises(StampshiftError, match="candidate other0: refused"):
        store.add(key="a" * 16, id="other0", rater="ann", vote="real")


def test_votes_of_many_threads_and_files_are_all_kept(store, review):
    with VoteStore.open(store.path, review) as second, ThreadPoolExecutor(8) as pool:
        for number in range(60):
            to = (store, second)[number % 2]
            pool.submit(to.add, key=f"{number:016}", id=f"c{number % 30}", rater=f"r{number}", vote="real")
    assert sorted(vote.key for vote in store.after(0)) == [f"{number:016}" for number in range(60)]


def test_nothing_is_lost_when_the_process_is_killed(study, tmp_path, review):
    path = tmp_path / "killed.sqlite"
    code = """
import os, signal, sys
from pathlib import Path
from stampshift.review.reviewed import open_review
from stampshift.review.vote_format import EARLIER, FIRST
from stampshift.review.vote_store import VoteStore
store = VoteStore.open(Path(sys.argv[2]), open_review(Path(sys.argv[1]), stamps=None))
for number in range(5):
    store.add(key=f"{number:016}", id=f"c{number}", rater="ann", vote="real")
os.kill(os.getpid(), signal.SIGKILL)
"""
    ended = subprocess.run([sys.executable, "-c", code, study, path], check=False)
    assert ended.returncode == -signal.SIGKILL
    # even of the file alone, copied away from its log
    copied = tmp_path / "copied.sqlite"
    shutil.copy(path, copied)
    for file in (path, copied):
        with VoteStore.open(file, review) as store:
            assert words(store) == [f"ann c{number} real" for number in range(5)]


def test_votes_on_other_candidates_are_refused_and_kept(store, say, review):
    say("ann c0 real")
    with pytest.raises(ContractError, match=r"other candidates \(of DES, .*of Other, .*--votes"):
        VoteStore.open(store.path, replace(review, survey="Other", fingerprint="0" * 16))
    assert words(store) == ["ann c0 real"]


def test_a_file_that_is_not_a_file_of_votes_is_left_alone(tmp_path, review):
    text, database = tmp_path / "notes.txt", tmp_path / "other.sqlite"
    text.write_text("my notes, long enough not to be taken for an empty database. " * 20)
    other = sqlite3.connect(database)
    other.execute("CREATE TABLE mine (a)")
    other.close()
    for path in (text, database):
        before = path.read_bytes()
        with pytest.raises(ContractError, match="not a usable file of votes"):
            VoteStore.open(path, review)
        assert path.read_bytes() == before
    with pytest.raises(ContractError, match="no such file of votes"):
        VoteStore.read(tmp_path / "nothing.sqlite")


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE candidate SET label = x'fffe' WHERE id = 'c1'",
        "UPDATE vote SET rater = x'ff'",
        "UPDATE vote SET vote = x'7265616c'",
        "UPDATE review SET survey = x'fffe'",
        "UPDATE vote SET seconds = x'fffe'",
        "UPDATE vote SET seconds = 'soon'",
        "DELETE FROM review",
    ],
)
def test_a_file_of_votes_with_rows_that_are_no_text_is_refused_by_name(store, say, review, change):
    say("ann c0 real")
    with closing(sqlite3.connect(store.path)) as file, file:
        file.execute("DROP TRIGGER votes_are_not_changed")
        file.execute("PRAGMA ignore_check_constraints = ON")
        file.execute(change)
    file.close()
    for again in (lambda: VoteStore.open(store.path, review), lambda: VoteStore.read(store.path)):
        with pytest.raises(ContractError, match=rf"{store.path.name}.*not a usable file of votes"):
            again()


def test_a_damaged_name_in_the_files_own_table_of_tables_is_refused_by_name(store, say, review):
    say("ann c0 real")
    with store:
        pass
    content = store.path.read_bytes()
    # SQLite cites the damaged line of its schema in a message that is then no UTF-8 itself
    store.path.write_bytes(content.replace(b"CREATE TABLE vote", b"CREATE \xf7TABLEvote"))
    for again in (lambda: VoteStore.open(store.path, review), lambda: VoteStore.read(store.path)):
        with pytest.raises(ContractError, match=rf"{store.path.name}.*not a usable file of votes"):
            again()


def test_a_column_that_another_program_added_changes_nothing(store, say, review):
    say("ann c0 real")
    with closing(sqlite3.connect(store.path)) as file, file:
        file.execute("ALTER TABLE vote ADD COLUMN note TEXT")
    file.close()
    with VoteStore.open(store.path, review) as again:
        assert [vote.rater for vote in again.after(0)] == ["ann"]
        assert len(again.standing()) == 1


def test_an_undo_needs_a_vote_of_the_raters_own(store, say):
    say("ann c0 real")
    before = store.after(0)
    for rater, name in (("bob", "c0"), ("ann", "c1"), ("ann", "other0")):
        with pytest.raises(NothingToUndoError, match=f"{rater} has no vote on {name} that could be undone"):
            store.add(key="u" * 16, id=name, rater=rater, vote="undo")
    assert store.after(0) == before
    undone = store.add(key="u" * 16, id="c0", rater="Ann", vote="undo")
    assert store.add(key="u" * 16, id="c0", rater="Ann", vote="undo") == undone  # sent again
    with pytest.raises(NothingToUndoError):
        store.add(key="v" * 16, id="c0", rater="ann", vote="undo")
    say("ann c0 bogus")
    store.add(key="v" * 16, id="c0", rater="ann", vote="undo")
    assert words(store) == []


def test_spellings_of_one_rater_are_one_rater_in_a_file_of_an_earlier_version_too(store, say):
    say("Ann c0 real", "bob c0 real")
    other = sqlite3.connect(store.path)
    for number, name in enumerate(["A\u200bnn", "\uff21nn", " ann"]):
        row = (f"{number:016}", "c0", name, "bogus", f"2026-01-01T00:00:0{number}Z")
        other.execute("INSERT INTO vote (key, id, rater, vote, time) VALUES (?, ?, ?, ?, ?)", row)
    other.commit()
    other.close()
    assert words(store) == ["bob c0 real", "Ann c0 bogus"]


@pytest.mark.parametrize("place", ["a folder", "notes.txt/votes.sqlite", "notes.txt/below/votes.sqlite"])
def test_where_no_file_can_be_made_is_told_in_a_sentence(tmp_path, review, place):
    (tmp_path / "a folder").mkdir()
    (tmp_path / "notes.txt").touch()
    path = tmp_path / place
    with pytest.raises(WriteError, match=rf"^{path}: cannot be used: .* Votes saved before are kept\.$"):
        VoteStore.open(path, review)


def test_a_file_that_another_program_locks_is_told_in_a_sentence(store, say, monkeypatch):
    say("ann c0 real")
    other = sqlite3.connect(store.path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    monkeypatch.setattr("stampshift.review.vote_store.BUSY_SECONDS", 0)
    with VoteStore.read(store.path) as second, pytest.raises(WriteError, match="keeps it locked"):
        second.add(key="k" * 16, id="c1", rater="ann", vote="real")
    other.close()


def test_a_path_with_signs_of_an_address(tmp_path, review):
    path = tmp_path / "100% mine?mode=ro#{x}" / "votes.sqlite"
    with VoteStore.open(path, review) as store:
        store.add(key="a" * 16, id="c0", rater="ann", vote="real")
    with VoteStore.read(path) as store:
        assert words(store) == ["ann c0 real"]


def test_a_kill_while_the_file_is_made_leaves_one_that_can_be_made_again(tmp_path, review):
    path = tmp_path / "votes.sqlite"
    path.touch()
    with VoteStore.open(path, review) as store:
        assert store.labels()["c1"] == "real"
        assert store.survey() == "DES"


def test_reasons_and_the_time_taken_are_kept_with_the_vote(store):
    saved = store.add(
        key="a" * 16, id="c0", rater="ann", vote="bogus", tags=["saturated", "dipole"], seconds=2.5
    )
    assert (saved.tags, saved.seconds) == ("saturated;dipole", 2.5)
    assert store.standing()[["tags", "seconds"]].to_numpy().tolist() == [["saturated;dipole", 2.5]]


def test_votes_on_known_answers_are_apart_from_those_on_candidates(store):
    for _ in range(2):  # sent again
        store.add_gold(key="g" * 16, id="c1", answer="real", rater="ann", vote="bogus", seconds=1.0)
    assert store.after(0) == []
    assert store.standing().empty
    assert store.gold_votes().to_numpy().tolist() == [["c1", "real", "ann", "bogus", 1.0]]
    assert store.gold_seen("ANN") == {"c1"}
    assert store.gold_seen("bob") == set()
    with (
        pytest.raises(sqlite3.IntegrityError, match="never deleted"),
        closing(sqlite3.connect(store.path)) as other,
        other,
    ):
        other.execute("DELETE FROM gold_vote")


@pytest.fixture
def earlier(tmp_path, review):
    """A file of the earlier format, with a vote."""
    path = tmp_path / "earlier.sqlite"
    with closing(sqlite3.connect(path)) as file, file:
        for statement in FIRST:
            file.execute(statement)
        file.executemany("INSERT INTO candidate VALUES (?, ?)", review.labels.items())
        file.execute("INSERT INTO review VALUES (?, ?, 'then')", (review.survey, review.fingerprint))
        row = ("k" * 16, "c3", "ann", "real", "2026-01-01T00:00:00.000Z")
        file.execute("INSERT INTO vote (key, id, rater, vote, time) VALUES (?, ?, ?, ?, ?)", row)
        file.execute(f"PRAGMA user_version = {EARLIER}")
    file.close()
    return path


def test_a_file_of_the_earlier_format_is_read_as_it_is(earlier):
    before = earlier.read_bytes()
    with VoteStore.read(earlier) as store:
        assert words(store) == ["ann c3 real"]
        assert store.standing()[["tags"]].to_numpy().tolist() == [[""]]
        assert len(store.labels()) == 30
        assert store.gold_votes().empty
    assert earlier.read_bytes() == before


def test_a_file_of_the_earlier_format_goes_on_in_the_present_one(earlier, review):
    with VoteStore.open(earlier, review) as store:
        store.add(key="n" * 16, id="c4", rater="ann", vote="bogus", tags=["trail"], seconds=1.0)
        assert words(store) == ["ann c3 real", "ann c4 bogus"]
        store.add_gold(key="g" * 16, id="other0", answer="real", rater="ann", vote="real")
    with VoteStore.open(earlier, review) as again:
        assert words(again) == ["ann c3 real", "ann c4 bogus"]


def other_list(review, *names, **changes):
    """The review of another list of candidates."""
    labels = {name: review.labels.get(name, "unlabelled") for name in names} | changes.pop("labels", {})
    return replace(review, labels=labels, fingerprint="f" * 16, **changes)


def test_votes_pass_to_another_list_by_identifier_and_the_others_wait_in_the_file(store, say, review):
    say("ann c0 real", "ann c1 bogus", "bob c1 real")
    listed = other_list(review, "c1", "new", labels={"c2": "unlabelled"})
    with pytest.raises(ContractError, match=r"Nothing was changed: .* with --carry-over"):
        VoteStore.open(store.path, listed)
    with VoteStore.open(store.path, listed, carry_over=True) as carried:
        assert words(carried) == ["ann c1 bogus", "bob c1 real"]
        assert carried.labels() == {"c1": "real", "new": "unlabelled", "c2": "unlabelled"}
        assert len(carried.after(0)) == 3
        carried.add(key="n" * 16, id="new", rater="ann", vote="real")
    with VoteStore.open(store.path, listed) as again:
        assert words(again) == ["ann c1 bogus", "bob c1 real", "ann new real"]
    with VoteStore.open(store.path, review, carry_over=True) as back:
        assert words(back) == ["ann c0 real", "ann c1 bogus", "bob c1 real"]
        assert back.labels() == review.labels


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"survey": "Other"}, r"of DES, .*\(of Other, .*name another file"),
        ({"simulated": False}, "one of the two is simulated"),
        ({"names": ["x1", "x2"]}, "no identifier is in both"),
    ],
)
def test_votes_do_not_pass_to_another_survey(store, say, review, changes, message):
    say("ann c0 real")
    listed = other_list(review, *changes.pop("names", ["c0", "c1"]), **changes)
    with pytest.raises(ContractError, match=message):
        VoteStore.open(store.path, listed, carry_over=True)
    with VoteStore.open(store.path, review) as same:
        assert words(same) == ["ann c0 real"]
        assert len(same.labels()) == 30
