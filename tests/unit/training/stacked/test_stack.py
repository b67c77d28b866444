"""A lane is the training alone: same draws, same masks, same gradients, same steps, same statistics."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from lanes_alone import addresses, alone, assert_equal, stack_of
from stampshift.training.loop import fit
from stampshift.training.optimisers import build_optimiser, build_schedule, learning_rates
from stampshift.training.progress import DivergedError
from stampshift.training.stacked.extractor import unstackable
from stampshift.training.stacked.lane import Lane, kind, why_alone
from stampshift.training.stacked.masks import Dropout, DropoutMasks, dropouts, steps_at_once
from stampshift.training.stacked.pools import Pools
from stampshift.training.stopping import StoppedError

CPU = torch.device("cpu")
KINDS = ["baseline", "scratch", "further", "finetune", "mme, one step", "mme, two steps", "mme, copied head"]
KINDS += ["coral", "mmd", "dann", "entropy"]


@pytest.mark.parametrize("name", KINDS)
def test_lanes_are_trainings_alone(make_tasks, double_precision, name):
    """In double precision, two epochs of four batches: weights, statistics, momentum, scores, history."""
    tasks = make_tasks(name)
    stack = stack_of(tasks)
    for _ in range(2):
        assert stack.run_epoch() == {}
    for number, task in enumerate(tasks):
        assert_equal(alone(task, epochs=2), stack.checkpoint(number), tolerance=1e-10)


@pytest.mark.parametrize("name", KINDS)
def test_the_gradient_of_one_step_is_that_of_the_training_alone(make_tasks, double_precision, name):
    """After one step, momentum is its gradient; after one of each loss, 0.9 of the first and the second."""
    tasks = make_tasks(name, epoch_size=10)
    stack = stack_of(tasks)
    stack.run_epoch()
    for number, task in enumerate(tasks):
        expected = alone(task, epochs=1)["optimiser"]["state"]
        for index, gradient in enumerate(stack.weights.lane(number).moments["momentum_buffer"].values()):
            wanted = expected[index]["momentum_buffer"]
            assert wanted.abs().max() > 0
            torch.testing.assert_close(gradient, wanted, rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("name", ["baseline", "finetune"])
def test_in_single_precision_too_to_its_rounding(make_tasks, name):
    tasks = make_tasks(name)
    stack = stack_of(tasks)
    for _ in range(2):
        stack.run_epoch()
    for number, task in enumerate(tasks):
        assert_equal(alone(task, epochs=2), stack.checkpoint(number), tolerance=1e-4)


@pytest.mark.parametrize("name", ["baseline", "mme, two steps"])
def test_a_lane_does_not_depend_on_the_others(make_tasks, double_precision, name):
    tasks = make_tasks(name)
    together, single = stack_of(tasks), stack_of(tasks[1:2])
    together.run_epoch()
    single.run_epoch()
    assert_equal(single.checkpoint(0), together.checkpoint(1), tolerance=1e-11)


@pytest.mark.parametrize("network", ["bolivar_as_listed", "network_1", "network_2", "network_4"])
def test_every_network_has_a_stacked_form(make_tasks, double_precision, network):
    tasks = make_tasks("baseline", count=2, network=network, epoch_size=10)
    stack = stack_of(tasks)
    stack.run_epoch()
    for number, task in enumerate(tasks):
        assert_equal(alone(task, epochs=1), stack.checkpoint(number), tolerance=1e-10)


def test_of_bfloat16_are_products_alone(make_tasks):
    """Gradients within its rounding of float32's, weights and momentum in float32, scores too."""
    tasks = make_tasks("mme, one step", count=2, epoch_size=10)
    exact = stack_of(tasks)
    rounded = stack_of([replace(task, precision="bfloat16") for task in tasks])
    for stack in (exact, rounded):
        assert stack.run_epoch() == {}
    found, expected = (stack.weights.moments["momentum_buffer"] for stack in (rounded, exact))
    difference = (found - expected).norm() / expected.norm()
    assert found.dtype == rounded.weights.parameters.dtype == torch.float32
    assert 1e-4 < difference < 0.3
    stamps = torch.randn(2, 5, 21, 21, 3)
    rounded.weights.write(exact.weights.copied())
    expected = exact.model.scores(exact.weights, stamps)
    assert torch.equal(rounded.model.scores(rounded.weights, stamps), expected)


# ---- lanes at different epochs, in and out ---------------------------------------------------------------


