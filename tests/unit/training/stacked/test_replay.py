"""A step as a replay over fixed tensors; without a GPU a graph is played by a stand-in."""

import logging
from contextlib import contextmanager, nullcontext

import pytest
import torch

from stampshift.training.stacked import replay
from stampshift.training.stacked.replay import Repeated

CPU, GPU = torch.device("cpu"), torch.device("cuda")


class Graph:
    """What a capture notes, and what it then replays."""

    def __init__(self):
        self.replays = 0

    def replay(self):
        self.replays += 1
        self.noted()


@pytest.fixture
def gpu(monkeypatch):
    """A stand-in for CUDA: within a capture the function is noted and changes nothing."""

    class Stream:
        def wait_stream(self, other):
            pass

    @contextmanager
    def graph(own, *, capture_error_mode):
        assert capture_error_mode == "thread_local"  # another thread draws meanwhile
        gpu.capturing = own
        yield
        gpu.capturing = None
        gpu.captures += 1

    class State:
        capturing, captures = None, 0

    gpu = State()
    monkeypatch.setattr(torch.cuda, "Stream", Stream)
    monkeypatch.setattr(torch.cuda, "current_stream", Stream)
    monkeypatch.setattr(torch.cuda, "stream", lambda stream: nullcontext())
    monkeypatch.setattr(torch.cuda, "CUDAGraph", Graph)
    monkeypatch.setattr(torch.cuda, "graph", graph)
    replay.say_once.cache_clear()
    return gpu


def step_of(gpu, total):
    def step():
        if gpu.capturing is not None:
            gpu.capturing.noted = lambda: total.add_(1)
        else:
            total.add_(1)

    return step


def test_on_a_cpu_a_step_runs_as_it_is():
    total = torch.zeros(1)
    step = Repeated(lambda: total.add_(1), device=CPU)
    for _ in range(3):
        step()
    assert total == 3


def test_every_call_is_one_step_whether_it_warms_up_captures_or_replays(gpu):
    total = torch.zeros(1)
    step = Repeated(step_of(gpu, total), device=GPU)
    for number in range(1, 6):
        step()
        assert total == number
        assert gpu.captures == (number > 1)  # once


def test_a_step_that_no_graph_holds_runs_as_it_is_and_the_log_says_so_once(gpu, monkeypatch, caplog):
    caplog.set_level(logging.WARNING)
    total = torch.zeros(1)

    @contextmanager
    def graph(own, *, capture_error_mode):
        raise RuntimeError("operation not permitted when stream is capturing\nCompile with ...")
        yield

    monkeypatch.setattr(torch.cuda, "graph", graph)
    for _ in range(2):
        step = Repeated(lambda: total.add_(1), device=GPU)
        for _ in range(3):
            step()
    assert total == 6
    assert [record.message for record in caplog.records] == [
        "a step of the stack runs without a CUDA graph, which cannot hold it (RuntimeError: operation not "
        "permitted when stream is capturing)"
    ]


def test_too_little_memory_for_a_graph_is_an_error_as_elsewhere(gpu, monkeypatch):
    @contextmanager
    def graph(own, *, capture_error_mode):
        raise torch.OutOfMemoryError("CUDA out of memory.")
        yield

    monkeypatch.setattr(torch.cuda, "graph", graph)
    step = Repeated(lambda: None, device=GPU)
    step()
    with pytest.raises(torch.OutOfMemoryError):
        step()
