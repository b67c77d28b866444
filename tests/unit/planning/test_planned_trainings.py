from collections import Counter

import pytest

from fake_plan import BASELINE_JOB, FINETUNE_JOB, MME_JOB, SEARCH_JOB, models, planned_job, planned_workflow
from stampshift.core.files import write_json
from stampshift.planning.planned_trainings import (
    Recipe,
    expected_epochs,
    read_finished,
    trainings_by_job,
)

KEY = ("mme", "bolivar")


def trainings(job, **changes):
    (own,) = trainings_by_job(planned_workflow(job, **changes))
    return own


def counted(job, **changes):
    own = trainings(job, **changes)
    (name,) = {part.recipe.name for part in own}
    return name, len(own), sum(part.reused for part in own)


def test_a_baseline_is_trained_once_per_seed_and_scored_on_its_own_survey():
    assert counted(BASELINE_JOB) == ("baseline", 2, 0)
    part = trainings(BASELINE_JOB)[0]
    assert (part.epoch_stamps, part.validation_stamps) == (100, pytest.approx(15))
    assert part.test_stamps == pytest.approx(15)


def test_a_source_of_several_surveys_costs_the_stamps_of_all_of_them():
    several = {"sources": {"both": ["HiTS", "ATLAS"]}, "pairs": ["both-to-ATLAS", "both-to-ZTF"]}
    several["diagnostics"] = {"pairs": "all"}
    own = planned_job("baseline", outputs=models("baseline/both"), source="both")
    part = trainings(own, **several)[0]
    assert part.epoch_stamps == 100
    assert (part.validation_stamps, part.test_stamps) == (pytest.approx(40), pytest.approx(40))
    for target, tested in (("ATLAS", 40), ("ZTF", 55)):  # a target among them is scored once
        job = planned_job("adapt", outputs=models(f"finetune/both-to-{target}/shots-1"), method="finetune")
        assert trainings(job, **several)[0].test_stamps == pytest.approx(tested)


def test_a_search_tries_every_weight_with_every_number_of_shots():
    assert counted(SEARCH_JOB) == ("mme", 2 * 2, 0)
    part = trainings(SEARCH_JOB)[0]
    assert part.validation_stamps == 4
    assert part.test_stamps == pytest.approx(15 + 25)


def test_mme_takes_the_search_s_own_split_over():
    assert counted(MME_JOB) == ("mme", 2, 1)


def test_without_labels_nothing_is_searched_or_taken_over_and_the_source_validates():
    none = planned_job("adapt_without_labels", outputs=models("mme/HiTS-to-ATLAS/shots-0"), method="mme")
    splits = {"splits": {"shots": [0, 1, 3]}}
    assert counted(none, **splits) == ("mme", 2, 0)
    assert trainings(none, **splits)[0].validation_stamps == pytest.approx(15)
    assert counted(SEARCH_JOB, **splits) == ("mme", 2 * 2, 0)


def test_finetuning_has_nothing_to_take_over():
    assert counted(FINETUNE_JOB) == ("finetune", 2, 0)


def test_nothing_is_taken_over_where_the_weight_is_published():
    published = {"mme": {"entropy_weight": {"choice": "published"}}}
    assert counted(MME_JOB, methods=published) == ("mme", 2, 0)
    assert trainings(SEARCH_JOB, methods=published) == []


def test_the_second_study_trains_its_networks_on_the_shares_of_each_part():
    def second(*folders):
        return planned_job("des", outputs=[f"results/des_study/{folder}/model.pt" for folder in folders])

    first = trainings(second("first/network_1", "first/network_4"))
    assert [part.recipe.network for part in first] == ["network_1", "network_4"]
    assert first[0].epoch_stamps == pytest.approx(75)
    assert first[0].test_stamps == pytest.approx(7.5)
    (again,) = trainings(second("second/new/network_2"))
    assert (again.recipe.network, again.epoch_stamps) == ("network_2", pytest.approx(105))
    folds = trainings(second("search/network_1/fold-0", "search/network_4/fold-1"))
    # two folds: each network is trained and validated on one half and scores the other
    assert [part.epoch_stamps for part in folds] == pytest.approx([67.5, 67.5])
    assert [part.test_stamps for part in folds] == pytest.approx([75, 75])
    assert [part.recipe.network for part in folds] == ["network_1", "network_4"]


def test_other_jobs_train_nothing():
    assert trainings(planned_job("gather")) == []
    assert trainings(planned_job("invented", outputs=["results/invented/model.pt"])) == []


def test_the_published_experiment_has_1720_runs():
    experiment = {
        "pairs": "all",
        "splits": {"seeds": list(range(10)), "shots": [1, 5, 10, 20, 40], "validation_shots": 10},
        "methods": {"mme": {"entropy_weight": {"grid": [0.01, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 10]}}},
    }
    asked = planned_workflow(**experiment).experiment
    runs = (*asked.baseline_runs(), *asked.adaptations())
    models = [f"results/{run.folder}/model.pt" for run in runs]
    searches = [f"results/lambda/{pair}.json" for pair in asked.pairs]
    for outputs, expected in (
        (models, {"baseline": 40, "finetune": 600, "mme": 600}),
        (searches, {"mme": 480}),
    ):
        parts = trainings(planned_job("all", outputs=outputs), **experiment)
        assert Counter(part.recipe.name for part in parts) == expected


def recipe(method="mme", *, patience=10, most=40):
    return Recipe(method, method, "bolivar", 21, {}, {"patience_epochs": patience, "max_epochs": most})


def epochs(low, expected, high, finished):
    return {"low": low, "expected": expected, "high": high, "finished": finished}


def test_without_finished_runs_the_best_epoch_is_assumed():
    assert expected_epochs(recipe("baseline"), {}) == epochs(11, 30, 40, finished=0)
    assert expected_epochs(recipe("mme"), {}) == epochs(11, 15, 40, finished=0)


def test_no_training_is_longer_than_the_configuration_allows():
    assert expected_epochs(recipe(patience=10, most=5), {}) == epochs(5, 5, 5, finished=0)
    assert expected_epochs(recipe(most=15), {KEY: [12, 40]})["expected"] == pytest.approx((12 + 15) / 2)


def test_without_a_maximum_the_range_ends_at_five_times_the_patience():
    assert expected_epochs(recipe(patience=100, most=None), {})["high"] == 500
    assert expected_epochs(recipe(patience=100, most=None), {KEY: [600]})["high"] == 600


def test_finished_runs_say_how_many_epochs_a_training_takes():
    assert expected_epochs(recipe(), {KEY: [12, 16]}) == epochs(11, 14, 40, finished=2)


def test_a_perfect_validation_uses_no_patience():
    """A perfect validation ends a training at once."""
    assert expected_epochs(recipe(), {KEY: [2, 4]}) == epochs(3, 3, 40, finished=2)


def test_runs_of_another_method_say_nothing():
    assert expected_epochs(recipe("baseline"), {KEY: [2]})["finished"] == 0


def test_finished_runs_are_read_from_the_store(tmp_path):
    for name, count in (("a", 3), ("b", 5)):
        metrics = {"trained_by": "mme", "network": "bolivar", "epochs": count}
        write_json(tmp_path / "store" / name / name / "metrics.json", metrics)
    assert read_finished(tmp_path) == {KEY: [3, 5]}
    assert read_finished(tmp_path / "nothing") == {}
