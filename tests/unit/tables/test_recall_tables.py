from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from stampshift.core.errors import ContractError
from stampshift.tables.recall_tables import (
    class_recall_table,
    class_recalls,
    snr_recall_table,
    snr_recalls,
    worst_errors,
)

# rows 1 to 4 have S/N; that of rows 0, 5 and 6 is negative, unknown and zero; row 7 is in no test part
STAMPS = {"B": SimpleNamespace(ids=np.array([f"c{row}" for row in range(8)]))}
RATIOS = {
    "B": pd.DataFrame(
        {
            "id": ["c7", *(f"c{row}" for row in range(7))],  # in another order than the stamps
            "snr": [900.0, -5.0, 40.0, 3.0, 10.0, 5.0, np.nan, 0.0],
        }
    )
}


def predictions(**changes):
    """Two splits of one model; row 2, the faintest real, is right in the first and wrong in the second."""
    content = {
        "survey": "B",
        "method": "mme",
        "shots": 5,
        "seed": [0, 0, 0, 0, 0, 1, 1, 1, 1],
        "row": [0, 1, 2, 3, 4, 2, 3, 5, 6],
        "label": [0, 1, 1, 1, 0, 1, 1, 0, 0],
        "score": [0.1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.9, 0.2, 0.9],
    }
    return pd.DataFrame(content | changes)


def recalls(table, **changes):
    settings = {"stamps": STAMPS, "ratios": RATIOS, "bins": 2, "confidence": 0.95}
    return snr_recalls(table, **(settings | changes))


def test_bins_are_quantiles_of_the_distinct_test_stamps():
    # S/N 3, 5 | 10, 40: the median of the four is 7.5; bogus and reals share the bins
    found = recalls(predictions())
    columns = ["label", "bin", "snr_low", "snr_median", "snr_high", "recall", "splits", "stamps"]
    expected = [
        [1, 1, 3, 4, 5, 0.5, 2, 1],
        [1, 2, 10, 25, 40, 1, 2, 2],  # three evaluations, two distinct stamps
        [0, 0, np.nan, np.nan, np.nan, 2 / 3, 2, 3],  # negative, unknown and zero
        [0, 1, 3, 4, 5, 0, 1, 1],
    ]
    np.testing.assert_allclose(found[columns].to_numpy(float), expected)
    assert found["std"][0] == pytest.approx(np.std([1, 0], ddof=1))
    assert np.isnan(found["std"][3])


def test_the_bins_are_the_same_for_all_models_and_the_interval_is_wilsons():
    # Newcombe (1998), table I: 81 of 263 gives 0.2553 to 0.3662
    rows = np.arange(2 * 263)
    bright = rows >= 263
    table = pd.DataFrame({"survey": "B", "method": "mme", "shots": 5, "seed": 0, "row": rows, "label": 1})
    table = table.assign(score=np.where(bright & (rows < 263 + 182), 0.1, 0.9))
    ids = rows.astype(str)
    found = recalls(
        pd.concat([table, table.assign(method="finetune", score=0.9)]),
        stamps={"B": SimpleNamespace(ids=ids)},
        ratios={"B": pd.DataFrame({"id": ids, "snr": 1.0 + rows})},
    )
    line = found[(found["method"] == "mme") & (found["bin"] == 2)].iloc[0]
    assert (line["low"], line["high"]) == (pytest.approx(0.2553, abs=5e-5), pytest.approx(0.3662, abs=5e-5))
    assert found.groupby("method")["snr_high"].apply(list).to_dict() == {
        "mme": [263, 526],
        "finetune": [263, 526],
    }


def test_equal_ratios_share_a_bin():
    ratios = {"B": RATIOS["B"].assign(snr=7.0)}
    assert set(recalls(predictions(), ratios=ratios, bins=5)["bin"]) == {1}


def test_a_survey_without_ratios_is_left_out():
    others = predictions(survey="A")
    pd.testing.assert_frame_equal(recalls(pd.concat([others, predictions()])), recalls(predictions()))


@pytest.mark.parametrize(
    ("ratios", "message"),
    [
        (RATIOS["B"][RATIOS["B"]["id"] != "c3"], "the table of S/N should hold candidate c3 once, found 0"),
        (pd.concat([RATIOS["B"]] * 2), r"candidate c0 once, found 2 \(7 of 7 candidates"),
        (RATIOS["B"].assign(snr=-1.0), "expected positive S/N, found none among 7 test stamps"),
    ],
)
def test_ratios_that_do_not_fit_the_stamps_are_refused(ratios, message):
    with pytest.raises(ContractError, match=message) as caught:
        recalls(predictions(), ratios={"B": ratios})
    assert str(caught.value).startswith("B: ")


