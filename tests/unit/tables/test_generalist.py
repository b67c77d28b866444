"""A source of two surveys beside each of them, on a third one, and what it keeps: by hand."""

from functools import partial

import numpy as np
import pytest

from fake_generalist import ACCURACIES, METHODS, SOURCES, runs_of
from stampshift.tables.generalist import generalist_comparisons, generalist_tables, of_question
from stampshift.tables.generalist_claims import generalist_claims
from stampshift.tables.verdicts import FAILS, HOLDS, TOO_SHORT, UNDECIDED


@pytest.fixture
def compared():
    return generalist_comparisons(runs_of(ACCURACIES), sources=SOURCES, methods=METHODS)


def one(compared, question, **which):
    rows = of_question(compared, question)
    for name, value in which.items():
        rows = rows[rows[name] == value]
    (row,) = rows.to_dict("records")
    return row


def test_a_generalist_stands_beside_the_specialist_of_each_of_its_surveys(compared):
    assert of_question(compared, "specialist")["target"].tolist() == ["A", "B"]
    row = one(compared, "specialist", target="A")
    assert (row["source"], row["against"], row["splits"]) == ("both", "A", 4)
    assert row["difference"] == pytest.approx((-0.02 - 0.019 - 0.02 - 0.02) / 4)
    assert row["mean"] - row["against_mean"] == pytest.approx(row["difference"])


def test_on_a_new_survey_the_best_single_source_is_the_one_of_the_highest_mean(compared):
    row = one(compared, "new")
    assert (row["source"], row["target"], row["against"]) == ("both", "C", "B")
    assert row["difference"] == pytest.approx((0.10 + 0.102 + 0.10 + 0.10) / 4)
    # after fine-tuning another survey is the best one
    assert one(compared, "adapted", method="finetune")["against"] == "A"


def test_a_method_without_runs_from_a_single_source_is_not_compared_with_one(compared):
    assert set(of_question(compared, "adapted")["method"]) == {"finetune"}


def test_what_is_kept_is_asked_of_every_survey_of_the_source_but_the_target(compared):
    kept = of_question(compared, "kept")
    found = set(zip(kept["method"], kept["target"], kept["evaluated_on"], strict=True))
    assert found == {
        ("finetune", "C", "A"),
        ("finetune", "C", "B"),
        ("mme", "C", "A"),
        ("mme", "C", "B"),
        ("finetune", "B", "A"),
    }
    row = one(compared, "kept", method="finetune", target="C", evaluated_on="A")
    assert row["difference"] == pytest.approx((-0.10 - 0.101 - 0.099 - 0.10) / 4)
    assert set(of_question(compared, "keeping")["against"]) == {"finetune"}


def test_each_question_has_its_table(compared):
    tables = generalist_tables(compared, methods=METHODS)
    specialists, new, adapted, kept = (table.cells for table in tables.values())
    assert specialists.columns.tolist() == ["survey", "specialist", "both"]
    assert specialists["both"][0] == "0.950 ± 0.008 (-0.020*)"
    assert new["best single source"].tolist() == ["0.705 ± 0.013 (B)"]
    assert new["difference"][0].startswith("+0.101*, +0.1")
    assert adapted.to_dict("records") == [
        {"source": "both", "new survey": "C", "fine-tuning, 5 shots": "0.750 (-0.010*)"}
    ]
    assert kept["MME, 5 shots"].tolist()[2] == "–"  # no such run with B as the target
    for table in tables.values():
        assert "4 splits" in table.caption
        assert "Benjamini" in table.caption


def test_claims_are_judged_by_the_rule(compared):
    judged = generalist_claims(compared, methods=METHODS).set_index("claim")
    verdicts = dict(zip([claim[:45] for claim in judged.index], judged["verdict"], strict=True))
    assert verdicts["A model of several surveys is worse on each o"] != HOLDS  # better on B
    assert verdicts["On a new survey, without a label, a model of "] == HOLDS
    assert "1 of 1 new surveys" in judged["evidence"].iloc[1]
    own = judged[[claim.startswith("On a new survey fine-tuning") for claim in judged.index]]
    assert own["verdict"].tolist() == [FAILS, FAILS]
    mme = judged[[claim.startswith("On a new survey MME") for claim in judged.index]]
    assert mme["verdict"].tolist() == [UNDECIDED, UNDECIDED]
    keeps = judged.loc["MME keeps the surveys of a source of several better than fine-tuning."]
    assert keeps["verdict"] == HOLDS
    assert "With 5 shots MME is better in 2 of 2 source surveys" in keeps["evidence"]


def test_the_order_of_the_methods_does_not_turn_a_verdict():
    turned = generalist_comparisons(runs_of(ACCURACIES), sources=SOURCES, methods=METHODS[::-1])
    judged = generalist_claims(turned, methods=METHODS[::-1]).set_index("claim")
    assert judged["verdict"].iloc[-1] == HOLDS


def test_two_splits_judge_nothing():
    short = generalist_comparisons(runs_of(ACCURACIES, splits=2), sources=SOURCES, methods=METHODS)
    assert set(generalist_claims(short, methods=METHODS)["verdict"]) == {TOO_SHORT}


def test_without_runs_of_single_surveys_there_are_tables_all_the_same():
    """An experiment of one pair, from several surveys to one that is none of them."""
    some = {key: values for key, values in ACCURACIES.items() if key[1] == "both" and key[2] != "B"}
    ask = partial(generalist_comparisons, sources=SOURCES, methods=METHODS)
    compared = ask(runs_of(some))
    assert set(compared["question"]) == {"kept", "keeping"}
    tables = generalist_tables(compared, methods=METHODS)
    assert next(iter(tables.values())).cells.to_numpy().tolist() == [["no such run in this experiment"]]
    nothing = ask(runs_of({key: values for key, values in ACCURACIES.items() if key[1] != "both"}))
    assert nothing.empty
    assert set(generalist_claims(nothing, methods=METHODS)["verdict"]) == {UNDECIDED}
    assert np.isfinite(compared["mean"]).all()
