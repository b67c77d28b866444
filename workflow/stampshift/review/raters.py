"""Votes of people on candidates: read from a file, or cast by simulated raters of a known error rate.

One file format serves both: CSV with the columns ``id``, ``rater``, ``vote`` (real, bogus or skip) and
``time`` (ISO 8601, UTC), a line per vote, as the review page exports it.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from stampshift.core.errors import ContractError
from stampshift.review.votes import COLUMNS, last_votes
from stampshift.stamps.file import LABEL_NAMES, Stamps

# part of the random stream: no other one of the project begins with it
STREAM = 0x52415445
FIRST_VOTE = pd.Timestamp("2000-01-01T00:00:00Z")  # of no night in particular: the votes are made up
SECONDS_PER_VOTE = 4


def read_votes(path: Path, stamps: Stamps) -> pd.DataFrame:
    """Read the votes of people on stamps of a survey.

    Returns
    -------
    pandas.DataFrame
        Columns as the file's, all of them str, in its order.

    Raises
    ------
    ContractError
        If the file is missing, lacks a column, holds a vote or a time that is none, the same vote twice, an
        unnamed rater, or a candidate that the survey does not have.
    """
    if not path.is_file():
        raise ContractError(
            f"{path}: no votes are there. Let people label {stamps.survey} with `stampshift review` and "
            "export the votes there, or change des_study.new_survey.votes."
        )
    try:
        votes = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (ValueError, OSError) as error:
        raise ContractError(
            f"{path}: expected a CSV table of votes with the columns {', '.join(COLUMNS)}, found otherwise "
            f"({error}). Export the votes of `stampshift review` there."
        ) from error
    try:
        last_votes(votes)
    except ContractError as error:
        raise ContractError(f"{path}: {error}") from error
    twice = votes[votes.duplicated(["id", "rater", "time"])]
    unknown = votes[~votes["id"].isin(stamps.ids)]
    for wrong, what in (
        (twice, "a vote of the same rater at the same time twice"),
        (unknown, f"a vote on no candidate of {stamps.survey}"),
        (votes[votes["rater"].str.strip() == ""], "a vote of no rater"),
    ):
        if len(wrong):
            line = wrong.iloc[0]
            raise ContractError(
                f"{path}: {what}: candidate '{line['id']}', rater '{line['rater']}', {line['time']} "
                f"({len(wrong)} in all). Mend the file, or export the votes again."
            )
    return votes[list(COLUMNS)]


def simulate_votes(
    stamps: Stamps, *, raters: int, votes_per_candidate: int, error_rate: float, seed: int
) -> pd.DataFrame:
    """Votes of simulated raters, who know the true labels and err at a known rate.

    Every candidate is judged by as many raters, drawn at random; each vote is wrong with the same
    probability, whatever the candidate. Times are made up, a few seconds apart.

    Parameters
    ----------
    stamps
        The survey, with its true labels.
    raters
        Number of raters, named ``rater-1`` and so on.
    votes_per_candidate
        Raters that judge a candidate; at most all.
    error_rate
        Probability that a vote is wrong.
    seed
        The same seed gives the same votes.

    Returns
    -------
    pandas.DataFrame
        Columns ``id``, ``rater``, ``vote`` (real or bogus) and ``time`` (ISO 8601), all str, a line per vote.
    """
    rng = np.random.default_rng([STREAM, seed])
    chosen = rng.random((len(stamps), raters)).argsort(axis=1)[:, :votes_per_candidate]  # (N, votes)
    wrong = rng.random(chosen.shape) < error_rate
    said = np.where(wrong, 1 - stamps.labels[:, np.newaxis], stamps.labels[:, np.newaxis])
    seconds = pd.to_timedelta(SECONDS_PER_VOTE * np.arange(chosen.size), unit="s")
    return pd.DataFrame(
        {
            "id": np.repeat(stamps.ids.astype(object), votes_per_candidate),
            "rater": [f"rater-{number + 1}" for number in chosen.ravel()],
            "vote": [LABEL_NAMES[code] for code in said.ravel()],
            "time": (FIRST_VOTE + seconds).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
    )
