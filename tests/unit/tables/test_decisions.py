import numpy as np
import pandas as pd
import pytest

from stampshift.tables.decisions import (
    range_text,
    shots_needed,
    shots_to_beat_table,
    winner_table,
    winner_text,
)
from stampshift.tables.significance import NUMBERS, SUBJECT

PAIR = {"source": "A", "target": "B"}
GOOD, CHANCE = 0.01, 0.2  # corrected p-values


def compared(rows, **common):
    """Comparisons from (shots, difference, corrected p)."""
    lines = [
        PAIR | {"shots": shots, "difference": difference, "p_corrected": p, "low": difference - 0.01}
        | {"high": difference + 0.01} | common
        for shots, difference, p in rows
    ]  # fmt: skip
    return pd.DataFrame(lines, columns=SUBJECT + NUMBERS)


def gains(rows, method="mme"):
    return compared(rows, question="gain", method=method, against="baseline", evaluated_on="B")


def between(rows, on="B"):
    return compared(rows, question="methods", method="mme", against="finetune", evaluated_on=on)


@pytest.mark.parametrize(
    ("rows", "needed"),
    [
        ([(1, 0.1, GOOD), (5, 0.1, GOOD)], 1),
        ([(1, 0.1, CHANCE), (5, 0.1, GOOD)], 5),
        ([(1, 0.1, GOOD), (5, 0.1, CHANCE), (10, 0.1, GOOD)], 10),  # a win that does not last is none
        ([(1, 0.1, GOOD), (5, 0.1, CHANCE)], None),
        ([(1, -0.1, GOOD)], None),  # significantly worse is not better
        ([(1, 0.1, np.nan)], None),
        ([(10, 0.1, GOOD), (1, 0.1, CHANCE), (5, 0.1, GOOD)], 5),  # lines in any order
    ],
)
def test_shots_needed_hold_from_there_on(rows, needed):
    assert shots_needed(gains(rows)) == needed


@pytest.mark.parametrize(
    ("some", "text"),
    [
        ([1, 5, 10, 20], ""),
        ([10, 20], "from 10 shots"),
        ([20], "from 20 shots"),
        ([1, 5], "up to 5 shots"),
        ([1], "at 1 shot only"),
        ([5], "at 5 shots only"),
        ([1, 10], "at 1, 10 shots"),
    ],
)
def test_ranges_in_the_words_of_the_thesis(some, text):
    assert range_text(some, of=[1, 5, 10, 20]) == text


def test_winners_are_decided_by_sign_and_chance():
    assert winner_text(between([(1, 0.1, CHANCE), (5, -0.1, CHANCE)])) == "none"
    assert winner_text(between([(1, 0.1, GOOD), (5, 0.1, GOOD)])) == "MME"
    both = between([(1, 0.1, GOOD), (5, 0.0, CHANCE), (10, -0.1, GOOD)])
    assert winner_text(both) == "MME at 1 shot only; fine-tuning from 10 shots"


def test_of_three_methods_a_winner_beats_both_others():
    third = compared(
        [(1, -0.1, GOOD), (5, -0.1, CHANCE)], question="methods", method="scratch", against="mme"
    )
    both = pd.concat([between([(1, 0.1, GOOD), (5, 0.1, GOOD)]), third])
    assert winner_text(both) == "MME at 1 shot only"


def test_table_of_shots_to_beat_the_baseline():
    table = pd.concat(
        [gains([(1, 0.02, CHANCE), (5, 0.0449, GOOD)]), gains([(1, 0.1, CHANCE)], method="finetune")]
    )
    made = shots_to_beat_table(table, pairs=["A-to-B"], methods=["finetune", "mme"])
    assert made.cells.to_dict("list") == {
        "source to target": ["A to B"],
        "fine-tuning": ["–"],
        "MME": ["5 (+0.045, +0.035 to +0.055)"],
    }
    assert "paired t-test over splits" in made.caption


def test_table_of_winners_keeps_source_and_target_apart():
    table = pd.concat([between([(1, 0.1, GOOD)], on="A"), between([(1, -0.1, GOOD)], on="B")])
    made = winner_table(table, pairs=["A-to-B"])
    assert made.cells.iloc[0].to_list() == ["A to B", "MME", "fine-tuning"]
