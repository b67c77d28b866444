"""Stacks as the second study trains: by Adam, an epoch a pass whose last batch is smaller, lane by lane."""

from dataclasses import replace

import pytest
import torch

from lanes_alone import addresses, alone, assert_equal, stack_of
from stampshift.training.optimisers import build_optimiser
from stampshift.training.sampler import iterations_of
from stampshift.training.stacked.descents import ADAM, DESCENTS
from stampshift.training.stacked.lane import Lane

PASS = {
    "optimiser": "adam",
    "momentum": None,
    "halve_every_iterations": None,
    "batch_size": 8,
    "epoch_size": None,
    "learning_rate": 0.001,
}
# Adam divides by the gradient's size, and that of a bias before batch normalisation is rounding alone
TOLERANCE = 1e-8
# of lanes: two whole batches and a smaller one; four and one of another size; two; one smaller one alone
SIZES = (19, 35, 16, 5)


@pytest.fixture
def passes(make_tasks):
    """Trainings on train parts of these sizes."""

    def make(sizes=SIZES, *, kind="baseline", network="bolivar", **training):
        tasks = make_tasks(kind, count=len(sizes), network=network, **{**PASS, **training})
        return [shortened(task, size) for task, size in zip(tasks, sizes, strict=True)]

    return make


def shortened(task, size):
    source = task.data.source
    step = len(source.rows) // size  # stamps of both classes
    fewer = replace(source, rows=source.rows[::step][:size], labels=source.labels[::step][:size])
    return replace(task, data=replace(task.data, source=fewer))


def test_lanes_of_different_passes_are_trainings_alone(passes, double_precision):
    """Weights, both moments and their number of steps, statistics, history and schedule."""
    tasks = passes(halve_every_iterations=4)
    assert [iterations_of(task) for task in tasks] == [3, 5, 2, 1]
    stack = stack_of(tasks)
    for _ in range(2):
        assert stack.run_epoch() == {}
    for number, task in enumerate(tasks):
        assert_equal(alone(task, epochs=2), stack.checkpoint(number), tolerance=TOLERANCE)


@pytest.mark.parametrize("network", ["network_1", "network_2", "network_3", "network_4"])
def test_every_network_of_the_second_study_trains_so(passes, double_precision, network):
    tasks = passes((7, 5), network=network, batch_size=4, kind="further")
    stack = stack_of(tasks)
    stack.run_epoch()
    for number, task in enumerate(tasks):
        assert_equal(alone(task, epochs=1), stack.checkpoint(number), tolerance=TOLERANCE)


def test_the_gradient_of_a_smaller_last_batch_is_that_of_the_training_alone(passes, double_precision):
    """Adam's first mean is a tenth of the gradient: of a batch of 5, the lane's only one."""
    tasks = passes((5, 19))
    stack = stack_of(tasks)
    stack.run_epoch()
    expected = alone(tasks[0], epochs=1)["optimiser"]["state"]
    for index, mean in enumerate(stack.weights.lane(0).moments["exp_avg"].values()):
        wanted = expected[index]["exp_avg"]
        assert wanted.abs().max() > 0
        torch.testing.assert_close(mean, wanted, rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("kind", ["finetune", "mme, two steps", "dann"])
def test_adam_descends_on_every_method_of_a_number_of_stamps(make_tasks, double_precision, kind):
    tasks = make_tasks(kind, count=2, optimiser="adam", momentum=None, epoch_size=20)
    stack = stack_of(tasks)
    stack.run_epoch()
    for number, task in enumerate(tasks):
        assert_equal(alone(task, epochs=1), stack.checkpoint(number), tolerance=TOLERANCE)


def test_adam_is_torchs_in_single_precision_too(passes):
    """At each lane's own learning rate; corrections computed in it would be wrong in the fifth digit."""
    step = DESCENTS[ADAM].step_of({})
    start, rates = torch.randn(3, 50), torch.tensor([0.1, 0.01, 0.001])
    lanes, count = start.clone(), torch.zeros(3, dtype=torch.float64)
    moments = {name: torch.zeros_like(start) for name in DESCENTS[ADAM].moments}
    own = [row.clone().requires_grad_() for row in start]
    optimisers = [
        build_optimiser([each], {"optimiser": "adam", "learning_rate": float(rate)})
        for each, rate in zip(own, rates, strict=True)
    ]
    for _ in range(10):
        gradient = torch.randn(3, 50)
        count += 1
        step(lanes, gradient, moments, rates, count)
        for each, optimiser, row in zip(own, optimisers, gradient, strict=True):
            each.grad = row.clone()
            optimiser.step()
        torch.testing.assert_close(lanes, torch.stack(own).detach(), rtol=1e-6, atol=1e-6)


def test_lanes_of_passes_come_and_go_in_the_same_storage(passes, double_precision):
    """One resumes the checkpoint of a training alone, at its own number of steps."""
    tasks = passes((19, 35, 16, 21))
    stack = stack_of(tasks[:3])
    before = addresses(stack)
    stack.run_epoch()
    checkpoint = alone(tasks[3], epochs=2)
    stack.change(leaving={1}, joining=[Lane.start(tasks[3], checkpoint)])
    stack.run_epoch()
    assert addresses(stack) == before
    for number, (task, epochs) in enumerate([(tasks[0], 2), (tasks[3], 3), (tasks[2], 2)]):
        assert_equal(alone(task, epochs=epochs), stack.checkpoint(number), tolerance=TOLERANCE)
    resumed = alone(tasks[0], epochs=1, checkpoint=stack.checkpoint(0))
    assert_equal(alone(tasks[0], epochs=3), resumed, tolerance=TOLERANCE)


def test_a_nan_in_a_last_batch_stays_in_its_lane(passes, double_precision):
    tasks = passes((19, 35))
    stack = stack_of(tasks)
    with torch.no_grad():
        stack.weights.lane(1).classifier["extractor.0.weight"].fill_(float("nan"))
    assert list(stack.run_epoch()) == [1]
    assert_equal(alone(tasks[0], epochs=1), stack.checkpoint(0), tolerance=TOLERANCE)
