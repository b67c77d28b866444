from dataclasses import replace

import pandas as pd
import pytest

from fake_plan import (
    BASELINE_JOB,
    CALIBRATION,
    DRAW_JOB,
    FINETUNE_JOB,
    MME_JOB,
    SEARCH_JOB,
    download_job,
    planned_job,
    planned_workflow,
    stamps_job,
)
from stampshift.core.errors import ContractError
from stampshift.planning.costs import (
    ARCHIVES,
    BYTES_PER_LABEL,
    BYTES_PER_PREDICTION,
    CostModel,
    read_benchmarks,
    stamp_bytes,
)
from stampshift.planning.planned_trainings import trainings_by_job

# of the tiny experiment: patience and maximum are 2 epochs
EPOCHS = {name: {"low": 1, "expected": 2, "high": 3} for name in ("baseline", "finetune", "mme")}
BASELINE_RUN = (
    2 * (100 * 0.01 + 15 * 0.001) + 15 * 0.001
)  # epochs of training and validation, then the test part
ADAPTATION_RUN = 2 * (100 * 0.01 + 4 * 0.001) + (15 + 25) * 0.001
STARTED = 3.0 + 1.0  # the process, and its first step


def costs_of(*jobs, calibration=CALIBRATION, taken=None, **changes):
    workflow = planned_workflow(*jobs, **changes)
    return CostModel(workflow, calibration, EPOCHS, taken or {}).table(trainings_by_job(workflow))


def cost_of(job, **options):
    return costs_of(job, **options).iloc[0]


def seconds_of(job, calibration=CALIBRATION, scenario="expected", **changes):
    return cost_of(job, calibration=calibration, **changes)[scenario]


def test_a_cohort_on_one_thread_trains_its_runs_one_by_one():
    assert seconds_of(BASELINE_JOB) == pytest.approx(STARTED + 2 * BASELINE_RUN)
    assert seconds_of(FINETUNE_JOB) == pytest.approx(STARTED + 2 * ADAPTATION_RUN)
    assert seconds_of(SEARCH_JOB) == pytest.approx(STARTED + 4 * ADAPTATION_RUN)


def test_every_job_pays_for_its_process_first_step_though_one_recipe_was_measured_in_a_new_process():
    quick = {**CALIBRATION.trainings["mme"], "first_step_seconds": 0.0}
    calibration = replace(CALIBRATION, trainings={**CALIBRATION.trainings, "mme": quick})
    assert seconds_of(MME_JOB, calibration) == seconds_of(MME_JOB)


def test_a_run_that_the_search_has_done_is_not_trained_again():
    assert seconds_of(MME_JOB) == pytest.approx(STARTED + ADAPTATION_RUN)


def test_a_cohort_on_two_threads_trains_two_runs_at_a_time():
    assert seconds_of(replace(BASELINE_JOB, threads=2)) == pytest.approx(STARTED + BASELINE_RUN)
    assert seconds_of(replace(SEARCH_JOB, threads=3)) == pytest.approx(STARTED + 2 * ADAPTATION_RUN)


def test_on_a_gpu_threads_do_not_count():
    calibration = replace(CALIBRATION, gpu="H200")
    assert seconds_of(replace(BASELINE_JOB, threads=2), calibration) == pytest.approx(
        STARTED + 2 * BASELINE_RUN
    )


def test_more_epochs_take_longer():
    longer = seconds_of(BASELINE_JOB, scenario="high") - seconds_of(BASELINE_JOB)
    assert longer == pytest.approx(2 * (100 * 0.01 + 15 * 0.001))


def test_archives_are_drawn_on_all_threads_and_read_on_one():
    assert seconds_of(DRAW_JOB) == pytest.approx(1.0 + 150 * ARCHIVES["hits"].seconds_to_draw / 2)
    read = 250 * ARCHIVES["atlas"].seconds_to_read
    assert seconds_of(stamps_job("ATLAS", threads=2)) == pytest.approx(1.0 + read)


def test_an_archive_of_one_s_own_takes_what_des_does():
    own = {"reader": "folder", "origin": "path", "path": "there"}
    read = 150 * ARCHIVES["des"].seconds_to_read
    assert seconds_of(stamps_job("HiTS"), surveys={"HiTS": own}) == pytest.approx(1.0 + read)


def test_a_target_costs_nothing_and_a_download_what_its_process_takes_to_start():
    assert seconds_of(planned_job("all", outputs=[])) == 0
    assert seconds_of(download_job("HiTS", "chunks.tar")) == 1.0


