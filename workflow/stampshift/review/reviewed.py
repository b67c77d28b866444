"""What is reviewed: candidates in the order of their queue, and the stamps that show them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from stampshift.core.columns import FINITE_OR_GAPS, IDENTIFIER, WHOLE
from stampshift.core.errors import ContractError
from stampshift.core.files import read_table
from stampshift.core.provenance import digest
from stampshift.review.drawing import EVERYTHING, Draw
from stampshift.review.known_answers import known_answers
from stampshift.stamps.contents import check_attributes
from stampshift.stamps.file import LABEL_NAMES, UNLABELLED, UNLABELLED_CLASS, Stamps
from stampshift.stamps.identifiers import check_rows
from stampshift.stamps.shown import Shown, open_shown

COLUMNS = {
    "row": WHOLE,
    "id": IDENTIFIER,
    "label": FINITE_OR_GAPS,
    "score": FINITE_OR_GAPS,
    "suspicion": FINITE_OR_GAPS,
}
IN_STUDY = Path("search", "candidates.parquet")
LABEL_WORDS = LABEL_NAMES | {UNLABELLED: UNLABELLED_CLASS}


class Candidate(NamedTuple):
    """One candidate of a review."""

    id: str  # the survey's identifier
    row: int  # of the stamps file
    label: str  # present label: real, bogus, or unlabelled where nobody has said
    score: float | None  # P(real) of the model, None where no model looked


class Known(NamedTuple):
    """A stamp with its known answer, real or bogus."""

    candidate: Candidate
    answer: str


@dataclass(frozen=True)
class Review:
    """What people are asked about, and the stamps that show it.

    Votes belong to the fingerprint: a digest of the survey, its stamps, and all candidates with their rows
    and labels, whatever their order and however many of them are asked about.
    """

    survey: str
    simulated: bool
    stamps: Stamps
    shown: Shown  # of the stamps: metadata and a wider crop, where their file holds them
    candidates: dict[str, Candidate]  # that are asked about, by id, in the order in which they wait for votes
    labels: dict[str, str]  # of all candidates, by id: real, bogus or unlabelled
    known: tuple[Known, ...]  # stamps whose answer is known, about which nobody is asked for a label
    fingerprint: str


def open_review(
    path: Path,
    *,
    stamps: Path | None,
    draw: Draw = EVERYTHING,
    scores: Path | None = None,
    gold: Path | Literal["labels"] | None = None,
) -> Review:
    """Find and check what is to be reviewed; a `ContractError` where it is missing or breaks its contract.

    `path` is the folder of the DES study's results, a table of candidates (Parquet, with `COLUMNS`), or a
    stamps file, all rows of which are then candidates, labelled or not. `stamps` is the stamps file of a
    table of candidates; None to take that of the study that contains the table. `draw` says which candidates
    are asked about, and in which order; `scores` is a table of id and score, P(real), that replaces theirs;
    `gold` is where answers are known from (`known_answers`).
    """
    table_path, stamps_path = _find(path, stamps)
    opened = Stamps.verified(stamps_path, unlabelled=True)
    check_attributes(opened.attributes, stamps_path)
    if table_path is None:
        columns = {"row": np.arange(len(opened)), "id": opened.ids.tolist(), "label": opened.labels}
        table = pd.DataFrame(columns | {"score": np.nan, "suspicion": np.nan})
    else:
        table = _read(table_path, opened, stamps_path)
    twice = table["id"][table["id"].duplicated()]
    if len(twice):
        raise ContractError(f"{path}: candidate {twice.iloc[0]} occurs twice; votes need one row by id.")
    content = table.sort_values("row")[["row", "id", "label"]].to_numpy().tolist()
    if scores is not None:
        table = table.assign(score=table["id"].map(_scores(scores)).astype(float))
    answers = known_answers(gold, opened, candidates=table["id"])
    drawn = draw.drawn(table[~table["row"].isin(list(answers))], source=str(path))
    return Review(
        survey=opened.survey,
        simulated="simulate" in opened.attributes.get("origin", {}),
        stamps=opened,
        shown=open_shown(stamps_path, opened.attributes, count=len(opened)),
        candidates={
            name: Candidate(name, int(row), LABEL_WORDS[label], None if np.isnan(score) else float(score))
            for name, row, label, score in drawn[["id", "row", "label", "score"]].itertuples(index=False)
        },
        labels=dict(zip(table["id"], table["label"].map(LABEL_WORDS), strict=True)),
        known=tuple(
            Known(Candidate(str(opened.ids[row]), row, LABEL_WORDS[int(opened.labels[row])], None), answer)
            for row, answer in answers.items()
        ),
        fingerprint=digest([opened.survey, opened.attributes["digest"], content]),
    )


def _scores(path: Path) -> pd.Series:
    """P(real) by identifier; the last one of those that a table has twice."""
    options = {} if path.suffix == ".parquet" else {"dtype": {"id": str}}
    remedy = "Name a table of `stampshift score`."
    table = read_table(path, remedy=remedy, kinds={"id": IDENTIFIER, "score": FINITE_OR_GAPS}, **options)
    return (
        table.assign(id=table["id"].astype(str)).drop_duplicates("id", keep="last").set_index("id")["score"]
    )


def _find(path: Path, stamps: Path | None) -> tuple[Path | None, Path]:
    """Paths of the table of candidates, None where there is none, and of the stamps file."""
    if path.is_dir():
        for folder in (path, path / "des_study"):
            if (folder / IN_STUDY).is_file():
                return folder / IN_STUDY, stamps or folder / "stamps.h5"
        raise ContractError(
            f"{path}: no {IN_STUDY} in it; `snakemake des_study` makes it. Or name a stamps file."
        )
    if not path.is_file():
        raise ContractError(f"{path}: no such file or folder.")
    if path.suffix != ".parquet":
        return None, path
    beside = path.parent.parent / "stamps.h5"
    if stamps is None and not beside.is_file():
        raise ContractError(f"{path}: these candidates need their stamps file: add --stamps FILE.")
    return path, stamps or beside


def _read(path: Path, stamps: Stamps, stamps_path: Path) -> pd.DataFrame:
    # it may be a table of the user's own, which nothing makes again
    table = read_table(path, remedy="Give a whole table of candidates.", kinds=COLUMNS)
    if table.empty:
        raise ContractError(f"{path}: no candidate in it; there is nothing to review.")
    table = table.assign(id=table["id"].astype(str))
    remedy = f"These are not the candidates of {stamps_path}; name the stamps file from which they come."
    check_rows(table, stamps, source=str(path), remedy=remedy)
    strange = table[~table["label"].isin(list(LABEL_WORDS))]
    if len(strange):
        raise ContractError(
            f"{path}: expected labels 1 (real), 0 (bogus) or {UNLABELLED} (unlabelled), found "
            f"{strange['label'].iloc[0]} for candidate {strange['id'].iloc[0]}. Correct the table."
        )
    return table
