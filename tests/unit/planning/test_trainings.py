import pytest

from fake_plan import (
    BASELINE_JOB,
    FINETUNE_JOB,
    MME_JOB,
    SEARCH_JOB,
    STAMPS,
    planned_job,
    planned_workflow,
)
from stampshift.planning.trainings import runs_of, trainings_of


def only(job, **changes):
    (part,) = trainings_of(job, planned_workflow(**changes), stamps=STAMPS)
    return part


def test_a_baseline_is_trained_once_per_seed_and_scored_on_its_own_survey():
    part = only(BASELINE_JOB)
    assert (part.kind, part.count, part.reused) == ("baseline", 2, 0)
    assert (part.epoch_stamps, part.validation_stamps) == (100, pytest.approx(15))
    assert part.test_stamps == pytest.approx(15)


def test_a_search_tries_every_weight_with_every_number_of_shots():
    part = only(SEARCH_JOB)
    assert (part.kind, part.count) == ("lambda search", 2 * 2)
    assert part.validation_stamps == 4
    assert part.test_stamps == pytest.approx(15 + 25)


def test_mme_takes_the_search_s_own_split_over():
    part = only(MME_JOB)
    assert (part.kind, part.count, part.reused) == ("adaptation", 1, 1)


def test_finetuning_has_nothing_to_take_over():
    assert (only(FINETUNE_JOB).count, only(FINETUNE_JOB).reused) == (2, 0)


def test_nothing_is_taken_over_where_the_weight_is_published():
    assert only(MME_JOB, methods={"mme": {"entropy_weight": {"choice": "published"}}}).reused == 0


def test_the_second_study_trains_its_networks_on_the_shares_of_each_part():
    study = {"networks": ["network_1", "network_4"]}
    workflow = planned_workflow(des_study=study)
    first = trainings_of(planned_job("des_study_first"), workflow, stamps=STAMPS)
    assert [part.recipe.network for part in first] == ["network_1", "network_4"]
    assert first[0].epoch_stamps == pytest.approx(75)
    assert first[0].test_stamps == pytest.approx(7.5)
    folds = trainings_of(planned_job("des_study_search"), workflow, stamps=STAMPS)
    # two folds: each network is trained and validated on one half and scores the other
    assert [part.epoch_stamps for part in folds] == pytest.approx([67.5, 67.5])
    assert [part.test_stamps for part in folds] == pytest.approx([75, 75])


def test_other_jobs_train_nothing():
    assert trainings_of(planned_job("gather"), planned_workflow(), stamps=STAMPS) == []


def test_the_published_experiment_has_1720_runs():
    workflow = planned_workflow(
        pairs="all",
        splits={"seeds": list(range(10)), "shots": [1, 5, 10, 20, 40], "validation_shots": 10},
        methods={"mme": {"entropy_weight": {"grid": [0.01, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 10]}}},
    )
    assert runs_of(workflow.experiment) == {"baseline": 40, "lambda search": 480, "adaptation": 1200}
