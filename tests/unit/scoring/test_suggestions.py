"""Which stamps are suggested for labelling."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from adaptation import some_labels, write_some
from stampshift.cli import app
from stampshift.core.errors import ContractError
from stampshift.review.reviewed import open_review
from stampshift.scoring.suggestions import STRATEGIES, suggest
from stampshift.stamps.file import REAL, UNLABELLED, Stamps


def model_of(scores, features):
    """A model that says this of the rows of a file."""
    scores, features = np.asarray(scores, np.float32), np.asarray(features, np.float32)
    return SimpleNamespace(features=lambda stamps, rows: (scores[rows], features[rows]))


class Given(SimpleNamespace):
    """What `suggest` reads of stamps; each is of its own object and has pixels of its own."""

    def __len__(self):
        return len(self.labels)


def given(labels, *, groups=None, pixels=None):
    count = len(labels)
    return Given(
        survey="B",
        stamps=None,
        labels=np.array(labels, np.uint8),
        ids=np.array([f"id-{row}" for row in range(count)]),
        groups=np.array(groups or [""] * count),
        fingerprints=np.array(pixels or range(count)),
    )


NO_LABEL = [UNLABELLED] * 6


def test_uncertain_are_the_scores_closest_to_one_half():
    model = model_of([0.9, 0.45, 0.1, 0.56, 0.52, 0.99], np.ones((6, 2)))
    table = suggest(model, given(NO_LABEL), count=3, strategy="uncertainty")
    assert table["row"].tolist() == [4, 1, 3]
    assert table["id"].tolist() == ["id-4", "id-1", "id-3"]
    assert table["score"].tolist() == pytest.approx([0.52, 0.45, 0.56])
    assert set(table["label"]) == {UNLABELLED}


def test_diverse_are_the_farthest_from_the_labelled_and_from_each_other():
    angles = np.radians([0, 10, 180, 90, 95, 5])
    features = 7 * np.stack([np.cos(angles), np.sin(angles)], axis=1)  # lengths do not count
    model = model_of(np.full(6, 0.5), features)
    labels = [REAL, *NO_LABEL[1:]]
    table = suggest(model, given(labels), count=3, strategy="diversity")
    # 180 degrees from the label; then 90 from both, which 95 is not; then the farthest of 5, 10 and 95
    assert table["row"].tolist() == [2, 3, 1]


def test_both_takes_uncertain_stamps_that_are_unlike_each_other():
    """Certain stamps have gradients of nearly no length; copies of a stamp have the same gradient."""
    uncertain = [[1, 0], [1, 0], [1, 0], [0, 1], [0, 1], [0, 1]]
    certain = [[1, 1]] * 20
    model = model_of([0.5] * 6 + [0.9999] * 20, uncertain + certain)
    for seed in range(10):
        table = suggest(model, given([UNLABELLED] * 26), count=3, strategy="both", seed=seed)
        # one of each of the three kinds
        assert sorted(min(int(row) // 3, 2) for row in table["row"]) == [0, 1, 2]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_each_is_of_another_object_and_of_none_with_a_label(strategy):
    rng = np.random.default_rng(1)
    model = model_of(rng.random(8), rng.random((8, 3)))
    labels = [REAL, *[UNLABELLED] * 7]
    # rows 0 and 1 are one object; 2 and 3 too; 4 and 5 are identical
    objects = ["a", "a", "b", "b", "c", "d", "e", "f"]
    stamps = given(labels, groups=objects, pixels=[0, 1, 2, 3, 4, 4, 6, 7])
    table = suggest(model, stamps, count=4, strategy=strategy)
    assert sorted(table["row"]) == [2, 4, 6, 7]
    assert table.equals(suggest(model, stamps, count=4, strategy=strategy))
    with pytest.raises(
        ContractError, match="B: 5 stamps to label were asked for, but only 4 objects have no"
    ):
        suggest(model, stamps, count=5, strategy=strategy)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_review_opens_the_suggestions_of_a_released_model_in_their_order(
    released, surveys, tmp_path, strategy
):
    rows, labels = some_labels(surveys["B"], real=2, bogus=2, unlabelled=60)
    path = write_some(tmp_path / "B.h5", surveys["B"], rows, labels)
    stamps = Stamps.open(path, unlabelled=True)
    table = suggest(released, stamps, count=7, strategy=strategy, seed=3)
    assert (stamps.labels[table["row"]] == UNLABELLED).all()
    scores = released.score_stamps(np.asarray(stamps.stamps[table["row"].to_numpy()])).score
    assert table["score"].to_numpy() == pytest.approx(scores, abs=1e-6)
    table.to_parquet(tmp_path / "suggested.parquet")
    review = open_review(tmp_path / "suggested.parquet", stamps=path)
    assert list(review.candidates) == table["id"].tolist()
    assert {candidate.label for candidate in review.candidates.values()} == {"unlabelled"}


def test_stamps_of_another_size_are_refused(released, surveys):
    none = np.full_like(surveys["B"].labels, UNLABELLED)
    small = replace(surveys["B"], stamps=surveys["B"].stamps[:, :, 1:, 1:], labels=none)
    with pytest.raises(ContractError, match=r"expected stamps of shape \(n, 3, 21, 21\)"):
        suggest(released, small, count=2)


def test_the_command_writes_what_review_opens(released, surveys, tmp_path):
    rows, labels = some_labels(surveys["B"], real=1, bogus=1, unlabelled=30)
    path = write_some(tmp_path / "B.h5", surveys["B"], rows, labels)
    result = CliRunner().invoke(app, ["suggest", str(released.folder), str(path), "--count", "4"])
    assert result.exit_code == 0
    assert len(pd.read_parquet(tmp_path / "B-suggested.parquet")) == 4
    assert f"stampshift review {tmp_path}/B-suggested.parquet --stamps {path}" in result.output
