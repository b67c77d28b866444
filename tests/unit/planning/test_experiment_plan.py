import json
from dataclasses import replace

import pytest

from fake_plan import (
    BASELINE_JOB,
    CALIBRATION,
    FINETUNE_JOB,
    MME_JOB,
    SEARCH_JOB,
    STAMPS,
    download_job,
    planned_job,
    planned_workflow,
    stamps_job,
)
from stampshift.planning.experiment_plan import as_text, duration, make_plan


def plan(*jobs, calibration=CALIBRATION, finished=None, taken=None, **changes):
    workflow = planned_workflow(*jobs, **changes)
    return make_plan(workflow, calibration, finished or {}, taken or {})


def chain(length):
    return [planned_job("step", inputs=[str(n - 1)], outputs=[str(n)]) for n in range(length)]


def test_jobs_that_wait_for_each_other_run_one_by_one():
    assert plan(*chain(3), cores=8)["seconds"]["expected"]["wall"] == 3 * 1.0


def test_free_jobs_share_the_cores():
    jobs = [planned_job("job", outputs=[str(n)]) for n in range(6)]
    assert plan(*jobs, cores=2)["seconds"]["expected"]["wall"] == 3.0
    assert plan(*(replace(job, threads=2) for job in jobs), cores=2)["seconds"]["expected"]["wall"] == 6.0


def test_jobs_with_a_gpu_wait_for_it_only_where_it_is_limited():
    jobs = [planned_job("train", ["model.pt"], [str(n)], gpus=1) for n in range(2)]
    gpu = replace(CALIBRATION, gpu="H200")
    assert plan(*jobs, cores=4, gpus=1, calibration=gpu)["seconds"]["expected"]["wall"] == 6.0
    assert plan(*jobs, cores=4, calibration=gpu)["seconds"]["expected"]["wall"] == 3.0


def test_times_of_a_small_workflow():
    jobs = (BASELINE_JOB, FINETUNE_JOB, SEARCH_JOB, MME_JOB)
    seconds = plan(*jobs, methods={"mme": {}})["seconds"]["expected"]
    alone = [plan(job)["seconds"]["expected"]["core"] for job in jobs]
    assert seconds["core"] == pytest.approx(sum(alone))
    # fine-tuning runs beside the search; MME waits for it, and the search for the baseline
    assert seconds["wall"] == pytest.approx(sum(alone) - alone[1])
    assert seconds["gpu"] == 0


def test_gpu_time_is_that_of_the_jobs_that_hold_one():
    jobs = (replace(BASELINE_JOB, gpus=1), planned_job("gather"))
    seconds = plan(*jobs, gpus=1, calibration=replace(CALIBRATION, gpu="H200"))["seconds"]["expected"]
    assert seconds["gpu"] > 4.0
    assert seconds["core"] == pytest.approx(seconds["gpu"] + 1.0)


def test_trainings_are_counted_by_method():
    counted = plan(BASELINE_JOB, FINETUNE_JOB, SEARCH_JOB, MME_JOB)
    assert counted["trainings"] == {"baseline": 2, "finetune": 2, "mme": 4 + 1}
    assert counted["reused"] == 1


def test_time_and_jobs_are_summed_by_rule():
    content = plan(*chain(3), planned_job("invented"))
    assert content["jobs"] == {"step": 3, "invented": 1}
    assert content["core_seconds"] == {"step": 3.0, "invented": 1.0}
    assert line(as_text(content), "  step").split() == ["step", "3", "s", "3", "jobs"]


def line(text, start):
    (found,) = [each for each in text.splitlines() if each.startswith(start)]
    return found


def test_the_table_says_how_many_jobs_and_trainings():
    text = as_text(plan(BASELINE_JOB, SEARCH_JOB, MME_JOB, planned_job("gather")))
    assert line(text, "jobs").split() == ["jobs", "4"]
    assert "7  and 1 reused from the lambda search" in line(text, "trainings")
    assert line(text, "  mme").split()[1] == "5"
    assert "reused" not in as_text(plan(BASELINE_JOB))


def test_it_says_where_the_epochs_come_from():
    assert "  2 epochs each\n" in as_text(plan(BASELINE_JOB))  # max_epochs is 2
    longer = {"training": {"patience_epochs": 3, "max_epochs": 30}}
    text = as_text(plan(BASELINE_JOB, **longer))
    assert "9 epochs each (4 to 30), assumed\n" in text
    text = as_text(plan(BASELINE_JOB, finished={("baseline", "bolivar"): [5]}, **longer))
    assert "5 epochs each (4 to 30), as in 1 finished run\n" in text


def test_the_largest_job_is_named():
    text = line(as_text(plan(BASELINE_JOB, stamps_job("HiTS"))), "memory of largest job")
    assert text.endswith("0.50 GB  baseline")
    assert "memory" not in as_text(plan(planned_job("gather")))


def test_gpu_time_is_given_if_there_is_a_gpu():
    gpu = replace(CALIBRATION, gpu="H200")
    text = as_text(plan(replace(BASELINE_JOB, gpus=1), calibration=gpu))
    assert "GPU time" in text
    assert "trainings run on H200" in text
    assert "GPU time" not in as_text(plan(BASELINE_JOB))


def test_a_busy_machine_is_reported():
    assert "other programs" not in as_text(plan(BASELINE_JOB))
    text = as_text(plan(BASELINE_JOB, calibration=replace(CALIBRATION, free_share=0.5)))
    assert "other programs leave a process 50% of a core now" in text


def test_what_is_missing_is_reported():
    download, sizes = download_job("HiTS", "all_chunks.tar.gz"), {**STAMPS, "MINE": None}
    text = as_text(plan(download, absent={"ZTF": "raw/ZTF"}, stamps=sizes))
    assert "not counted: the time of 1 download" in text
    assert "ZTF: put the raw archive at raw/ZTF first" in text
    assert "MINE: number of stamps unknown, counted as none" in text


def test_a_finished_experiment_has_nothing_to_be_done():
    assert as_text(plan()).startswith("Nothing to do: all results exist")


def test_json_holds_the_seconds_of_every_scenario():
    content = json.loads(json.dumps(plan(BASELINE_JOB)))
    assert set(content["seconds"]) == {"low", "expected", "high"}
    assert content["jobs"] == {"baseline": 1}
    assert content["trainings"] == {"baseline": 2}
    assert set(content) >= {
        "epochs",
        "disk_bytes",
        "memory_megabytes",
        "cores",
        "calibration",
        "absent",
        "unknown",
    }


@pytest.mark.parametrize(
    ("seconds", "said"), [(40, "40 s"), (318, "5.3 min"), (2.1 * 3600, "2.1 h"), (12 * 86400, "12.0 days")]
)
def test_durations(seconds, said):
    assert duration(seconds) == said
