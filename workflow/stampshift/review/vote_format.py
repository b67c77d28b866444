"""The tables of a file of votes: made, brought up to date, carried over to other candidates."""

import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from stampshift.core.errors import ContractError
from stampshift.review.reviewed import Review

FORMAT = 2
EARLIER = 1  # without what `ADDITIONS` add
FIRST = (
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
# votes on stamps whose answer is known are in a table of their own, never among those on candidates
GOLD = """gold_vote (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        key TEXT NOT NULL UNIQUE,
        id TEXT NOT NULL,
        answer TEXT NOT NULL CHECK (answer IN ('real', 'bogus')),
        rater TEXT NOT NULL,
        vote TEXT NOT NULL CHECK (vote IN ('real', 'bogus', 'skip', 'undo')),
        time TEXT NOT NULL,
        seconds REAL)"""
ADDITIONS = (
    "ALTER TABLE review ADD COLUMN simulated INTEGER",  # NULL where it is not known
    "ALTER TABLE candidate ADD COLUMN listed INTEGER NOT NULL DEFAULT 1",  # 0 of an earlier list alone
    "ALTER TABLE vote ADD COLUMN tags TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE vote ADD COLUMN seconds REAL",
    f"CREATE TABLE {GOLD}",
    """CREATE TRIGGER gold_votes_are_not_changed BEFORE UPDATE ON gold_vote
        BEGIN SELECT RAISE(ABORT, 'a vote is never changed'); END""",
    """CREATE TRIGGER gold_votes_are_not_deleted BEFORE DELETE ON gold_vote
        BEGIN SELECT RAISE(ABORT, 'a vote is never deleted'); END""",
)
# an earlier file that is only read looks like a present one
SEEN_AS_NOW = (
    "CREATE TEMP VIEW review AS SELECT *, NULL AS simulated FROM main.review",
    "CREATE TEMP VIEW candidate AS SELECT *, 1 AS listed FROM main.candidate",
    "CREATE TEMP VIEW vote AS SELECT *, '' AS tags, NULL AS seconds FROM main.vote",
    f"CREATE TEMP TABLE {GOLD}",
)
TEXTS = {
    "candidate": ("id", "label"),
    "vote": ("key", "id", "rater", "vote", "time", "tags"),
    "gold_vote": ("key", "id", "answer", "rater", "vote", "time"),
}
TIMED = ("vote", "gold_vote")  # tables with the time that a vote took, or NULL


class Identity(NamedTuple):
    """Which review a file of votes is of."""

    survey: str
    fingerprint: str
    simulated: int | None


def version_of(connection: sqlite3.Connection) -> int:
    """Number of the file's format."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def identity_of(connection: sqlite3.Connection) -> Identity:
    """The review that the votes are of; `sqlite3.DatabaseError` if this is no file of votes."""
    reviews = connection.execute("SELECT survey, fingerprint, simulated FROM review").fetchall()
    if len(reviews) != 1 or not all(isinstance(each, str) for each in reviews[0][:2]):
        raise sqlite3.DatabaseError(f"{len(reviews)} reviews with names where one is needed")
    for table, columns in TEXTS.items():
        others = " OR ".join(f"typeof({column}) <> 'text'" for column in columns)
        (count,) = connection.execute(f"SELECT count(*) FROM {table} WHERE {others}").fetchone()
        if count:
            raise sqlite3.DatabaseError(f"{count} rows of the table '{table}' are no text")
    for table in TIMED:
        others = "typeof(seconds) NOT IN ('real', 'integer', 'null')"
        (count,) = connection.execute(f"SELECT count(*) FROM {table} WHERE {others}").fetchone()
        if count:
            raise sqlite3.DatabaseError(
                f"{count} rows of the table '{table}' have seconds that are no number"
            )
    return Identity(*reviews[0])


def read_as_now(connection: sqlite3.Connection) -> None:
    """Let a file that is only read look as of this format; `sqlite3.DatabaseError` if it is of none."""
    version = version_of(connection)
    if version == EARLIER:
        for statement in SEEN_AS_NOW:
            connection.execute(statement)
    elif version != FORMAT:
        raise sqlite3.DatabaseError(f"format {version} where {FORMAT} is needed")


def prepare(connection: sqlite3.Connection, review: Review, *, path: Path, carry_over: bool) -> None:
    """Make the tables of a review where there are none, in one transaction: a kill leaves what was before.

    With `carry_over`, votes on another list of candidates of the same survey pass to this list by identifier;
    those on candidates that it does not have stay in the file and count for nothing. Raises a `ContractError`
    if the votes are of another survey, of another list that is not to be carried over, or of none of these
    candidates; `sqlite3.DatabaseError` if this is no file of votes.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        if connection.execute("SELECT count(*) FROM sqlite_schema").fetchone() == (0,):
            _create(connection, review)
        elif version_of(connection) == EARLIER:
            _add(connection)
        elif version_of(connection) != FORMAT:
            raise sqlite3.DatabaseError(f"format {version_of(connection)} where {FORMAT} is needed")
        found = identity_of(connection)
        if found.fingerprint != review.fingerprint:
            _check_other(connection, found, review, path=path, carry_over=carry_over)
            _carry_over(connection, review)
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _create(connection: sqlite3.Connection, review: Review) -> None:
    for statement in FIRST:
        connection.execute(statement)
    _add(connection)
    created = datetime.now(UTC).isoformat(timespec="seconds")
    values = (review.survey, review.fingerprint, created, review.simulated)
    connection.execute("INSERT INTO review VALUES (?, ?, ?, ?)", values)
    _list(connection, review)


def _add(connection: sqlite3.Connection) -> None:
    for statement in ADDITIONS:
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {FORMAT}")


def _list(connection: sqlite3.Connection, review: Review) -> None:
    connection.executemany(
        """INSERT INTO candidate (id, label) VALUES (?, ?)
            ON CONFLICT (id) DO UPDATE SET label = excluded.label, listed = 1""",
        review.labels.items(),
    )


def _check_other(
    connection: sqlite3.Connection, found: Identity, review: Review, *, path: Path, carry_over: bool
) -> None:
    other = (
        f"{path}: its votes are on other candidates (of {found.survey}, fingerprint {found.fingerprint}) "
        f"than these (of {review.survey}, fingerprint {review.fingerprint}). Nothing was changed: "
    )
    known = {name for (name,) in connection.execute("SELECT id FROM candidate")}
    if found.survey != review.survey:
        raise ContractError(f"{other}keep it, and name another file with --votes.")
    if found.simulated is not None and bool(found.simulated) != review.simulated:
        raise ContractError(f"{other}one of the two is simulated. Name another file with --votes.")
    if known.isdisjoint(review.labels):
        raise ContractError(f"{other}no identifier is in both. Name another file with --votes.")
    if not carry_over:
        raise ContractError(
            f"{other}keep it, and name another file with --votes; or let the votes on candidates of both "
            "lists pass to this one with --carry-over."
        )


def _carry_over(connection: sqlite3.Connection, review: Review) -> None:
    connection.execute("UPDATE candidate SET listed = 0")
    _list(connection, review)
    values = (review.fingerprint, review.simulated)
    connection.execute("UPDATE review SET fingerprint = ?, simulated = ?", values)
