import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fake_surveys import FRACTIONS, survey_of, write_survey
from stampshift.core.errors import ConfigError, ContractError
from stampshift.stamps.file import Stamps
from stampshift.stamps.splits import Splits, make_folds, make_second_splits, make_splits


def parts(splits):
    return {"train": splits.train, "validation": splits.validation, "test": splits.test}


@settings(max_examples=25, deadline=None)
@given(real=st.integers(10, 120), bogus=st.integers(10, 120), seed=st.integers(0, 2**32 - 1))
def test_parts_cover_the_survey_without_overlap_and_keep_the_classes_shares(real, bogus, seed):
    survey = survey_of([1] * real + [0] * bogus)
    found = parts(make_splits(survey, fractions=FRACTIONS, seed=seed))
    together = np.concatenate(list(found.values()))
    assert sorted(together.tolist()) == list(range(real + bogus))
    for name, share in FRACTIONS.items():
        reals = survey.labels[found[name]].sum()
        # ten folds differ by at most one stamp of a class each
        assert abs(reals - share * real) <= 10 * share
        assert abs(len(found[name]) - reals - share * bogus) <= 10 * share


def test_no_object_is_in_two_parts(tmp_path):
    survey = Stamps.open(write_survey(tmp_path, "G", width=2, count=600, groups=True))
    splits = make_splits(survey, fractions=FRACTIONS, seed=3)
    objects = {name: set(survey.groups[rows]) for name, rows in parts(splits).items()}
    assert objects["train"] | objects["validation"] | objects["test"] == set(survey.groups)
    assert not objects["train"] & objects["validation"]
    assert not objects["train"] & objects["test"]
    assert not objects["validation"] & objects["test"]


def test_shots_are_nested_balanced_and_apart_from_the_unlabelled(surveys, splits):
    labels, split = surveys["B"].labels, splits["B"]
    previous: set[int] = set()
    for shots in (1, 5, 10, 20, 40):
        rows = split.shots(shots)
        assert labels[rows].tolist() == [1] * shots + [0] * shots
        assert previous < set(rows)
        assert set(rows) <= set(split.train)
        assert set(split.unlabelled(shots)) == set(split.train) - set(rows)
        previous = set(rows)


def test_the_order_of_the_unlabelled_reveals_no_label(splits):
    rows = splits["B"].unlabelled(5)
    assert (np.diff(rows) > 0).all()


def test_validation_shots_come_from_the_validation_part(surveys, splits):
    rows = splits["B"].validation_shots(10)
    assert set(rows) <= set(splits["B"].validation)
    assert surveys["B"].labels[rows].tolist() == [1] * 10 + [0] * 10


def test_a_seed_gives_the_same_file_and_another_seed_another(tmp_path, surveys):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        make_splits(surveys["A"], fractions=FRACTIONS, seed=seed).save(tmp_path / f"{name}.npz")
    first, second, other = ((tmp_path / f"{name}.npz").read_bytes() for name in "abc")
    assert first == second != other


def test_what_is_saved_is_read_back(tmp_path, splits):
    splits["A"].save(tmp_path / "a.npz")
    again = Splits.open(tmp_path / "a.npz")
    assert again.survey == "A"
    np.testing.assert_array_equal(again.train_real, splits["A"].train_real)


def test_too_many_shots_say_what_the_part_holds(splits):
    with pytest.raises(
        ConfigError, match="B: 500 shots per class were asked for, but the train part holds 160"
    ):
        splits["B"].shots(500)


def test_too_few_stamps_of_a_class(tmp_path):
    with pytest.raises(ConfigError, match="10 folds needs that many stamps of each class, found 4"):
        make_splits(survey_of([1] * 4 + [0] * 50), fractions=FRACTIONS, seed=0)


def test_other_fractions_are_kept():
    survey = survey_of([0, 1] * 500)
    found = parts(make_splits(survey, fractions={"train": 0.7, "validation": 0.1, "test": 0.2}, seed=0))
    assert {name: len(rows) for name, rows in found.items()} == {"train": 700, "validation": 100, "test": 200}


def with_a_wrong_bit(content: bytes) -> bytes:
    place = content.index(b"NUMPY") + 200  # among the numbers of an array
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


@pytest.mark.parametrize(
    "damaged",
    [lambda content: b"PK nothing", lambda content: b"", lambda content: content[:1000], with_a_wrong_bit],
    ids=["other content", "empty", "cut short", "a wrong bit"],
)
def test_a_damaged_file_is_named(tmp_path, damaged):
    path = tmp_path / "a.npz"
    make_splits(survey_of([0, 1] * 500), fractions=FRACTIONS, seed=0).save(path)
    path.write_bytes(damaged(path.read_bytes()))
    with pytest.raises(ContractError, match=r"a\.npz: not a readable splits file .* Delete it"):
        Splits.open(path)


# ---- a reserve, some rows alone, and cross-fitting ---------------------------------------------------------


def test_what_is_in_reserve_is_in_no_part():
    survey = survey_of([0, 1, 0] * 400)
    fractions = {"train": 0.5, "validation": 0.05, "test": 0.05, "reserve": 0.4}
    found = parts(make_splits(survey, fractions=fractions, seed=0))
    assert {name: len(rows) for name, rows in found.items()} == {"train": 600, "validation": 60, "test": 60}
    together = np.concatenate(list(found.values()))
    assert len(np.unique(together)) == 720
    for rows in found.values():
        assert survey.labels[rows].mean() == pytest.approx(1 / 3)


