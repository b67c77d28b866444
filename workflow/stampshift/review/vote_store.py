"""Votes in SQLite: one row each, on disk before they count as saved, never changed afterwards."""

import os
import sqlite3
from collections.abc import Iterator, Sequence
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
from stampshift.review.tags import SEPARATOR
from stampshift.review.vote_format import identity_of, prepare, read_as_now

UNDO = "undo"
BUSY_SECONDS = 30
# an undo is saved only where the rater's last word on the candidate is not one already
INSERTION = """INSERT INTO vote (key, id, rater, vote, time, tags, seconds)
    SELECT :key, :id, :rater, :vote, :time, :tags, :seconds WHERE :vote <> 'undo' OR 'undo' <> (
        SELECT vote FROM vote WHERE id = :id AND folded(rater) = folded(:rater) ORDER BY number DESC LIMIT 1)
    ON CONFLICT (key) DO NOTHING"""
GOLD_INSERTION = """INSERT INTO gold_vote (key, id, answer, rater, vote, time, seconds)
    VALUES (:key, :id, :answer, :rater, :vote, :time, :seconds) ON CONFLICT (key) DO NOTHING"""
GOLD_COLUMNS = ("id", "answer", "rater", "vote", "seconds")
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
    tags: str  # the rater's reasons, of `tags.TAGS`, joined by `tags.SEPARATOR`
    seconds: float | None  # between the stamps on the screen and the vote, None where they were not taken


VOTE_COLUMNS = ", ".join(SavedVote._fields)


class VoteStore(AbstractContextManager["VoteStore"]):
    """A file of votes on one review; many threads, and processes on one machine, may use it at once."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection
        self._lock = Lock()

    @classmethod
    def open(cls, path: Path, review: Review, *, carry_over: bool = False) -> Self:
        """Open the file of a review's votes, created if missing; a `ContractError` if it is of another.

        With `carry_over` it may be that of another list of candidates of the survey (`vote_format.prepare`).
        """
        with _explained(path):
            make_folder(path.parent)
        with _opening(path) as connection:
            prepare(connection, review, path=path, carry_over=carry_over)
            connection.execute("PRAGMA journal_mode = WAL")
            return cls(path, connection)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Open an existing file of votes, in a read-only folder too; a `ContractError` if there is none."""
        with _explained(path):
            if not path.is_file():
                raise ContractError(f"{path}: no such file of votes; `stampshift review` makes it.")
        with _opening(path, alone=not os.access(path.resolve().parent, os.W_OK)) as connection:
            read_as_now(connection)
            identity_of(connection)
            return cls(path, connection)

    def add(
        self,
        *,
        key: str,
        id: str,
        rater: str,
        vote: str,
        tags: Sequence[str] = (),
        seconds: float | None = None,
    ) -> SavedVote:
        """Save a vote, which is on disk when this returns; one sent again under its key is saved once.

        Raises a `StampshiftError` if the candidate is not in the review, or the key is that of another vote;
        a `NothingToUndoError` if the rater has no vote to undo; a `WriteError` if the disk is full.
        """
        rater = rater_name(rater)
        values = {"key": key, "id": id, "rater": rater, "vote": vote, "time": _now(), "seconds": seconds}
        with self._in_use() as connection:
            try:
                connection.execute(INSERTION, values | {"tags": SEPARATOR.join(tags)})
            except sqlite3.IntegrityError as error:
                raise StampshiftError(f"{vote} on candidate {id}: refused ({error}).") from error
            rows = connection.execute(f"SELECT {VOTE_COLUMNS} FROM vote WHERE key = ?", (key,)).fetchall()
        if not rows:
            raise NothingToUndoError(f"{rater} has no vote on {id} that could be undone.")
        saved = SavedVote(*rows[0])
        if (saved.id, saved.rater, saved.vote) != (id, rater, vote):
            raise StampshiftError(f"key {key}: already used for another vote, on candidate {saved.id}.")
        return saved

    def add_gold(
        self, *, key: str, id: str, answer: str, rater: str, vote: str, seconds: float | None = None
    ) -> None:
        """Save a vote on a stamp whose answer is known, apart from those on candidates; once under its key.

        Raises a `WriteError` if the disk is full.
        """
        values = {"key": key, "id": id, "answer": answer, "rater": rater_name(rater), "vote": vote}
        with self._in_use() as connection:
            connection.execute(GOLD_INSERTION, values | {"time": _now(), "seconds": seconds})

    def gold_votes(self) -> pd.DataFrame:
        """Every vote on a stamp whose answer is known, in the order of saving: `GOLD_COLUMNS`."""
        with self._in_use() as connection:
            rows = connection.execute(f"SELECT {', '.join(GOLD_COLUMNS)} FROM gold_vote ORDER BY number")
            return pd.DataFrame(rows.fetchall(), columns=list(GOLD_COLUMNS))

    def gold_seen(self, rater: str) -> set[str]:
        """Stamps whose answer is known on which a rater has said anything."""
        with self._in_use() as connection:
            rows = connection.execute(
                "SELECT DISTINCT id FROM gold_vote WHERE folded(rater) = ?", (folded(rater),)
            )
            return {name for (name,) in rows}

    def after(self, number: int) -> list[SavedVote]:
        """Votes saved after the vote of that number, in the order of saving."""
        with self._in_use() as connection:
            rows = connection.execute(
                f"SELECT {VOTE_COLUMNS} FROM vote WHERE number > ? ORDER BY number", (number,)
            )
            return [SavedVote(*row) for row in rows]

    def standing(self) -> pd.DataFrame:
        """The last vote of every rater on every listed candidate, unless withdrawn, in the order of saving.

        A rater's name has one spelling (`one_spelling`).
        """
        votes = pd.DataFrame(self.after(0), columns=SavedVote._fields)
        votes["rater"] = one_spelling(votes["rater"])
        last = votes.drop_duplicates(["id", "rater"], keep="last")
        stands = (last["vote"] != UNDO) & last["id"].isin(list(self.labels()))
        return last.loc[stands, list(SavedVote._fields[2:])].reset_index(drop=True)

    def labels(self) -> dict[str, str]:
        """Label before the review, ``"real"``, ``"bogus"`` or ``"unlabelled"``, by candidate."""
        with self._in_use() as connection:
            return dict(connection.execute("SELECT id, label FROM candidate WHERE listed"))

    def survey(self) -> str:
        """Name of the survey."""
        with self._in_use() as connection:
            return identity_of(connection).survey

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    @contextmanager
    def _in_use(self) -> Iterator[sqlite3.Connection]:
        with self._lock, _explained(self.path):
            yield self._connection


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn errors of SQLite and of the system into those of the file, with the reason."""
    try:
        yield
    except (sqlite3.Error, OSError, UnicodeError) as error:  # the last, of a message that cites damaged text
        reason = error.strerror if isinstance(error, OSError) else _system_fault(error)
        if reason is None:
            raise ContractError(
                f"{path}: not a usable file of votes ({error}). Nothing was changed; name another file."
            ) from error
        raise WriteError(f"{path}: cannot be used: {reason}. Votes saved before are kept.") from error


def _system_fault(error: sqlite3.Error | UnicodeError) -> str | None:
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
            connection.execute("PRAGMA temp_store = MEMORY")
            # every commit goes on from the log into the file itself: a copy of it alone holds all votes
            connection.execute("PRAGMA wal_autocheckpoint = 1")
            yield connection
        except BaseException:
            connection.close()
            raise
