"""Which form of the extractor a stack has, and that the compiled one is the plain one."""

import logging
import subprocess
import sys
from functools import partial

import pytest
import torch
from torch import nn

from stampshift.training.stacked import replay
from stampshift.training.stacked.blocks import Block, of_blocks, parts
from stampshift.training.stacked.forms import FORMS, choose_form, first_that_agrees, rehearse
from stampshift.training.stacked.lane import Lane
from stampshift.training.stacked.masks import dropouts


@pytest.fixture
def lane(make_tasks):
    (task,) = make_tasks("baseline", count=1, batch_size=4)
    return Lane.start(task, None)


@pytest.fixture
def rehearsal(lane):
    own = dropouts(lane.classifier.extractor, (3, 21, 21))
    return partial(rehearse, lane=lane, dropouts=own, dtype=torch.float32)


@pytest.fixture
def plain(lane):
    replay.say_once.cache_clear()
    return FORMS["plain"](lane.classifier.extractor)


def test_on_a_cpu_the_plain_form_is_the_only_one(lane):
    form = choose_form(lane.classifier.extractor, lane, dropouts=[], dtype=torch.float32)
    assert form.name == "plain"


def test_the_first_form_that_agrees_is_taken_and_what_is_wrong_with_others_is_said_once(
    plain, rehearsal, caplog
):
    caplog.set_level(logging.INFO)

    def absent():
        raise ModuleNotFoundError("No module named 'triton'\nmore")

    def wrong():
        def features(stamps, weights, masks, **settings):
            return plain(stamps, weights, masks, **settings) * 1.1

        return features

    def right():
        return lambda *given, **settings: plain(*given, **settings) * 1.0001

    forms = {"fused": absent, "odd": wrong, "compiled": right, "plain": lambda: plain}
    for _ in range(2):
        assert first_that_agrees(forms, rehearsal, tolerance=0.02).name == "compiled"
    del forms["compiled"]
    assert first_that_agrees(forms, rehearsal, tolerance=0.02) == ("plain", plain)
    assert [record.message for record in caplog.records if record.levelno == logging.WARNING] == [
        "the fused form of a stack does not work here (ModuleNotFoundError: No module named 'triton')",
        "the odd form of a stack is wrong here, in features",
        "the stack has its plain form, which is slower",
    ]


def test_a_form_for_which_memory_does_not_suffice_is_not_passed_over(plain, rehearsal):
    def short():
        raise torch.OutOfMemoryError("CUDA out of memory.")

    with pytest.raises(torch.OutOfMemoryError):
        first_that_agrees({"fused": short, "plain": lambda: plain}, rehearsal, tolerance=0.02)


COMPILED = """
import torch
from functools import partial
from torch import nn
from torch._dynamo.testing import CompileCounterWithBackend
from stampshift.training.stacked.forms import FORMS

counter = CompileCounterWithBackend("aot_eager")
torch.compile = partial(torch.compile, backend=counter, fullgraph=True)
torch.set_default_dtype(torch.float64)
torch.manual_seed(0)
extractor = nn.Sequential(
    nn.ZeroPad2d((0, 1, 0, 1)), nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Dropout2d(0.5),
    nn.MaxPool2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(16, 5), nn.BatchNorm1d(5), nn.Dropout(0.5),
)
forms = [FORMS[name](extractor) for name in ("plain", "compiled")]
for lanes in (4, 3, 6):
    of_lane = {name: value for name, value in extractor.state_dict().items() if value.is_floating_point()}
    start = {name: torch.randn(lanes, *value.shape) ** 2 for name, value in of_lane.items()}
    stamps = torch.randn(lanes, 7, 4, 4, 3)
    masks = [torch.randn(lanes, 7, 1, 1, 4).sign() + 1, torch.randn(lanes, 7, 5).sign() + 1]
    found = []
    for features in forms:
        weights = {name: value.clone().requires_grad_("running" not in name) for name, value in start.items()}
        out = features(stamps, weights, masks, training=True, dtype=torch.float64)
        out.square().sum().backward()
        found.append([out, *(value if value.grad is None else value.grad for value in weights.values())])
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-10)
print(counter.frame_count)
"""


def test_compiled_once_it_is_the_plain_form_for_any_number_of_lanes(monkeypatch):
    """By the compiler's front end, which all GPUs share; gradients and moved statistics too."""
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)  # set where kernels are interpreted
    done = subprocess.run([sys.executable, "-c", COMPILED], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["1"]


def test_blocks_of_the_networks():
    def layers():
        return nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.MaxPool2d(2)

    one, two = layers(), layers()
    network = nn.Sequential(*one, nn.ReLU(), *two[:2], nn.Dropout2d(0.5), two[2], nn.Flatten())
    first, second, flatten = parts(network)
    assert first == Block(("0", "1", "2", "3"), *one, masked=False, relu=True)
    assert second == Block(("4", "5", "6", "7"), *two, masked=True, relu=False)
    assert flatten[0] == "8"
    assert of_blocks(network)
    assert not of_blocks(nn.Sequential(one[0], nn.ReLU(), *one[1:]))
    assert not of_blocks(nn.Sequential(nn.Flatten()))
