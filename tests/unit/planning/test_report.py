import json
from dataclasses import replace

import pytest

from fake_plan import BASELINE_JOB, CALIBRATION, MME_JOB, SEARCH_JOB, STAMPS, planned_job, planned_workflow
from stampshift.planning.epochs import Finished
from stampshift.planning.report import as_text, duration, make_plan


def plan(*jobs, calibration=CALIBRATION, unknown=(), finished=None, absent=None, **changes):
    workflow = replace(planned_workflow(*jobs, **changes), absent=absent or {})
    return make_plan(workflow, calibration, stamps=STAMPS, unknown=list(unknown), finished=finished or {})


def line(text, start):
    (found,) = [each for each in text.splitlines() if each.startswith(start)]
    return found


def test_the_table_says_how_many_jobs_and_trainings():
    text = as_text(plan(BASELINE_JOB, SEARCH_JOB, MME_JOB, planned_job("gather")))
    assert line(text, "jobs").split() == ["jobs", "4"]
    assert line(text, "trainings").split() == ["trainings", "7"]
    assert "1  and 1 taken over from the lambda search" in line(text, "  adaptation")


def test_it_says_where_the_epochs_come_from():
    assert "the best epoch from an assumption" in as_text(plan(BASELINE_JOB))
    finished = {("baseline", "bolivar"): [Finished(1, perfect=False)]}
    assert "the best epoch from 1 finished run" in as_text(plan(BASELINE_JOB, finished=finished))


def test_gpu_time_is_told_where_there_is_a_gpu():
    gpu = replace(CALIBRATION, device="cuda", device_name="H200")
    text = as_text(plan(replace(BASELINE_JOB, gpus=1), calibration=gpu))
    assert "GPU time" in text
    assert "trainings on H200" in text
    assert "GPU time" not in as_text(plan(BASELINE_JOB))


def test_a_busy_machine_is_told():
    assert "other programs" not in as_text(plan(BASELINE_JOB))
    text = as_text(plan(BASELINE_JOB, calibration=replace(CALIBRATION, free_share=0.5)))
    assert "other programs leave a process 50% of a core now" in text


def test_what_is_missing_is_told():
    text = as_text(plan(planned_job("download", survey="HiTS"), absent={"ZTF": "raw/ZTF"}, unknown=["MINE"]))
    assert "not counted: the time of 1 download" in text
    assert "ZTF: put the raw archive at raw/ZTF first" in text
    assert "MINE: number of stamps unknown, taken to be none" in text


def test_a_finished_experiment_has_nothing_to_be_done():
    assert as_text(plan()).startswith("Nothing to be done")


def test_json_holds_the_hours_of_every_scenario():
    content = json.loads(json.dumps(plan(BASELINE_JOB).as_dict()))
    assert set(content["hours"]) == {"low", "expected", "high"}
    assert content["jobs"] == {"baseline": 1}
    assert content["trainings"]["baseline"]["count"] == 2


@pytest.mark.parametrize(
    ("seconds", "said"), [(40, "40 s"), (318, "5.3 min"), (2.1 * 3600, "2.1 h"), (12 * 86400, "12.0 days")]
)
def test_durations(seconds, said):
    assert duration(seconds) == said