def test_the_table_has_a_line_per_bin_and_says_what_has_none():
    table = snr_recall_table(recalls(predictions()), pair="A-to-B", confidence=0.95)
    assert table.cells[["label", "S/N", "stamps"]].to_numpy().tolist() == [
        ["real", "3 to 5", "1"],
        ["real", "10 to 40", "2"],
        ["bogus", "–", "3"],
        ["bogus", "3 to 5", "1"],
    ]
    assert table.cells["MME, 5 shots"][2] == "0.667 (0.208 to 0.939)"
    assert "negative, zero or unknown" in table.caption


CLASSIFIED = {"B": SimpleNamespace(classes=np.array(["spike", "SN", "AGN", "SN", "AGN", "spike"]))}


@pytest.fixture
def classified():
    """Two splits of one model: one SN of three is missed, AGN and spikes are all right."""
    return pd.DataFrame(
        {
            "survey": "B",
            "method": "mme",
            "shots": 5,
            "seed": [0, 0, 0, 1, 1, 1, 1],
            "row": [0, 1, 2, 1, 3, 4, 5],
            "label": [0, 1, 1, 1, 1, 1, 0],
            "score": [
                0.2,
                0.9,
                0.8,
                0.5,
                0.7,
                0.6,
                0.1,
            ],  # row 1 is missed by the second split: a tie is bogus
        }
    )


def test_recalls_by_class_reals_first(classified):
    recalls = class_recalls(classified, stamps=CLASSIFIED, confidence=0.95)
    columns = ["class", "label", "recall", "splits", "stamps"]
    assert recalls[columns].to_numpy().tolist() == [
        ["AGN", 1, 1.0, 2, 2],
        ["SN", 1, pytest.approx(2 / 3), 2, 2],  # three evaluations, two distinct stamps
        ["spike", 0, 1.0, 2, 2],
    ]
    assert recalls["std"][1] == pytest.approx(np.std([1, 0.5], ddof=1))


def test_the_interval_is_wilsons():
    # Newcombe (1998), table I: 81 of 263 gives 0.2553 to 0.3662
    rows = np.arange(263)
    classified = pd.DataFrame(
        {"survey": "B", "method": "mme", "shots": 5, "seed": 0, "row": rows, "label": 1}
    ).assign(score=np.where(rows < 81, 0.9, 0.1))
    stamps = {"B": SimpleNamespace(classes=np.full(263, "SN"))}
    (line,) = class_recalls(classified, stamps=stamps, confidence=0.95).to_dict("records")
    assert (line["low"], line["high"]) == (pytest.approx(0.2553, abs=5e-5), pytest.approx(0.3662, abs=5e-5))
    assert np.isnan(line["std"])  # a single split


def test_the_table_has_a_line_per_class(classified):
    recalls = class_recalls(classified, stamps=CLASSIFIED, confidence=0.95)
    table = class_recall_table(recalls, pair="A-to-B", confidence=0.95)
    assert table.cells.iloc[1].to_dict() == {
        "tested on": "B",
        "class": "SN",
        "label": "real",
        "stamps": "2",
        "MME, 5 shots": "0.667 (0.095 to 0.905)",
    }
    assert "95 per cent" in table.caption


JUDGED = SimpleNamespace(
    survey="B",
    classes=np.array(["SN", "AGN", "spike", "cr", "SN"]),
    ids=np.array(["s0", "a1", "k2", "c3", "s4"]),
)


def judged():
    """Row 2 is a false positive in both splits; row 3 in one of them, by its mean none; row 4 is a tie."""
    return pd.DataFrame(
        {
            "survey": ["B"] * 8 + ["A"],
            "row": [0, 1, 2, 3, 2, 3, 4, 1, 0],
            "label": [1, 1, 0, 0, 0, 0, 1, 1, 0],
            "score": [0.01, 0.3, 0.9, 0.6, 0.7, 0.1, 0.5, 0.2, 0.99],
        }
    )


def test_the_most_confident_come_first_and_each_stamp_once():
    errors = worst_errors(judged(), stamps=JUDGED, per_kind=5)
    assert errors.round(3).to_numpy().tolist() == [
        ["false positive", 2, "spike", "k2", 0.8, 2],
        ["missed real", 0, "SN", "s0", 0.01, 1],
        ["missed real", 1, "AGN", "a1", 0.25, 2],
        ["missed real", 4, "SN", "s4", 0.5, 1],
    ]


def test_no_more_than_asked_for():
    errors = worst_errors(judged(), stamps=JUDGED, per_kind=1)
    assert errors["id"].tolist() == ["k2", "s0"]


def test_a_faultless_model_has_none():
    right = judged().assign(score=lambda table: table["label"].astype(float))
    errors = worst_errors(right, stamps=JUDGED, per_kind=3)
    assert errors.empty
    assert list(errors) == ["kind", "row", "class", "id", "score", "splits"]
