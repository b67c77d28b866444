"""Votes in SQLite: one row each, on disk before they count as saved, never changed afterwards."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import NamedTuple, Self

import pandas as pd

from stampshift.core.errors import ContractError, StampshiftError, WriteError
from stampshift.core.files import make_folder
from stampshift.review.raters import folded, one_spelling, rater_name
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
TEXTS = {"candidate": ("id", "label"), "vote": ("key", "id", "rater", "vote", "time")}
# an undo is saved only where the rater's last word on the candidate is not one already
INSERTION = """INSERT INTO vote (key, id, rater, vote, time)
    SELECT :key, :id, :rater, :vote, :time WHERE :vote <> 'undo' OR 'undo' <> (
        SELECT vote FROM vote WHERE id = :id AND folded(rater) = folded(:rater) ORDER BY number DESC LIMIT 1)
    ON CONFLICT (key) DO NOTHING"""
# what the system refuses is no fault of the file
SYSTEM_FAULTS = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_READONLY: "you may not write to it or to its folder",
    sqlite3.SQLITE_PERM: "you may not write to it or to its folder",
    sqlite3.SQLITE_CANTOPEN: "it is a folder, or you have no permission for it or for its folder",
    sqlite3.SQLITE_IOERR: "the disk reports a fault, or your quota is used up",
    sqlite3.SQLITE_BUSY: "another program keeps it locked",
}


class NothingToUndoError(StampshiftError):
    """A rater has no vote on a candidate that could be undone."""


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
        with _explained(path):
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
        """Open an existing file of votes, in a read-only folder too; a `ContractError` if there is none."""
        with _explained(path):
            if not path.is_file():
                raise ContractError(f"{path}: no such file of votes; `stampshift review` makes it.")
        with _opening(path, alone=not os.access(path.resolve().parent, os.W_OK)) as connection:
            store = cls(path, connection)
            store._identity()
            return store

    def add(self, *, key: str, id: str, rater: str, vote: str) -> SavedVote:
        """Save a vote, which is on disk when this returns; one sent again under its key is saved once.

        Raises a `StampshiftError` if the candidate is not in the review, or the key is that of another vote;
        a `NothingToUndoError` if the rater has no vote to undo; a `WriteError` if the disk is full.
        """
        rater = rater_name(rater)
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        with self._in_use() as connection:
            try:
                connection.execute(
                    INSERTION, {"key": key, "id": id, "rater": rater, "vote": vote, "time": now}
                )
            except sqlite3.IntegrityError as error:
                raise StampshiftError(f"{vote} on candidate {id}: refused ({error}).") from error
            rows = connection.execute("SELECT * FROM vote WHERE key = ?", (key,)).fetchall()
        if not rows:
            raise NothingToUndoError(f"{rater} has no vote on {id} that could be undone.")
        saved = SavedVote(*rows[0])
        if (saved.id, saved.rater, saved.vote) != (id, rater, vote):
            raise StampshiftError(f"key {key}: already used for another vote, on candidate {saved.id}.")
        return saved

    def after(self, number: int) -> list[SavedVote]:
        """Votes saved after the vote of that number, in the order of saving."""
        with self._in_use() as connection:
            rows = connection.execute("SELECT * FROM vote WHERE number > ? ORDER BY number", (number,))
            return [SavedVote(*row) for row in rows]

    def standing(self) -> pd.DataFrame:
        """The last vote of every rater on every candidate, unless withdrawn, in the order of saving.

        A rater's name has one spelling (`one_spelling`).
        """
        votes = pd.DataFrame(self.after(0), columns=SavedVote._fields)
        votes["rater"] = one_spelling(votes["rater"])
        last = votes.drop_duplicates(["id", "rater"], keep="last")
        return last.loc[last["vote"] != UNDO, list(SavedVote._fields[2:])].reset_index(drop=True)

    def labels(self) -> dict[str, str]:
        """Label before the review, ``"real"``, ``"bogus"`` or ``"unlabelled"``, by candidate."""
        with self._in_use() as connection:
            return dict(connection.execute("SELECT id, label FROM candidate"))

    def survey(self) -> str:
        """Name of the survey."""
        with self._in_use():
            return self._identity()[0]

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    @contextmanager
    def _in_use(self) -> Iterator[sqlite3.Connection]:
        with self._lock, _explained(self.path):
            yield self._connection

    def _identity(self) -> tuple[str, str]:
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if version != FORMAT:
            raise sqlite3.DatabaseError(f"format {version} where {FORMAT} is needed")
        reviews = self._connection.execute("SELECT survey, fingerprint FROM review").fetchall()
        if len(reviews) != 1 or not all(isinstance(each, str) for each in reviews[0]):
            raise sqlite3.DatabaseError(f"{len(reviews)} reviews with names where one is needed")
        for table, columns in TEXTS.items():
            others = " OR ".join(f"typeof({column}) <> 'text'" for column in columns)
            (count,) = self._connection.execute(f"SELECT count(*) FROM {table} WHERE {others}").fetchone()
            if count:
                raise sqlite3.DatabaseError(f"{count} rows of the table '{table}' are no text")
        return reviews[0]

    def _create_if_new(self, review: Review) -> None:
        """Make the tables in one transaction: a kill in the middle leaves an empty file."""
        execute = self._connection.execute
        execute("BEGIN IMMEDIATE")
        if execute("SELECT count(*) FROM sqlite_schema").fetchone() == (0,):
            for statement in SCHEMA:
                execute(statement)
            self._connection.executemany("INSERT INTO candidate VALUES (?, ?)", review.labels.items())
            created = datetime.now(UTC).isoformat(timespec="seconds")
            execute("INSERT INTO review VALUES (?, ?, ?)", (review.survey, review.fingerprint, created))
            execute(f"PRAGMA user_version = {FORMAT}")
        execute("COMMIT")


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn errors of SQLite and of the system into those of the file, with the reason."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        reason = error.strerror if isinstance(error, OSError) else _system_fault(error)
        if reason is None:
            raise ContractError(
                f"{path}: not a usable file of votes ({error}). Nothing was changed; name another with "
                "--votes."
            ) from error
        raise WriteError(f"{path}: cannot be used: {reason}. Votes saved before are kept.") from error


def _system_fault(error: sqlite3.Error) -> str | None:
    # the lowest byte is the kind, and the others are its details
    return SYSTEM_FAULTS.get(getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF)


@contextmanager
def _opening(path: Path, *, alone: bool = False) -> Iterator[sqlite3.Connection]:
    """A connection that stays open if the block ends well; `alone` if no log can be made beside the file."""
    address = path.absolute().as_uri()
    if alone and not path.with_name(f"{path.name}-wal").exists():
        address += "?immutable=1"
    with _explained(path):
        connection = sqlite3.connect(
            address, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            connection.create_function("folded", 1, folded, deterministic=True)
            # a commit is on disk before it returns
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            # every commit goes on from the log into the file itself: a copy of it alone holds all votes
            connection.execute("PRAGMA wal_autocheckpoint = 1")
            yield connection
        except BaseException:
            connection.close()
            raise
