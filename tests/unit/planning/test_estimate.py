from dataclasses import replace

import pytest

from fake_plan import (
    BASELINE_JOB,
    CALIBRATION,
    FINETUNE_JOB,
    MME_JOB,
    SEARCH_JOB,
    STAMPS,
    planned_job,
    planned_workflow,
)
from stampshift.planning.epochs import Epochs
from stampshift.planning.estimate import SCORING, counted_trainings, hours, job_seconds, kind_of, work
from tiny_project import ROOT

# of the tiny experiment: patience and maximum are 2 epochs
EPOCHS = {name: Epochs(1, 2, 3, 0) for name in ("baseline", "finetune", "mme")}
BASELINE_RUN = (
    2 * (100 * 0.01 + 15 * 0.001) + 15 * 0.001
)  # epochs of training and validation, then the test part
ADAPTATION_RUN = 2 * (100 * 0.01 + 4 * 0.001) + (15 + 25) * 0.001
STARTED = 3.0 + 1.0  # the process, and its first step


def seconds_of(job, calibration=CALIBRATION, scenario="expected", **changes):
    workflow = planned_workflow(job, **changes)
    (trainings,) = work(workflow, STAMPS)
    return job_seconds(
        job, trainings, calibration, workflow=workflow, stamps=STAMPS, epochs=EPOCHS, scenario=scenario
    )


def test_a_cohort_on_one_thread_trains_its_runs_one_by_one():
    assert seconds_of(BASELINE_JOB) == pytest.approx(STARTED + 2 * BASELINE_RUN)
    assert seconds_of(FINETUNE_JOB) == pytest.approx(STARTED + 2 * ADAPTATION_RUN)
    assert seconds_of(SEARCH_JOB) == pytest.approx(STARTED + 4 * ADAPTATION_RUN)


def test_every_job_pays_for_its_process_first_step_though_one_recipe_was_measured_in_a_new_process():
    quick = replace(CALIBRATION.trainings["mme"], first_step_seconds=0.0)
    calibration = replace(CALIBRATION, trainings={**CALIBRATION.trainings, "mme": quick})
    assert seconds_of(MME_JOB, calibration) == seconds_of(MME_JOB)


def test_a_run_that_the_search_has_done_is_not_trained_again():
    assert seconds_of(MME_JOB) == pytest.approx(STARTED + ADAPTATION_RUN)


def test_a_cohort_on_two_threads_trains_two_runs_at_a_time():
    assert seconds_of(replace(BASELINE_JOB, threads=2)) == pytest.approx(STARTED + BASELINE_RUN)
    assert seconds_of(replace(SEARCH_JOB, threads=3)) == pytest.approx(STARTED + 2 * ADAPTATION_RUN)


def test_on_a_gpu_threads_do_not_count():
    calibration = replace(CALIBRATION, device="cuda")
    assert seconds_of(replace(BASELINE_JOB, threads=2), calibration) == pytest.approx(
        STARTED + 2 * BASELINE_RUN
    )


def test_more_epochs_take_longer():
    longer = seconds_of(BASELINE_JOB, scenario="high") - seconds_of(BASELINE_JOB)
    assert longer == pytest.approx(2 * (100 * 0.01 + 15 * 0.001))


def test_archives_are_drawn_on_all_threads_and_read_on_one():
    drawn = planned_job("simulate", survey="HiTS", size="150", threads=2)
    assert seconds_of(drawn) == pytest.approx(2.5 + 150 * 0.002 / 2)
    assert seconds_of(planned_job("stamps", survey="ATLAS", threads=2)) == pytest.approx(1.5 + 250 * 0.001)


def test_a_transfer_scores_the_target_s_test_part_once_per_seed():
    job = planned_job("transfer", source="HiTS", target="ATLAS")
    with_a_training = planned_workflow(job, BASELINE_JOB)
    taken = job_seconds(
        job, [], CALIBRATION, workflow=with_a_training, stamps=STAMPS, epochs=EPOCHS, scenario="expected"
    )
    assert taken == pytest.approx(3.0 + 2 * 25 * 0.001)


def test_targets_and_downloads_cost_nothing():
    assert kind_of(planned_job("all", outputs=[])) is None
    assert kind_of(planned_job("download")) is None
    assert seconds_of(planned_job("all", outputs=[])) == 0


def test_kinds_of_jobs():
    assert kind_of(planned_job("table1", outputs=["t.csv"])) == "table"
    assert kind_of(planned_job("pair_figure", outputs=["f.pdf", "f.png"])) == "figure"
    assert kind_of(SEARCH_JOB) == "training"
    assert kind_of(planned_job("splits")) == "data"


def test_jobs_that_score_with_torch_are_known():
    """The start of a process with torch takes several times that of one without."""
    scripts = {path.stem: path.read_text() for path in (ROOT / "workflow" / "scripts").glob("*.py")}
    with_torch = {name for name, text in scripts.items() if "from stampshift.training" in text}
    trainings = {"baseline", "adapt", "select_lambda", "des_study_networks", "des_study_further"}
    assert with_torch - trainings - {"published_lambda"} == set(SCORING)


def test_hours_of_a_small_workflow():
    workflow = planned_workflow(BASELINE_JOB, FINETUNE_JOB, SEARCH_JOB, MME_JOB)
    told = hours(workflow, CALIBRATION, stamps=STAMPS, epochs=EPOCHS, scenario="expected")
    baseline = STARTED + 2 * BASELINE_RUN
    search, mme = STARTED + 4 * ADAPTATION_RUN, STARTED + ADAPTATION_RUN
    finetune = STARTED + 2 * ADAPTATION_RUN
    assert told.core == pytest.approx(baseline + search + mme + finetune)
    # fine-tuning runs beside the search; MME waits for it
    assert told.wall == pytest.approx(4.0 + baseline + search + mme)
    assert told.gpu == 0


def test_gpu_time_is_that_of_the_jobs_that_hold_one():
    workflow = planned_workflow(replace(BASELINE_JOB, gpus=1), planned_job("gather"), gpus=1)
    told = hours(
        workflow, replace(CALIBRATION, device="cuda"), stamps=STAMPS, epochs=EPOCHS, scenario="expected"
    )
    assert told.gpu == pytest.approx(STARTED + 2 * BASELINE_RUN)
    assert told.core == pytest.approx(told.gpu + 1.0)


def test_trainings_are_counted_by_kind():
    workflow = planned_workflow(BASELINE_JOB, FINETUNE_JOB, SEARCH_JOB, MME_JOB)
    counted = counted_trainings(work(workflow, STAMPS), EPOCHS)
    assert {kind: (each.count, each.reused) for kind, each in counted.items()} == {
        "baseline": (2, 0),
        "adaptation": (3, 1),
        "lambda search": (4, 0),
    }
    assert counted["adaptation"].epochs == {"low": 3, "expected": 6, "high": 9}