@pytest.mark.parametrize(
    ("outputs", "seconds"),
    [
        (["results/new/thing.xyz"], 1.0),
        (["results/new/thing.pdf"], 1.0),
        (["results/new/thing.h5"], 1.0),
        (["results/new/predictions.parquet"], 1.0),
        (["results/new/model.pt"], 3.0),
        (["resources/raw/simulated/new"], 1.0),
    ],
)
def test_a_rule_that_nobody_has_heard_of_costs_the_start_of_a_process(outputs, seconds):
    cost = cost_of(planned_job("invented", outputs=outputs))
    assert (cost["rule"], cost["expected"], cost["cores"]) == ("invented", seconds, 1)
    assert cost_of(planned_job("invented", ["b/model.pt"], outputs))["expected"] == 3.0  # it loads torch
    odd = planned_job("invented", outputs=outputs, survey="HiTS", target="no survey")
    assert cost_of(odd)["expected"] == seconds


def test_it_costs_what_finished_jobs_of_its_rule_took():
    taken = {"invented": {"seconds": 7.0, "megabytes": 900.0}}
    cost = cost_of(planned_job("invented"), taken=taken)
    assert (cost["low"], cost["expected"], cost["high"], cost["megabytes"]) == (7.0, 7.0, 7.0, 900.0)
    unsampled = {"invented": {"seconds": 0.1, "megabytes": float("nan")}}
    assert cost_of(planned_job("invented"), taken=unsampled)["megabytes"] == 0


def test_trainings_cost_what_the_configuration_asks_for_whatever_finished_ones_took():
    taken = {"baseline": {"seconds": 7.0, "megabytes": 900.0}}
    assert seconds_of(BASELINE_JOB, taken=taken) == seconds_of(BASELINE_JOB)


def test_the_first_folder_of_a_benchmark_file_names_the_rule(tmp_path):
    rows = {
        "gather.tsv": (2.0, "NA"),
        "pair_table/A-to-B.tsv": (1.0, 100.0),
        "pair_table/x/B-to-A.tsv": (3.0, 200.0),
    }
    for name, (seconds, memory) in rows.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        table = pd.DataFrame({"s": [seconds], "h:m:s": ["0:00:01"], "max_rss": [memory], "cpu_time": ["NA"]})
        table.to_csv(tmp_path / name, sep="\t", index=False)
    taken = read_benchmarks(tmp_path)
    assert taken["pair_table"] == {"seconds": 2.0, "megabytes": 200.0}
    assert taken["gather"]["seconds"] == 2.0
    assert read_benchmarks(tmp_path / "nothing") == {}


@pytest.mark.parametrize("content", ["", "s\tmax_rss\nlong\t1\n", "seconds\n1\n"])
def test_a_damaged_benchmark_file_is_refused_by_name(tmp_path, content):
    (tmp_path / "gather.tsv").write_text(content)
    with pytest.raises(ContractError, match=r"gather\.tsv: not a readable table"):
        read_benchmarks(tmp_path)


def test_a_stamp_is_three_images_of_floats():
    assert stamp_bytes(10, 21) == 10 * (3 * 21 * 21 * 4 + BYTES_PER_LABEL)


def test_archives_and_stamps_are_written_once():
    disk = costs_of(DRAW_JOB, stamps_job("ATLAS")).sum()
    assert disk["raw archives"] == 150 * ARCHIVES["hits"].bytes_on_disk
    assert disk["stamps"] == stamp_bytes(250, 21)


def test_an_archive_of_several_downloads_counts_once():
    parts = [download_job("HiTS", name) for name in ("a.tar", "b.tar")]
    urls = {"HiTS": {"origin": "url", "url": ["http://x/a.tar", "http://x/b.tar"]}}
    assert costs_of(*parts, surveys=urls)["raw archives"].sum() == 150 * ARCHIVES["hits"].bytes_on_disk


def test_runs_are_kept_in_the_store_and_among_the_results():
    assert cost_of(BASELINE_JOB)["results"] == pytest.approx(2 * 2 * (100_000 + 15 * BYTES_PER_PREDICTION))
    assert cost_of(SEARCH_JOB)["results"] == pytest.approx(2 * 4 * (100_000 + 40 * BYTES_PER_PREDICTION))


def test_every_process_of_a_cohort_has_its_own_memory():
    assert cost_of(BASELINE_JOB)["megabytes"] == 500
    assert cost_of(replace(BASELINE_JOB, threads=8))["megabytes"] == 1000
    on_gpu = replace(CALIBRATION, gpu="H200")
    assert cost_of(replace(BASELINE_JOB, threads=8), calibration=on_gpu)["megabytes"] == 500


def test_a_single_pickle_is_held_whole():
    held = 250 * ARCHIVES["atlas"].bytes_in_memory / 1e6
    assert cost_of(stamps_job("ATLAS"))["megabytes"] == pytest.approx(held) != 0
    assert cost_of(stamps_job("HiTS"))["megabytes"] == 0
