import pytest

from stampshift.core.files import write_json
from stampshift.planning.epochs import Epochs, Finished, expected_epochs, read_finished
from stampshift.planning.trainings import Recipe

KEY = ("mme", "bolivar")


def recipe(method="mme", *, patience=10, most=40):
    return Recipe(method, method, "bolivar", 21, {}, {"patience_epochs": patience, "max_epochs": most})


def test_without_finished_runs_the_best_epoch_is_assumed():
    assert expected_epochs(recipe("baseline"), {}) == Epochs(low=11, expected=30, high=40, finished=0)
    assert expected_epochs(recipe("mme"), {}) == Epochs(low=11, expected=15, high=40, finished=0)


def test_no_training_is_longer_than_the_configuration_allows():
    assert expected_epochs(recipe(patience=10, most=5), {}) == Epochs(low=5, expected=5, high=5, finished=0)


def test_without_a_maximum_the_range_ends_at_five_times_the_patience():
    assert expected_epochs(recipe(patience=100, most=None), {}).high == 500


def test_finished_runs_say_how_many_epochs_come_before_the_patience():
    runs = {KEY: [Finished(2, perfect=False), Finished(6, perfect=False)]}
    assert expected_epochs(recipe(), runs) == Epochs(low=11, expected=14, high=40, finished=2)


def test_a_perfect_validation_spends_no_patience():
    runs = {KEY: [Finished(2, perfect=True), Finished(6, perfect=False)]}
    epochs = expected_epochs(recipe(), runs)
    assert epochs.expected == pytest.approx((2 + 16) / 2)
    assert epochs.low == pytest.approx(9)


def test_runs_of_another_method_say_nothing():
    assert expected_epochs(recipe("baseline"), {KEY: [Finished(2, perfect=False)]}).finished == 0


def test_finished_runs_are_read_from_the_store(tmp_path):
    for name, accuracy in (("a", 1.0), ("b", 0.9)):
        write_json(
            tmp_path / "store" / name / name / "metrics.json",
            {
                "trained_by": "mme",
                "network": "bolivar",
                "best_epoch": 3,
                "validation_balanced_accuracy": accuracy,
            },
        )
    assert read_finished(tmp_path) == {KEY: [Finished(3, perfect=True), Finished(3, perfect=False)]}
    assert read_finished(tmp_path / "nothing") == {}