def test_lanes_at_different_epochs_have_their_own_learning_rate(make_tasks, double_precision):
    """Halved every 6 iterations, in the middle of an epoch of 4; one lane has two epochs behind it."""
    tasks = make_tasks("mme, one step", halve_every_iterations=6)
    checkpoint = alone(tasks[0], epochs=2)
    stack = stack_of(tasks, [checkpoint, None, None])
    stack.run_epoch()
    assert [lane.epoch for lane in stack.lanes] == [3, 1, 1]
    assert_equal(alone(tasks[0], epochs=3), stack.checkpoint(0), tolerance=1e-10)
    assert_equal(alone(tasks[1], epochs=1), stack.checkpoint(1), tolerance=1e-10)


def test_lanes_leave_and_others_join(make_tasks, double_precision):
    tasks = make_tasks("baseline", count=4)
    stack = stack_of(tasks[:3])
    stack.run_epoch()
    gone = stack.checkpoint(1)
    stack.change(leaving={1}, joining=[Lane.start(tasks[3], None)])
    stack.run_epoch()
    assert_equal(alone(tasks[1], epochs=1), gone, tolerance=1e-10)
    for number, (task, epochs) in enumerate([(tasks[0], 2), (tasks[3], 1), (tasks[2], 2)]):
        assert_equal(alone(task, epochs=epochs), stack.checkpoint(number), tolerance=1e-10)


def test_lanes_come_and_go_in_the_same_storage(make_tasks):
    """What a captured step knows: neither a change of lanes nor an error moves the weights."""
    tasks = make_tasks("mme, one step", count=6)
    stack = stack_of(tasks[:5])
    before, step = addresses(stack), stack._step
    stack.run_epoch()
    stack.change(leaving={1}, joining=[Lane.start(tasks[5], None)])
    stack.run_epoch()
    stack.change(leaving={0}, joining=[])
    stack.run_epoch()
    assert addresses(stack) == before
    assert stack._step is step


def test_a_free_place_changes_no_lane_and_is_reported_nowhere(make_tasks, double_precision):
    tasks = make_tasks("mme, one step", count=3)
    stack = stack_of(tasks)
    with torch.no_grad():
        stack.weights.lane(0).classifier["extractor.0.weight"].fill_(float("nan"))
    stack.change(leaving={0}, joining=[])
    for _ in range(2):
        assert stack.run_epoch() == {}
    assert stack.places == [1, 2]
    for number in (1, 2):
        assert_equal(alone(tasks[number], epochs=2), stack.checkpoint(number), tolerance=1e-10)
    with pytest.raises(LookupError, match="place 0 of the stack has no lane"):
        stack.checkpoint(0)


def test_once_half_of_the_places_are_free_the_stack_is_half_as_wide(make_tasks, double_precision):
    tasks = make_tasks("baseline", count=5)
    stack = stack_of(tasks)
    stack.run_epoch()
    stack.change(leaving={1}, joining=[])
    assert len(stack.lanes) == 5
    stack.change(leaving={0, 4}, joining=[])
    assert len(stack.lanes) == 2
    stack.run_epoch()
    assert [stack.lane(number).task for number in stack.places] == tasks[2:4]
    for number, task in zip(stack.places, tasks[2:4], strict=True):
        assert_equal(alone(task, epochs=2), stack.checkpoint(number), tolerance=1e-10)


def test_a_training_alone_continues_from_the_checkpoint_of_a_lane(make_tasks, double_precision):
    tasks = make_tasks("mme, two steps")
    stack = stack_of(tasks)
    stack.run_epoch()
    resumed = alone(tasks[2], epochs=1, checkpoint=stack.checkpoint(2))
    assert_equal(alone(tasks[2], epochs=2), resumed, tolerance=1e-10)


def test_without_momentum_too(make_tasks, double_precision):
    tasks = make_tasks("baseline", count=2, momentum=0.0)
    stack = stack_of(tasks)
    stack.run_epoch()
    assert_equal(alone(tasks[1], epochs=1), stack.checkpoint(1), tolerance=1e-10)


def test_validation_sets_of_different_sizes(make_tasks, double_precision):
    tasks = make_tasks("baseline", count=2)
    validation = tasks[1].data.source_validation
    fewer = replace(validation, rows=validation.rows[:-3], labels=validation.labels[:-3])
    tasks[1] = replace(tasks[1], data=replace(tasks[1].data, source_validation=fewer))
    stack = stack_of(tasks)
    stack.run_epoch()
    for number, task in enumerate(tasks):
        assert_equal(alone(task, epochs=1), stack.checkpoint(number), tolerance=1e-10)


# ---- what goes wrong --------------------------------------------------------------------------------------


def test_a_loss_that_is_nan_stays_in_its_lane(make_tasks, double_precision):
    tasks = make_tasks("baseline")
    stack = stack_of(tasks)
    with torch.no_grad():
        stack.weights.lane(1).classifier["extractor.0.weight"].fill_(float("nan"))
    failed = stack.run_epoch()
    assert list(failed) == [1]
    assert isinstance(failed[1], DivergedError)
    assert "baseline/seed-1: the training loss is nan in epoch 1; lower" in str(failed[1])
    assert stack.lanes[1].epoch == 0
    for number in (0, 2):
        assert_equal(alone(tasks[number], epochs=1), stack.checkpoint(number), tolerance=1e-10)


