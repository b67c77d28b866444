"""Votes in SQLite: one row each, on disk before they count as saved, never changed afterwards."""

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import NamedTuple, Self

import pandas as pd

from stampshift.core.errors import ContractError, StampshiftError
from stampshift.core.files import make_folder
from stampshift.review.reviewed import Review

UNDO = "undo"
FORMAT = 1
BUSY_SECONDS = 30
SCHEMA = (
    "CREATE TABLE review (survey TEXT NOT NULL, fingerprint TEXT NOT NULL, created TEXT NOT NULL)",
    """CREATE TABLE candidate (
        id TEXT PRIMARY KEY,
        label TEXT NOT NULL CHECK (label IN ('real', 'bogus', 'unlabelled')))""",
    """CREATE TABLE vote (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        key TEXT NOT NULL UNIQUE,
        id TEXT NOT NULL REFERENCES candidate (id),
        rater TEXT NOT NULL,
        vote TEXT NOT NULL CHECK (vote IN ('real', 'bogus', 'skip', 'undo')),
        time TEXT NOT NULL)""",
    """CREATE TRIGGER votes_are_not_changed BEFORE UPDATE ON vote
        BEGIN SELECT RAISE(ABORT, 'a vote is never changed'); END""",
    """CREATE TRIGGER votes_are_not_deleted BEFORE DELETE ON vote
        BEGIN SELECT RAISE(ABORT, 'a vote is never deleted'); END""",
)


class SavedVote(NamedTuple):
    """A vote as stored in the file."""

    number: int  # 1, 2, ... in the order of saving
    key: str  # the browser's name of the vote: sent again under the same key it is the same vote
    id: str  # of the candidate
    rater: str
    vote: str  # real, bogus or skip; undo withdraws what the rater said of the candidate
    time: str  # when it was saved, ISO 8601 UTC with milliseconds


class VoteStore(AbstractContextManager["VoteStore"]):
    """A file of votes on one review; many threads, and processes on one machine, may use it at once."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection
        self._lock = Lock()

    @classmethod
    def open(cls, path: Path, review: Review) -> Self:
        """Open the file of a review's votes, created if missing; a `ContractError` if it is of another."""
        make_folder(path.parent)
        with _opening(path) as connection:
            store = cls(path, connection)
            store._create_if_new(review)
            survey, fingerprint = store._identity()
            if fingerprint != review.fingerprint:
                raise ContractError(
                    f"{path}: its votes are on other candidates (of {survey}, fingerprint {fingerprint}) "
                    f"than these (of {review.survey}, fingerprint {review.fingerprint}). Nothing was "
                    "changed: keep it, and name another file with --votes."
                )
            connection.execute("PRAGMA journal_mode = WAL")
            return store

    @classmethod
    def read(cls, path: Path) -> Self:
        """Open an existing file of votes; a `ContractError` if there is none."""
        if not path.is_file():
            raise ContractError(f"{path}: no such file of votes; `stampshift review` makes it.")
        with _opening(path) as connection:
            store = cls(path, connection)
            store._identity()
            return store

    def add(self, *, key: str, id: str, rater: str, vote: str) -> SavedVote:
        """Save a vote, which is on disk when this returns; one sent again under its key is saved once.

        Raises a `StampshiftError` if the candidate is not in the review, or the key is that of another vote.
        """
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        with self._lock:
            try:
                self._connection.execute(
                    "INSERT INTO vote (key, id, rater, vote, time) VALUES (?, ?, ?, ?, ?)"
                    " ON CONFLICT (key) DO NOTHING",
                    (key, id, rater, vote, now),
                )
            except sqlite3.IntegrityError as error:
                raise StampshiftError(f"{vote} on candidate {id}: refused ({error}).") from error
            (row,) = self._connection.execute("SELECT * FROM vote WHERE key = ?", (key,))
        saved = SavedVote(*row)
        if (saved.id, saved.rater, saved.vote) != (id, rater, vote):
            raise StampshiftError(f"key {key}: already used for another vote, on candidate {saved.id}.")
        return saved

    def after(self, number: int) -> list[SavedVote]:
        """Votes saved after the vote of that number, in the order of saving."""
        with self._lock:
            rows = self._connection.execute("SELECT * FROM vote WHERE number > ? ORDER BY number", (number,))
            return [SavedVote(*row) for row in rows]

    def standing(self) -> pd.DataFrame:
        """The last vote of every rater on every candidate, unless withdrawn, in the order of saving."""
        last: dict[tuple[str, str], SavedVote] = {}
        for vote in self.after(0):
            last.pop((vote.id, vote.rater), None)
            if vote.vote != UNDO:
                last[vote.id, vote.rater] = vote
        return pd.DataFrame([vote[2:] for vote in last.values()], columns=SavedVote._fields[2:])

    def labels(self) -> dict[str, str]:
        """Label before the review, ``"real"``, ``"bogus"`` or ``"unlabelled"``, by candidate."""
        with self._lock:
            return dict(self._connection.execute("SELECT id, label FROM candidate"))

    def survey(self) -> str:
        """Name of the survey."""
        with self._lock:
            return self._identity()[0]

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def _identity(self) -> tuple[str, str]:
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if version != FORMAT:
            raise sqlite3.DatabaseError(f"format {version} where {FORMAT} is needed")
        ((survey, fingerprint),) = self._connection.execute("SELECT survey, fingerprint FROM review")
        return survey, fingerprint

    def _create_if_new(self, review: Review) -> None:
        """Make the tables in one transaction: a kill in the middle leaves an empty file."""
        execute = self._connection.execute
        execute("BEGIN IMMEDIATE")
        if execute("SELECT count(*) FROM sqlite_schema").fetchone() == (0,):
            for statement in SCHEMA:
                execute(statement)
            labels = [(name, kept.label) for name, kept in review.candidates.items()]
            self._connection.executemany("INSERT INTO candidate VALUES (?, ?)", labels)
            created = datetime.now(UTC).isoformat(timespec="seconds")
            execute("INSERT INTO review VALUES (?, ?, ?)", (review.survey, review.fingerprint, created))
            execute(f"PRAGMA user_version = {FORMAT}")
        execute("COMMIT")


@contextmanager
def _opening(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that stays open if the block ends well; errors of SQLite become those of the file."""
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        # a commit is on disk before it returns
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        # every commit goes on from the log into the file itself, so that a copy of it alone holds all votes
        connection.execute("PRAGMA wal_autocheckpoint = 1")
        yield connection
    except Exception as error:
        connection.close()
        if not isinstance(error, sqlite3.Error):
            raise
        raise ContractError(
            f"{path}: not a usable file of votes ({error}). Nothing was changed; name another with --votes."
        ) from error
