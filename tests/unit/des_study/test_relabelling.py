import numpy as np
import pandas as pd
import pytest

from stampshift.core.errors import ArchiveError, ContractError
from stampshift.des_study.relabelling import corrected_labels

CLASSES = {"real": "real", "artifact": "bogus"}


@pytest.fixture
def stamps(survey):
    """101 real, 102 bogus, 103 real, 104 bogus; the archive has 103 and 104 wrong."""
    return survey(1, 0, 1, 0)


@pytest.fixture
def truth(tmp_path):
    """The table of planted flips, with a candidate 99 that preprocessing dropped; 0 is real."""
    path = tmp_path / "planted_flips.csv"
    rows = ("104,0,1,host", "99,0,0,", "101,0,0,", "102,1,1,dipole", "103,1,0,dipole")
    path.write_text("\n".join(["ID,OBJECT_TYPE,old_OBJECT_TYPE,cause", *rows]) + "\n")
    return path


def corrected(stamps, origin, **changes):
    files = dict.fromkeys(("path", "candidates", "planted"))
    given = files | {"least_decided": 0.9, "classes": CLASSES, "results": "results/des_study"} | changes
    return corrected_labels(stamps, origin=origin, **given)


@pytest.fixture
def candidates(tmp_path):
    """Candidates of the search: 102 and 103."""
    return suspected(tmp_path, 102, 103)


def suspected(tmp_path, *ids):
    path = tmp_path / "candidates.parquet"
    pd.DataFrame({"row": [number - 101 for number in ids], "id": list(map(str, ids))}).to_parquet(path)
    return path


def review(tmp_path, *lines, header="id,old_label,label"):
    path = tmp_path / "DES.csv"
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


def test_a_review_changes_the_labels_that_it_contradicts(stamps, candidates, tmp_path):
    path = review(tmp_path, "103,real,bogus", "102,bogus,bogus")
    table = corrected(stamps, "review", path=path, candidates=candidates)
    expected = pd.DataFrame(
        {
            "row": np.arange(4),
            "id": ["101", "102", "103", "104"],
            "old_label": np.array([1, 0, 1, 0], np.uint8),
            "label": np.array([1, 0, 0, 0], np.uint8),
            "reviewed": [0, 1, 1, 0],
        }
    )
    pd.testing.assert_frame_equal(table, expected, check_dtype=False)
    assert table["label"].dtype == table["old_label"].dtype == np.uint8
    assert stamps.labels.tolist() == [1, 0, 1, 0]


def test_without_a_review_it_says_how_to_make_one(stamps, tmp_path):
    path = tmp_path / "reviews" / "DES.csv"
    with pytest.raises(ContractError) as caught:
        corrected(stamps, "review", path=path)
    message = str(caught.value)
    assert message.startswith(
        f"{path} does not exist: there is no review, and without one no label is corrected"
    )
    assert "Run `stampshift review results/des_study`, vote, export the decisions to" in message


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["103,real,bogus", "103,real,real"], "expected each candidate once, found 103 twice"),
        (
            ["77,real,bogus"],
            r"the stamps of DES should hold candidate 77 once, found 0 .*\. It was made for",
        ),
        (
            ["101,real,real", "103,bogus,real", "104,real,bogus"],
            r"the old label of candidate 103 is bogus there and real in the archive \(2 differ in all\)",
        ),
        (["103,real,maybe"], "expected real or bogus as label of candidate 103, found 'maybe'"),
        (["103,1,bogus"], "expected real or bogus as old_label of candidate 103, found '1'"),
    ],
)
def test_a_review_of_other_stamps_is_refused(lines, message, stamps, candidates, tmp_path):
    with pytest.raises(ContractError, match=rf"DES\.csv: {message}"):
        corrected(stamps, "review", path=review(tmp_path, *lines), candidates=candidates)


def test_a_review_needs_its_columns(stamps, tmp_path):
    with pytest.raises(ContractError, match=r"expected a CSV table with the columns id, old_label, label"):
        corrected(stamps, "review", path=review(tmp_path, "1,2", header="id,label"))


def test_the_public_relabelled_table_is_read(stamps, tmp_path):
    path = tmp_path / "relabeled_autoscan_features.csv"
    rows = ["101, 0, 0.5, 0, 0", "102, 0, 0.5, 1, 1", "103, 0, , 0, 0", "104, 1, 1, 1, 1", "105, 1, 2, 1, 0"]
    header = "ID, OBJECT_TYPE, AMP, old_OBJECT_TYPE, check_relabel"
    path.write_text("\n".join(["# six comments"] * 6 + [header, *rows]) + "\n")
    table = corrected(stamps, "table", path=path)
    assert table["label"].tolist() == [1, 1, 1, 0]
    assert "true_label" not in table
    # 104 was checked and kept its label
    assert table["reviewed"].tolist() == [0, 1, 0, 1]


def test_a_table_that_does_not_say_what_was_checked_has_its_changes_counted(stamps, truth):
    assert corrected(stamps, "table", path=truth)["reviewed"].tolist() == [0, 0, 1, 1]


def test_labels_that_changed_unchecked_are_reported(stamps, tmp_path, caplog):
    path = tmp_path / "relabelled.csv"
    rows = ["101,1,0,0", "102,1,1,1", "103,0,0,0", "104,1,1,0"]
    path.write_text("\n".join(["ID,OBJECT_TYPE,old_OBJECT_TYPE,check_relabel", *rows]) + "\n")
    assert corrected(stamps, "table", path=path)["reviewed"].tolist() == [0, 1, 0, 0]
    assert "1 labels differ of stamps that check_relabel says nobody checked" in caplog.text


