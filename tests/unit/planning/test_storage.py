from dataclasses import replace

import pytest

from fake_plan import BASELINE_JOB, CALIBRATION, MME_JOB, SEARCH_JOB, STAMPS, planned_job, planned_workflow
from stampshift.planning.estimate import work
from stampshift.planning.storage import (
    BYTES_PER_LABEL,
    BYTES_PER_PREDICTION,
    FIGURE_BYTES,
    HISTORY_BYTES,
    disk_bytes,
    mapped_megabytes,
    memory_megabytes,
    stamp_bytes,
)


def of(measure, *jobs, calibration=CALIBRATION, **changes):
    workflow = planned_workflow(*jobs, **changes)
    return measure(workflow, calibration, work(workflow, STAMPS), stamps=STAMPS)


def test_a_stamp_is_three_images_of_floats():
    assert stamp_bytes(10, 21) == 10 * (3 * 21 * 21 * 4 + BYTES_PER_LABEL)


def test_archives_and_stamps_are_written_once():
    drawn = planned_job("simulate", survey="HiTS", size="150")
    disk = of(disk_bytes, drawn, planned_job("stamps", survey="ATLAS"))
    assert disk["raw archives"] == 150 * 7000
    assert disk["stamps"] == stamp_bytes(250, 21)


def test_an_archive_of_several_downloads_counts_once():
    parts = [planned_job("download", survey="HiTS", archive=name) for name in ("a.tar", "b.tar")]
    assert of(disk_bytes, *parts)["raw archives"] == 150 * 7000


def test_runs_are_kept_in_the_store_and_among_the_results_those_of_the_search_in_the_store_alone():
    own = 100_000 + HISTORY_BYTES
    assert of(disk_bytes, BASELINE_JOB)["results"] == pytest.approx(2 * 2 * (own + 15 * BYTES_PER_PREDICTION))
    searched = own + 40 * BYTES_PER_PREDICTION
    assert of(disk_bytes, SEARCH_JOB)["results"] == pytest.approx(4 * searched)
    # one run trained, kept twice; one taken over, published once more
    assert of(disk_bytes, MME_JOB)["results"] == pytest.approx(3 * searched)


def test_figures_take_room():
    assert of(disk_bytes, planned_job("pair_figure", outputs=["f.pdf"]))["results"] == FIGURE_BYTES


def test_every_process_of_a_cohort_has_its_own_memory():
    assert of(memory_megabytes, BASELINE_JOB) == {"training": 500}
    assert of(memory_megabytes, replace(BASELINE_JOB, threads=8)) == {"training": 1000}
    on_gpu = replace(CALIBRATION, device="cuda")
    assert of(memory_megabytes, replace(BASELINE_JOB, threads=8), calibration=on_gpu) == {"training": 500}


def test_a_single_pickle_is_held_whole():
    peaks = of(memory_megabytes, planned_job("stamps", survey="ATLAS"))
    assert peaks["data"] == pytest.approx(120 + 1.7 * 250 * 50_000 / 1e6)
    assert of(memory_megabytes, planned_job("stamps", survey="HiTS"))["data"] == 120


def test_a_training_maps_the_stamps_of_both_surveys():
    workflow = planned_workflow(BASELINE_JOB, MME_JOB)
    mapped = mapped_megabytes(workflow, work(workflow, STAMPS), stamps=STAMPS)
    assert mapped == pytest.approx((stamp_bytes(150, 21) + stamp_bytes(250, 21)) / 1e6)
