"""Stacks on a CPU beside the trainings alone that their lanes must be."""

import pytest
import torch

from stampshift.training.loop import Trainer
from stampshift.training.stacked.lane import Lane
from stampshift.training.stacked.pools import Pools
from stampshift.training.stacked.stack import Stack


def stack_of(tasks, checkpoints=None, *, free=0):
    """A stack of trainings, from their beginning or from checkpoints."""
    lanes = [
        Lane.start(task, checkpoint)
        for task, checkpoint in zip(tasks, checkpoints or [None] * len(tasks), strict=True)
    ]
    return Stack(lanes, pools=Pools(tasks, free=lambda device: free))


def alone(task, *, epochs, checkpoint=None):
    """Checkpoint of a training alone after some epochs."""
    with torch.random.fork_rng():
        trainer = Trainer(task)
        if checkpoint is not None:
            trainer.resume(checkpoint)
        for _ in range(epochs):
            trainer.run_epoch()
    return trainer.checkpoint()


def assert_equal(expected, found, *, tolerance):
    """Two checkpoints, their times apart; scores are in single precision, whatever the weights."""
    rounding = max(tolerance, 1e-5)
    close = {"rtol": 0, "atol": tolerance}
    torch.testing.assert_close(found["classifier"], expected["classifier"], **close)
    torch.testing.assert_close(found["optimiser"]["state"], expected["optimiser"]["state"], **close)
    assert found["optimiser"]["param_groups"] == expected["optimiser"]["param_groups"]
    assert found["schedule"] == expected["schedule"]
    for ours, theirs in zip(found["progress"]["history"], expected["progress"]["history"], strict=True):
        assert {**ours, "seconds": 0} == pytest.approx({**theirs, "seconds": 0}, abs=rounding)
    torch.testing.assert_close(found["progress"]["states"], expected["progress"]["states"], **close)


def addresses(stack):
    """Where its weights and what its optimiser keeps are."""
    weights = stack.weights
    tensors = [weights.parameters, *weights.moments.values(), weights.steps, *weights.buffers.values()]
    return [tensor.data_ptr() for tensor in tensors]