def test_an_empty_reserve_changes_no_byte(tmp_path, surveys):
    for name, fractions in (("a", FRACTIONS), ("b", {**FRACTIONS, "reserve": 0.0})):
        make_splits(surveys["A"], fractions=fractions, seed=4).save(tmp_path / f"{name}.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


EARLIER = {
    "test": [5, 9, 24, 28],
    "validation_real": [37, 31],
    "train_bogus": [0, 32, 26, 36, 34, 20, 8, 14, 18, 22, 30, 16, 10, 38, 6, 2],
}


def test_splits_are_those_of_earlier_versions():
    """Rows drawn before there was a reserve: a finished study's files must not change."""
    found = make_splits(survey_of([0, 1] * 20), fractions=FRACTIONS, seed=0)
    assert found.test.tolist() == EARLIER["test"]
    assert found.validation_real.tolist() == EARLIER["validation_real"]
    assert found.train_bogus.tolist() == EARLIER["train_bogus"]


def test_rows_without_a_label_are_in_no_part():
    survey = survey_of([0, 1] * 100)
    rows = np.arange(40, 160)
    found = make_splits(survey, fractions={"train": 0.5, "validation": 0.2, "test": 0.3}, seed=0, rows=rows)
    together = np.concatenate(list(parts(found).values()))
    assert sorted(together.tolist()) == rows.tolist()
    assert survey.labels[found.train_real].all()
    assert len(found.test) == 36


@pytest.mark.parametrize("folds", [2, 5])
def test_every_stamp_is_in_the_test_part_of_one_fold(tmp_path, folds):
    survey = Stamps.open(write_survey(tmp_path, "G", width=2, count=600, groups=True))
    splits = make_folds(survey, folds=folds, validation=0.1, seed=1)
    assert sorted(np.concatenate([split.test for split in splits]).tolist()) == list(range(600))
    for split in splits:
        found = parts(split)
        assert sorted(np.concatenate(list(found.values())).tolist()) == list(range(600))
        assert len(found["validation"]) == pytest.approx(0.1 * (600 - 600 / folds), abs=9)
        objects = [set(survey.groups[rows]) for rows in found.values()]
        assert not objects[0] & objects[1] | objects[0] & objects[2] | objects[1] & objects[2]


def test_folds_are_a_function_of_their_seed():
    survey = survey_of([0, 1] * 200)
    first, again, other = (make_folds(survey, folds=2, validation=0.1, seed=seed) for seed in (0, 0, 1))
    assert first[1].train_real.tolist() == again[1].train_real.tolist() != other[1].train_real.tolist()
    assert first[0].train_real.tolist() != first[1].train_real.tolist()


# ---- the second split of a study ---------------------------------------------------------------------------

FIRST = {"train": 0.5, "validation": 0.05, "test": 0.05, "reserve": 0.4}
SECOND = {"train": 0.7, "validation": 0.1, "test": 0.2}


def first_and_second(survey, *, seed=0, first=FIRST, second=SECOND):
    earlier = make_splits(survey, fractions=first, seed=seed)
    return earlier, make_second_splits(
        survey, fractions=second, seed=seed, first=earlier, first_fractions=first
    )


@pytest.mark.parametrize("seed", [0, 1])
def test_no_stamp_tests_in_the_second_split_that_the_first_one_trains_or_validates_on(seed):
    survey = survey_of([0, 1, 0] * 600)
    first, second = first_and_second(survey, seed=seed)
    found = parts(second)
    sizes = {name: len(rows) for name, rows in found.items()}
    assert sizes == pytest.approx({"train": 1260, "validation": 180, "test": 360}, abs=8)
    assert sorted(np.concatenate(list(found.values())).tolist()) == list(range(1800))
    assert not set(second.test) & (set(first.train) | set(first.validation))
    for rows in found.values():
        assert survey.labels[rows].mean() == pytest.approx(1 / 3, abs=0.01)


def test_the_second_split_keeps_objects_together_and_apart_from_the_first_train_part(tmp_path):
    survey = Stamps.open(write_survey(tmp_path, "G", width=2, count=900, groups=True))
    first, second = first_and_second(survey, first={"train": 0.4, "validation": 0.1, "test": 0.5})
    objects = [set(survey.groups[rows]) for rows in parts(second).values()]
    assert not objects[0] & objects[1] | objects[0] & objects[2] | objects[1] & objects[2]
    seen = np.concatenate([first.train, first.validation])
    assert not objects[2] & set(survey.groups[seen])


def test_the_second_split_is_drawn_anew():
    """From its own stream: chance spreads the first train part over the second train and validation part."""
    survey = survey_of([0, 1] * 1000)
    first, second = first_and_second(survey)
    again = np.intersect1d(first.train, second.train)
    assert len(again) / len(first.train) == pytest.approx(7 / 8, abs=0.03)
    assert second.test.tolist() == first_and_second(survey)[1].test.tolist()
    assert second.test.tolist() != first_and_second(survey, seed=1)[1].test.tolist()


def test_all_that_the_first_split_leaves_may_test_in_the_second():
    survey = survey_of([0, 1] * 100)
    exhaustive = {"train": 0.5, "validation": 0.3, "test": 0.2}
    first, second = first_and_second(survey, first=exhaustive)
    assert second.test.tolist() == first.test.tolist()


def test_the_folds_are_no_parts_of_the_other_splits():
    survey = survey_of([0, 1] * 1000)
    first, second = first_and_second(survey)
    folds = [fold.test for fold in make_folds(survey, folds=2, validation=0.1, seed=0)]
    for rows in (first.train, second.train, second.test):
        assert len(np.intersect1d(rows, folds[0])) / len(rows) == pytest.approx(0.5, abs=0.06)