def test_an_epoch_that_is_stopped_leaves_the_weights_of_the_last_complete_one(make_tasks, monkeypatch):
    stack = stack_of(make_tasks("baseline"))
    stack.run_epoch()
    before, storage = [stack.checkpoint(number) for number in range(3)], addresses(stack)
    batches = iter(range(4))

    def stop_if_asked():
        if next(batches) == 2:
            raise StoppedError("stopped by SIGTERM")

    monkeypatch.setattr("stampshift.training.stacked.stack.stop_if_asked", stop_if_asked)
    with pytest.raises(StoppedError):
        stack.run_epoch()
    for number, expected in enumerate(before):
        assert_equal(expected, stack.checkpoint(number), tolerance=0)
    assert addresses(stack) == storage


def test_the_same_runs_give_the_same_bits_again(make_tasks):
    first, second = (stack_of(make_tasks("mme, one step")) for _ in range(2))
    for stack in (first, second):
        for _ in range(2):
            stack.run_epoch()
    for ours, theirs in zip(first.weights.named().values(), second.weights.named().values(), strict=True):
        assert torch.equal(ours, theirs)


# ---- parts -------------------------------------------------------------------------------------------------


def test_masks_on_a_cpu_are_those_of_torchs_dropout():
    layers = [(nn.Dropout2d(0.5), (6, 5, 4, 4)), (nn.Dropout(0.3), (6, 7))]
    shapes = [Dropout(0.5, (1, 1, 5)), Dropout(0.3, (7,))]
    masks = DropoutMasks(shapes, device=CPU, steps_at_once=1)
    masks.begin_epoch([11, 12, 13])
    found = []
    for _ in range(2):
        masks.next_step()
        found.append([mask.clone() for number in range(2) for mask in masks.take(number, 6)])
    assert masks.passes == 2
    for lane, seed in enumerate([11, 12, 13]):
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            for of_step in found:
                for mask, (layer, shape) in zip(of_step, layers * 2, strict=True):
                    expected = layer(torch.ones(shape))
                    own = mask[lane].movedim(-1, 1).expand_as(expected)
                    torch.testing.assert_close(own, expected, rtol=0, atol=0)


def test_masks_drawn_for_many_steps_do_not_depend_on_the_other_lanes():
    def drawn(seeds):
        masks = DropoutMasks([Dropout(0.5, (1, 1, 4))], device=CPU, steps_at_once=3)
        epochs = []
        for shift in range(2):
            masks.begin_epoch([seed + shift for seed in seeds])
            for _ in range(7):
                masks.next_step()
                epochs.append(masks.take(0, 5)[0].clone())
        return torch.stack(epochs)

    together, single = drawn([1, 2, 3]), drawn([2])
    assert torch.equal(together[:, 1], single[:, 0])
    assert torch.equal(together[7:, 1], together[:7, 2])  # the stream of another epoch's seed
    assert len({tuple(step.flatten().tolist()) for step in single}) == 14


def test_masks_are_at_the_same_addresses_in_every_step_and_epoch():
    masks = DropoutMasks([Dropout(0.5, (7,))], device=CPU, steps_at_once=3)
    addresses = set()
    for epoch in range(2):
        masks.begin_epoch([epoch])
        for _ in range(4):
            masks.next_step()
            addresses.add(tuple(masks.take(number, 6)[0].data_ptr() for number in range(2)))
    assert len(addresses) == 1


def test_on_a_gpu_masks_are_drawn_for_many_steps_as_far_as_memory_of_a_lane_allows(make_tasks):
    few, many = [Dropout(0.5, (1, 1, 50))], [Dropout(0.1, (26, 26, 40))]
    (task,) = make_tasks("baseline", count=1, batch_size=64, epoch_size=64 * 200)
    on_gpu = replace(task, device=torch.device("cuda"))
    shorter, a_pass = (
        replace(on_gpu, training=task.training | {"epoch_size": size}) for size in (64 * 20, None)
    )
    assert steps_at_once(few, task=task) == 1
    assert steps_at_once(few, task=on_gpu) == 50
    assert steps_at_once(few, task=shorter) == 20
    assert steps_at_once(many, task=on_gpu) == 2
    assert steps_at_once([], task=on_gpu) == 50
    assert steps_at_once(few, task=a_pass) == 1


def test_dropouts_of_the_network(make_tasks):
    (task,) = make_tasks("baseline", count=1)
    extractor = Lane.start(task, None).classifier.extractor
    assert dropouts(extractor, (3, 21, 21)) == [Dropout(0.5, (1, 1, 50)), Dropout(0.5, (100,))]


