import shutil

import h5py
import numpy as np
import pandas as pd
import pytest

from fake_surveys import write_survey
from review_server import write_new_survey
from stampshift.core.errors import ContractError
from stampshift.review.drawing import Draw
from stampshift.review.reviewed import open_review

TABLE = "search/candidates.parquet"


def opened(path, *, stamps=None, **options):
    return open_review(path, stamps=stamps, **options)


@pytest.fixture
def copied(study, tmp_path):
    """A study of one's own, with a function that changes its table of candidates."""
    folder = tmp_path / "study"
    shutil.copytree(study, folder)

    def change(**columns):
        pd.read_parquet(folder / TABLE).assign(**columns).to_parquet(folder / TABLE)
        return folder

    return change


def test_the_most_suspicious_comes_first(review):
    assert list(review.candidates)[:3] == ["c0", "c1", "c2"]
    third = review.candidates["c3"]
    assert (third.row, third.label, third.score) == (7, "real", pytest.approx(0.03))
    assert review.survey == "DES"
    assert review.simulated


def test_results_their_parent_and_the_table_itself_are_the_same_review(study, review, tmp_path):
    (tmp_path / "des_study").symlink_to(study)
    for path in (tmp_path, study / TABLE):
        assert opened(path).fingerprint == review.fingerprint
    moved = tmp_path / "candidates.parquet"
    shutil.copy(study / TABLE, moved)
    assert opened(moved, stamps=study / "stamps.h5").fingerprint == review.fingerprint
    with pytest.raises(ContractError, match="add --stamps"):
        opened(moved)


def test_a_stamps_file_is_reviewed_whole(tmp_path):
    path = write_survey(tmp_path, "New", width=2.0, count=40)
    candidates = opened(path).candidates
    assert list(candidates) == [f"New-{row}" for row in range(40)]
    assert candidates["New-3"].score is None


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ([255, 255, 255], ["unlabelled"] * 3),
        ([255, 1, 0], ["unlabelled", "real", "bogus"]),
    ],
)
def test_stamps_without_a_label_are_candidates_without_one(tmp_path, labels, words):
    review = opened(write_new_survey(tmp_path, labels))
    found = [(kept.id, kept.row, kept.label, kept.score) for kept in review.candidates.values()]
    assert found == [(f"n{row}", row, word, None) for row, word in enumerate(words)]


def test_another_label_is_another_review(tmp_path):
    fingerprints = {
        opened(write_new_survey(tmp_path, labels)).fingerprint for labels in ([255, 255], [255, 1], [255, 0])
    }
    assert len(fingerprints) == 3


def test_a_table_may_hold_candidates_without_a_label(copied):
    kept = opened(copied(label=np.uint8(255))).candidates["c3"]
    assert (kept.label, kept.score) == ("unlabelled", pytest.approx(0.03))


def test_a_seed_gives_one_random_order_and_the_same_fingerprint(study, review):
    one, again, other = (
        list(opened(study, draw=Draw("random", None, seed)).candidates) for seed in (1, 1, 2)
    )
    assert one == again
    assert sorted(one) == sorted(other) == sorted(review.candidates)
    assert one != other
    assert opened(study, draw=Draw("random", None, 1)).fingerprint == review.fingerprint


@pytest.mark.parametrize(
    ("draw", "expected"),
    [
        (Draw("suspicion", 3, 0), ["c0", "c1", "c2"]),
        (Draw("uncertainty", 3, 0), ["c29", "c28", "c27"]),  # scores 0.29, 0.28, 0.27
        (Draw("file", 2, 0), ["c17", "c21"]),
        (Draw(None, None, 0), [f"c{number}" for number in range(30)]),
    ],
)
def test_the_first_of_an_order_are_asked_about_and_all_are_the_review(study, review, draw, expected):
    drawn = opened(study, draw=draw)
    assert list(drawn.candidates) == expected
    assert drawn.labels == review.labels
    assert len(drawn.labels) == 30
    assert drawn.fingerprint == review.fingerprint


