"""The epoch that held-out stamps choose, whether the adapted model is kept, and what judges it."""

import numpy as np
import pandas as pd
import pytest

from stampshift.adapting.choosing import START, choose_epochs, chosen_of, judged_scores
from stampshift.training.keeping import RULES


def test_the_epoch_is_that_of_the_best_balanced_accuracy_then_of_the_lowest_loss_then_the_first():
    scores = [[0.5, 0.5], [0.6, 0.6], [0.9, 0.4], [0.6, 0.1], [0.9, 0.4]]  # of a real and a bogus stamp
    table = pd.DataFrame(
        [
            {"fold": 1, "epoch": epoch, "row": row, "label": label, "score": pair[row]}
            for epoch, pair in enumerate(scores)
            for row, label in ((0, 1), (1, 0))
        ]
    )
    chosen = choose_epochs(table, keep=None, fallback=False)
    assert chosen["held_out_balanced_accuracy"].tolist() == [0.5, 0.5, 1.0, 1.0, 1.0]
    assert chosen["held_out_loss"].tolist() == pytest.approx(
        [
            -np.log(0.5),
            -np.log(0.6 * 0.4) / 2,
            -np.log(0.9 * 0.6) / 2,
            -np.log(0.6 * 0.9) / 2,
            -np.log(0.9 * 0.6) / 2,
        ]
    )
    assert chosen["chosen"].tolist() == [False, False, True, False, False]
    by_rule = {rule: chosen_of(choose_epochs(table, keep=rule, fallback=False)) for rule in RULES}
    assert by_rule == {"first_best": 2, "last_best": 4, "lowest_validation_loss": 2, "last": 4}


def table_of_folds(by_fold, *, before=None):
    """Scores of a real and a bogus stamp per fold, before, wrong by default, and after each epoch."""
    return pd.DataFrame(
        [
            {"fold": fold, "epoch": epoch, "row": 2 * fold + bogus, "label": 1 - bogus, "score": pair[bogus]}
            for fold, scores in by_fold.items()
            for epoch, pair in enumerate([(before or {}).get(fold, WRONG), *scores])
            for bogus in (0, 1)
        ]
    )


RIGHT, WRONG = (0.9, 0.1), (0.4, 0.6)


def test_a_held_out_stamp_is_judged_after_the_epoch_that_the_others_choose():
    # each fold is right after an epoch of its own, and wrong wherever the two others are right
    table = table_of_folds(
        {1: [RIGHT, WRONG, WRONG], 2: [WRONG, RIGHT, RIGHT], 3: [WRONG, RIGHT, WRONG]},
    )
    chosen = choose_epochs(table, keep="first_best", fallback=False)
    assert chosen["held_out_balanced_accuracy"].tolist() == pytest.approx([0, 1 / 3, 2 / 3, 1 / 3])
    judged = judged_scores(table, keep="first_best", fallback=False)
    # the others of fold 1 choose epoch 2; those of folds 2 and 3 are tied between 1 and others: the first
    assert judged[["fold", "epoch", "row"]].to_numpy().tolist() == [
        *([1, 2, 2], [1, 2, 3]),
        *([2, 1, 4], [2, 1, 5]),
        *([3, 1, 6], [3, 1, 7]),
    ]
    assert judged["score"].tolist() == [*WRONG, *WRONG, *WRONG]


def test_no_score_of_a_fold_changes_the_epoch_at_which_it_is_judged():
    rng = np.random.default_rng(3)
    folds = {fold: [tuple(rng.random(2)) for _ in range(6)] for fold in range(1, 5)}
    before = judged_scores(table_of_folds(folds), keep=None, fallback=False)
    folds[2] = [tuple(1 - np.array(pair)) for pair in folds[2]]
    after = judged_scores(table_of_folds(folds), keep=None, fallback=False)
    of_fold = before["fold"] == 2
    assert before["epoch"][of_fold].tolist() == after["epoch"][of_fold].tolist()


def test_chance_is_told_as_chance():
    """Of twenty epochs of random scores the best looks good; no held-out stamp may profit from that."""
    rng = np.random.default_rng(0)
    promised = {"best of all epochs": [], "judged by the others": []}
    for _ in range(60):
        folds = {fold: [tuple(rng.random(2)) for _ in range(20)] for fold in range(1, 6)}
        table = table_of_folds(folds)
        promised["best of all epochs"].append(
            choose_epochs(table, keep=None, fallback=False)["held_out_balanced_accuracy"].max()
        )
        judged = judged_scores(table, keep=None, fallback=False)
        promised["judged by the others"].append(((judged["score"] >= 0.5) == judged["label"]).mean())
    means = {name: np.mean(values) for name, values in promised.items()}
    assert means["best of all epochs"] > 0.75
    assert means["judged by the others"] < 0.55


def test_the_model_stays_as_it_was_where_only_the_best_of_many_epochs_looks_better():
    # after epoch 1 fold 1 is wrong and after epoch 2 fold 2, each for the others right: nothing was gained
    after = {1: [WRONG, RIGHT, RIGHT], 2: [RIGHT, WRONG, RIGHT], 3: [RIGHT, RIGHT, WRONG]}
    table = table_of_folds(after, before={1: RIGHT})
    chosen = choose_epochs(table, keep=None, fallback=False)
    assert chosen["held_out_balanced_accuracy"].tolist() == pytest.approx([1 / 3, 2 / 3, 2 / 3, 2 / 3])
    assert chosen_of(chosen) == 1
    judged = judged_scores(table, keep=None, fallback=False)
    assert judged["score"].tolist() == 3 * [*WRONG]
    kept = choose_epochs(table, keep=None, fallback=True)
    assert chosen_of(kept) == START
    assert kept["epoch"].tolist() == [0, 1, 2, 3]


def test_a_gain_that_the_others_see_too_is_taken_and_so_is_a_tie():
    gained = table_of_folds({fold: [WRONG, RIGHT] for fold in (1, 2, 3)})
    assert chosen_of(choose_epochs(gained, keep=None, fallback=True)) == 2
    for scores in ((0.95, 0.05), (0.85, 0.15)):  # as right as before, and surer or less sure
        after = {fold: [scores] for fold in (1, 2, 3)}
        equal = table_of_folds(after, before=dict.fromkeys(after, RIGHT))
        assert chosen_of(choose_epochs(equal, keep="last", fallback=True)) == 1
    one_lost = table_of_folds({1: [WRONG], 2: [RIGHT], 3: [RIGHT]}, before=dict.fromkeys((1, 2, 3), RIGHT))
    assert chosen_of(choose_epochs(one_lost, keep="last", fallback=True)) == START


def test_no_fold_has_a_say_in_whether_it_is_judged_by_the_adapted_model():
    # fold 1 loses what fold 2 gains: it is judged by the adapted model that the others choose
    table = table_of_folds({1: [WRONG], 2: [RIGHT], 3: [WRONG]}, before={1: RIGHT})
    judged = judged_scores(table, keep=None, fallback=True).drop_duplicates("fold").set_index("fold")
    assert judged["epoch"].tolist() == [1, START, 1]  # to fold 3 the others are 1 and 2: a tie


def test_of_two_folds_the_other_chooses_alone():
    table = table_of_folds({1: [RIGHT, WRONG], 2: [WRONG, WRONG]}, before={2: RIGHT})
    judged = judged_scores(table, keep="first_best", fallback=True).drop_duplicates("fold")
    assert judged["epoch"].tolist() == [START, 1]
