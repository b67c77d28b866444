from hypothesis import given
from hypothesis import strategies as st

from fake_plan import planned_job
from stampshift.planning.schedule import wall_seconds


def chain(length):
    return [planned_job("step", inputs=[str(n - 1)], outputs=[str(n)]) for n in range(length)]


def test_jobs_that_wait_for_each_other_run_one_by_one():
    assert wall_seconds(chain(3), [1, 2, 3], cores=8, gpus=None) == 6


def test_free_jobs_share_the_cores():
    jobs = [planned_job("job", outputs=[str(n)]) for n in range(3)]
    assert wall_seconds(jobs, [4, 3, 2], cores=2, gpus=None) == 5
    assert wall_seconds(jobs, [4, 3, 2], cores=3, gpus=None) == 4


def test_a_job_of_many_threads_waits_until_they_are_free():
    jobs = [planned_job("one", outputs=["1"]), planned_job("two", outputs=["2"], threads=2)]
    assert wall_seconds(jobs, [1, 2], cores=2, gpus=None) == 3


def test_jobs_with_a_gpu_wait_for_it_only_where_it_is_limited():
    jobs = [planned_job("train", outputs=[str(n)], gpus=1) for n in range(2)]
    assert wall_seconds(jobs, [3, 3], cores=4, gpus=1) == 6
    assert wall_seconds(jobs, [3, 3], cores=4, gpus=None) == 3


def test_no_jobs_take_no_time():
    assert wall_seconds([], [], cores=2, gpus=None) == 0


@given(st.lists(st.floats(0, 100), min_size=1, max_size=12), st.integers(1, 4))
def test_wall_time_lies_between_the_perfect_share_and_the_sum(seconds, cores):
    jobs = [planned_job("job", outputs=[str(n)]) for n in range(len(seconds))]
    wall = wall_seconds(jobs, seconds, cores=cores, gpus=None)
    assert max(max(seconds), sum(seconds) / cores) <= wall + 1e-9
    assert wall <= sum(seconds) + 1e-9
