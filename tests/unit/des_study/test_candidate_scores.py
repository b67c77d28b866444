import numpy as np
import pandas as pd
import pytest
import torch

from stampshift.core.errors import ContractError
from stampshift.des_study.candidate_scores import (
    operating_cutoff,
    operating_numbers,
    operating_table,
    score_candidates,
)
from stampshift.networks import build_classifier
from stampshift.training.model import Model


def scored(validation, test, undecided=()):
    """Scores of candidates, with words such as "r0.31": real, scored 0.31."""
    lines = [
        {"part": part, "label": {"r": 1, "b": 0}[word[0]], "score": float(word[1:])}
        for part, words in (("validation", validation), ("test", test))
        for word in words
    ]
    lines += [{"part": "", "label": None, "score": score} for score in undecided]
    return pd.DataFrame(lines).astype({"label": "Int8"})


def test_the_cutoff_is_the_highest_that_the_validation_part_bears():
    # ten reals: at 0.1 one of them may be missed, so that the second lowest, 0.314, has to pass
    real = ["r0.05", "r0.314", *(f"r0.9{n}" for n in range(8))]
    assert operating_cutoff(scored([*real, "b0.99"], ["r0.01"]), mdr=0.1) == 0.31
    assert operating_cutoff(scored([*real, "b0.99"], ["r0.01"]), mdr=0.09) == 0.04


def test_a_score_on_the_cutoff_does_not_pass():
    assert operating_cutoff(scored(["r0.5", "b0.1"], []), mdr=0.05) == 0.49


def test_no_test_stamp_has_a_say_in_the_cutoff():
    validation = ["r0.3", "r0.8", "b0.4"]
    cutoffs = {operating_cutoff(scored(validation, test), mdr=0.05) for test in ([], ["r0.01"], ["b0.9"])}
    assert cutoffs == {0.29}


def test_without_a_real_in_the_validation_part_there_is_no_cutoff():
    with pytest.raises(ContractError, match="expected real candidates in the validation part of the voted"):
        operating_cutoff(scored(["b0.3"], ["r0.3"]), mdr=0.05)


def test_rates_of_a_hand_computed_stream():
    table = scored(["r0.6", "b0.2"], ["r0.9", "r0.8", "r0.7", "r0.1", "b0.6", "b0.2"], undecided=[0.7, 0.1])
    numbers = operating_numbers(table, cutoff=0.5, confidence=0.95).set_index("part")
    test = numbers.loc["test"]
    assert (test["mdr"], test["fpr"], test["cleanliness"]) == (0.25, 0.5, 0.75)
    # Clopper and Pearson's limits of 1 of 4, from tables
    assert (test["mdr_low"], test["mdr_high"]) == pytest.approx((0.0063, 0.8059), abs=1e-4)
    every = numbers.loc["all"]
    assert every[["candidates", "n_real", "n_bogus", "undecided", "passed"]].tolist() == [10, 5, 3, 2, 6]
    assert np.isnan(every["mdr"])
    cells = operating_table(numbers.reset_index(), survey="B", mdr=0.05, confidence=0.95).cells
    assert cells.iloc[1]["MDR"] == "0.250 (0.006 to 0.806)"
    assert cells.iloc[2].to_dict() == {
        "part": "all", "candidates": "10", "real": "5", "bogus": "3", "undecided": "2",
        "passed": "6", "MDR": "", "FPR": "", "cleanliness": "",
    }  # fmt: skip


def test_every_candidate_is_scored_decided_or_not(surveys, splits):
    kind = {"network": "bolivar", "head": "linear", "size_pixels": 21, "temperature": None}
    model = Model(state=build_classifier(**kind).state_dict(), **kind)
    stamps = surveys["A"]
    rows = np.concatenate([splits["A"].train, splits["A"].validation, splits["A"].test[:5]])
    labels = pd.DataFrame({"row": rows, "id": stamps.ids[rows], "label": stamps.labels[rows]})
    table = score_candidates(stamps, model, labels=labels, splits=splits["A"], device=torch.device("cpu"))
    assert table["id"].tolist() == stamps.ids.tolist()
    assert table["score"].between(0, 1).all()
    assert set(table.loc[table["label"].notna(), "row"]) == set(rows)
    assert set(table.loc[table["part"] == "test", "row"]) == set(splits["A"].test)