@pytest.mark.parametrize(
    "halving",
    [
        {"halve_every_iterations": 3},
        {"halve_every_iterations": 7},
        {"halve_every_iterations": None},
        {"halve_every_iterations": None, "halve_every_epochs": 2},
    ],
)
def test_learning_rates_are_those_of_the_schedule(halving):
    training = {"optimiser": "sgd", "learning_rate": 0.01, "momentum": 0.9, **halving}
    optimiser = build_optimiser([nn.Parameter(torch.zeros(1))], training)
    schedule, expected = build_schedule(optimiser, training, iterations=4), []
    for _ in range(20):
        expected.append(schedule.get_last_lr()[0])
        optimiser.step()
        schedule.step()
    assert learning_rates(training, first=0, count=20, iterations=4).tolist() == expected
    assert learning_rates(training, first=5, count=9, iterations=4).tolist() == expected[5:14]


def test_stamps_kept_on_the_device_are_those_that_are_streamed(make_tasks):
    tasks = make_tasks("mme, one step")
    resident = Pools(tasks, free=lambda device: 10**9)
    streamed = Pools(tasks, free=lambda device: 0)
    for pool in (tasks[0].data.source, tasks[0].data.unlabelled):
        rows = np.random.default_rng(0).choice(pool.rows, (2, 5, 3))
        for pools in (resident, streamed):
            found = list(pools.batches([pool.stamps] * 5, rows))
            assert [batch.shape for batch in found] == [(5, 3, 21, 21, 3)] * 2
            np.testing.assert_array_equal(torch.stack(found).movedim(-1, -3).numpy(), pool.stamps[rows])


def test_what_may_share_a_stack(make_tasks):
    first, second = make_tasks("mme, one step", count=2)
    assert kind(first) == kind(second)  # other weights of the entropy, other seeds
    without = replace(first, options=first.options | {"entropy_weight": 0.0})
    other_heads = make_tasks("mme, copied head", count=1)
    two_steps = make_tasks("mme, two steps", count=1)
    others = [
        replace(without, method=make_tasks("finetune", count=1)[0].method),
        replace(first, training=first.training | {"momentum": 0.8}),
        replace(first, options=first.options | {"temperature": 0.1}),
        replace(first, precision="bfloat16"),
        *other_heads,
        *two_steps,
    ]
    assert len({kind(task) for task in [first, *others]}) == 7


def test_what_trains_alone(make_tasks):
    (task,) = make_tasks("baseline", count=1)
    assert why_alone(task) is None
    adam = task.training | {"optimiser": "adam", "momentum": None}
    assert why_alone(replace(task, training=adam)) is None
    assert why_alone(replace(task, training=task.training | {"epoch_size": None})) is None
    turned = task.training | {"augmentation": "rotations_and_flips"}
    assert "augmentation" in why_alone(replace(task, training=turned))
    assert why_alone(replace(task, precision="bfloat16")) is None
    assert unstackable(nn.Sequential(nn.Linear(3, 3), nn.LayerNorm(3))).startswith("LayerNorm")
    assert unstackable(nn.Sequential(nn.BatchNorm1d(3, momentum=None))).startswith("BatchNorm1d")
    assert unstackable(nn.ReLU()) == "ReLU"


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(4, 4, 3, groups=2),
        nn.Conv2d(4, 4, 3, dilation=2),
        nn.Conv2d(4, 4, 3, padding="same"),
        nn.Conv2d(4, 4, 3, padding_mode="reflect"),
        nn.MaxPool2d(3, stride=2),
        nn.MaxPool2d(2, ceil_mode=True),
        nn.Flatten(2),
    ],
    ids=repr,
)
def test_a_layer_with_settings_that_have_no_stacked_form_says_so(layer):
    assert unstackable(nn.Sequential(nn.ReLU(), layer)) == repr(layer)


def test_a_whole_training_ends_as_alone(make_tasks):
    tasks = make_tasks("finetune", max_epochs=4)
    stack = stack_of(tasks)
    while not all(lane.finished for lane in stack.lanes):
        stack.run_epoch()
    for lane, task in zip(stack.lanes, tasks, strict=True):
        expected = fit(
            task,
            checkpoint=None,
            save_checkpoint=lambda c: None,
            checkpoint_epochs=99,
            on_epoch=lambda p: None,
        )
        scores = [
            [row["validation_balanced_accuracy"] for row in p.history] for p in (lane.progress, expected)
        ]
        assert scores[0][: len(scores[1])] == scores[1]
        best = lane.progress.kept["first_best"]
        assert best == expected.kept["first_best"]
        torch.testing.assert_close(lane.progress.states[best], expected.states[best], rtol=0, atol=1e-4)