def test_more_agreeing_networks_are_more_suspicious_than_any_suspicion():
    table = pd.DataFrame({"score": 0.5, "suspicion": [0.91, 1.0, 0.95], "agreeing": [2, 1, 2]})
    assert Draw(None, None, 0).drawn(table, source="a").index.tolist() == [2, 0, 1]
    one = Draw(None, None, 0).drawn(table.drop(columns="agreeing"), source="a")
    assert one.index.tolist() == [1, 2, 0]


def test_so_many_are_drawn_at_random(study):
    one, more = (list(opened(study, draw=Draw("random", count, 4)).candidates) for count in (5, 10))
    assert one == more[:5]
    assert len(set(more)) == 10


def test_scores_of_a_model_order_stamps_that_have_none(tmp_path):
    stamps = write_new_survey(tmp_path, [255] * 4)
    for order in ("uncertainty", "suspicion"):
        with pytest.raises(ContractError, match=f"--order {order} needs a s.* add --scores FILE"):
            opened(stamps, draw=Draw(order, None, 0))
    table = tmp_path / "scores.csv"
    table.write_text("id,score,flags\nn0,0.9,\nn2,0.4,\nn3,0.55,\nelse,0.5,\n")
    review = opened(stamps, draw=Draw("uncertainty", None, 0), scores=table)
    assert [(kept.id, kept.score) for kept in review.candidates.values()] == [
        ("n3", 0.55),
        ("n2", 0.4),
        ("n0", 0.9),
        ("n1", None),
    ]
    assert review.fingerprint == opened(stamps).fingerprint
    table.write_text("id\nn0\n")
    with pytest.raises(ContractError, match=r"scores\.csv: columns id, score are needed"):
        opened(stamps, scores=table)


def test_new_scores_keep_the_fingerprint_and_new_labels_do_not(copied, review):
    assert opened(copied(score=0.5, suspicion=0.5)).fingerprint == review.fingerprint
    assert opened(copied(label=np.uint8(1))).fingerprint != review.fingerprint


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"row": 0}, r"found \d+ twice and 0 beyond\. These are not the candidates of .*stamps\.h5"),
        ({"row": 10_000}, "expected every row once"),
        ({"id": "c0"}, r"row \d+ should be candidate c\d+ of DES, found c0"),
        (
            {"label": 2},
            r"expected labels 1 \(real\), 0 \(bogus\) or 255 \(unlabelled\), found 2 for candidate c",
        ),
        ({"label": np.nan}, "found nan for candidate c"),
    ],
)
def test_candidates_of_other_stamps_are_refused(copied, columns, message):
    with pytest.raises(ContractError, match=message):
        opened(copied(**columns))


def test_a_damaged_table_is_refused_and_its_deletion_not_advised(copied):
    folder = copied()
    (folder / TABLE).write_bytes((folder / TABLE).read_bytes()[:-4])
    with pytest.raises(
        ContractError, match=r"candidates\.parquet: not a readable table .* Give a whole table"
    ) as error:
        opened(folder)
    assert "Delete" not in str(error.value)


def test_what_is_missing_is_named(tmp_path):
    with pytest.raises(ContractError, match=r"snakemake des_study"):
        opened(tmp_path)
    with pytest.raises(ContractError, match=r"nothing.h5: no such file"):
        opened(tmp_path / "nothing.h5")
    table = tmp_path / "table.parquet"
    pd.DataFrame({"id": ["a"]}).to_parquet(table)
    with pytest.raises(ContractError, match="row, label, score, suspicion missing"):
        opened(table, stamps=write_survey(tmp_path, "New", width=2.0, count=4))


def test_stamps_that_changed_are_not_reviewed(tmp_path):
    path = write_survey(tmp_path, "A", width=1.5, count=30)
    with h5py.File(path, "r+") as file:
        file["stamps"][2, 1, 3, 3] += 1
    with pytest.raises(ContractError, match=r"A\.h5: its content has changed since it was written"):
        opened(path)