def test_undecided_candidates_of_an_export_keep_their_labels(stamps, candidates, tmp_path):
    path = review(tmp_path, "101,real,", "104,bogus,unlabelled", "103,real,bogus", "102,bogus,bogus")
    table = corrected(stamps, "review", path=path, candidates=candidates)
    assert table["label"].tolist() == [1, 0, 0, 0]
    assert table["reviewed"].tolist() == [0, 1, 1, 0]


def test_a_partial_review_stops_and_says_how_many_are_missing(stamps, tmp_path):
    # 104 is undecided, and 101 no candidate: two of three are decided
    path = review(tmp_path, "101,real,real", "102,bogus,real", "103,real,bogus", "104,bogus,")
    given = {"path": path, "candidates": suspected(tmp_path, 102, 103, 104)}
    with pytest.raises(ContractError) as caught:
        corrected(stamps, "review", **given)
    message = str(caught.value)
    assert message.startswith(f"{path}: 2 of the 3 candidates are decided; des_study.relabels.least_decided")
    assert "(0.9) asks for 1 more. Continue with `stampshift review results/des_study`" in message
    assert corrected(stamps, "review", **given, least_decided=2 / 3)["label"].tolist() == [1, 1, 0, 0]


def test_a_share_that_rounds_up_in_floating_point_is_enough(survey, tmp_path):
    stamps = survey(*[1] * 30)
    found = suspected(tmp_path, *range(101, 131))
    path = review(tmp_path, *(f"{number},real,real" for number in range(101, 128)))
    assert corrected(stamps, "review", path=path, candidates=found)["reviewed"].sum() == 27


def test_a_class_map_that_inverts_is_followed(survey, truth):
    inverted = {"real": "bogus", "artifact": "real"}
    table = corrected(survey(0, 1, 0, 1), "table", path=truth, classes=inverted)
    assert table["label"].tolist() == [0, 1, 1, 0]


@pytest.mark.parametrize(
    ("error", "rows", "message"),
    [
        (ContractError, "101,0,0\n102,1,1", r"should hold candidate 103 once, found 0 \(2 of 4 candidates"),
        (
            ArchiveError,
            "101,0,0\n102,1,2",
            r"expected 0 \(real\) or 1 \(artifact\) in old_OBJECT_TYPE, found 2 for ID 102",
        ),
        (
            ContractError,
            "101,0,1\n102,1,1\n103,0,0\n104,1,1",
            "the old label of candidate 101 is bogus there and real in",
        ),
        (
            ContractError,
            "101,0,0\n101,0,0\n102,1,1\n103,0,0\n104,1,1",
            "should hold candidate 101 once, found 2",
        ),
        (
            ArchiveError,
            "101,real,0",
            "expected a CSV table with numbers in ID and old_OBJECT_TYPE and OBJECT_TYPE",
        ),
    ],
)
def test_a_table_of_another_archive_is_refused(error, rows, message, stamps, tmp_path):
    path = tmp_path / "table.csv"
    path.write_text(f"ID,OBJECT_TYPE,old_OBJECT_TYPE\n{rows}\n")
    with pytest.raises(error, match=rf"table\.csv: .*{message}"):
        corrected(stamps, "table", path=path)


def test_a_missing_table_is_named(stamps, tmp_path):
    with pytest.raises(
        ContractError, match=r"none\.csv does not exist: there is no relabelled table\. Put it there"
    ):
        corrected(stamps, "table", path=tmp_path / "none.csv")


def test_the_perfect_reviewer_corrects_what_was_found_and_no_more(stamps, truth, tmp_path):
    candidates = tmp_path / "candidates.parquet"
    pd.DataFrame({"row": [2, 0], "id": ["103", "101"]}).to_parquet(candidates)
    table = corrected(stamps, "planted", candidates=candidates, planted=truth)
    # 103 was found, 104 was not; 101 was suspected wrongly
    assert table["label"].tolist() == [1, 0, 0, 0]
    assert table["reviewed"].tolist() == [1, 0, 1, 0]
    assert table["true_label"].tolist() == [1, 0, 0, 1]
    assert table["true_label"].dtype == np.uint8
    # of each stamp, whether its label is wrong or right
    assert table["cause"].tolist() == ["", "dipole", "dipole", "host"]


def test_true_labels_are_kept_with_a_review_of_planted_flips(stamps, truth, tmp_path):
    found = suspected(tmp_path, 104)
    path = review(tmp_path, "104,bogus,real")
    table = corrected(stamps, "review", path=path, candidates=found, planted=truth)
    assert table["label"].tolist() == [1, 0, 1, 1]
    assert table["true_label"].tolist() == [1, 0, 0, 1]


def test_without_planted_flips_there_is_no_truth(stamps):
    with pytest.raises(ContractError, match="there are no planted flips to know the truth of"):
        corrected(stamps, "planted")


def test_candidates_of_other_stamps_are_refused(stamps, truth, tmp_path):
    path = tmp_path / "candidates.parquet"
    pd.DataFrame({"row": [2, 0], "id": ["103", "102"]}).to_parquet(path)
    for origin, given in (("planted", {}), ("review", {"path": review(tmp_path, "103,real,real")})):
        with pytest.raises(ContractError, match=r"candidates\.parquet: row 0 should be candidate 101 of DES"):
            corrected(stamps, origin, candidates=path, planted=truth, **given)
