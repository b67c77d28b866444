"""The kernels of a block of layers against the layers' plain forms; Triton interprets them, without a GPU."""

import os
import subprocess
import sys
from functools import partial
from itertools import pairwise

import pytest
import torch
from torch import nn

from stampshift.training.loop import Trainer
from stampshift.training.stacked.extractor import stacked_features
from stampshift.training.stacked.forms import Form
from stampshift.training.stacked.lane import Lane
from stampshift.training.stacked.pools import Pools
from stampshift.training.stacked.stack import Stack

os.environ["TRITON_INTERPRET"] = "1"  # before Triton is imported, which defines kernels of its own
pytest.importorskip("triton", reason="Triton is not installed: it has wheels for Linux alone")


@pytest.fixture(scope="module")
def fused_features():
    from stampshift.training.stacked import fused

    return fused.fused_features


NETWORKS = {
    "masked, ReLU, a border that no maximum covers": (
        [nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5), nn.Dropout2d(0.5), nn.MaxPool2d(2), nn.ReLU()],
        9,
    ),
    "stride, padding, no bias, more channels than one program has, no ReLU": (
        [nn.Conv2d(3, 70, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(70), nn.MaxPool2d(3)],
        10,
    ),
    "two blocks, and layers behind them": (
        [
            *(nn.Conv2d(3, 4, 2), nn.BatchNorm2d(4), nn.MaxPool2d(2), nn.ReLU()),
            *(nn.Conv2d(4, 3, 3), nn.BatchNorm2d(3), nn.Dropout2d(0.5), nn.MaxPool2d(2), nn.ReLU()),
            *(nn.Flatten(), nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU()),
        ],
        9,
    ),
}
LANES, BATCH = 2, 3


def inputs(layers, size):
    """An extractor with random weights for every lane, stamps, and the masks of its dropout of channels."""
    torch.manual_seed(0)
    extractor = nn.Sequential(*layers)
    weights = {
        name: torch.rand(LANES, *value.shape) + 0.5
        if name.endswith("var")
        else torch.randn(LANES, *value.shape)
        for name, value in extractor.state_dict().items()
        if value.is_floating_point()
    }
    stamps = torch.randn(LANES, BATCH, size, size, 3)
    shapes = [before.num_features for before, layer in pairwise(layers) if isinstance(layer, nn.Dropout2d)]
    masks = [2.0 * (torch.rand(LANES, BATCH, 1, 1, channels) > 0.5) for channels in shapes]
    return extractor, stamps, weights, masks


def results(features, extractor, stamps, weights, masks, *, training=True, dtype=torch.float64):
    """Features, moved statistics, and gradients of stamps and weights."""
    stamps = stamps.clone().requires_grad_()
    own = {name: value.clone().requires_grad_("running" not in name) for name, value in weights.items()}
    found = features(extractor, stamps, own, masks, training=training, dtype=dtype)
    statistics = {name: value for name, value in own.items() if "running" in name}
    if not training:
        return {"features": found.detach()} | statistics
    leaves = {"stamps": stamps} | {name: value for name, value in own.items() if value.requires_grad}
    stream = torch.Generator().manual_seed(1)
    gradients = torch.autograd.grad(
        (found * torch.randn(found.shape, generator=stream)).sum(), list(leaves.values())
    )
    return {"features": found.detach()} | statistics | dict(zip(leaves, gradients, strict=True))


@pytest.mark.parametrize("name", NETWORKS)
def test_kernels_compute_what_the_layers_do(fused_features, double_precision, name):
    given = inputs(*NETWORKS[name])
    expected, found = (results(features, *given) for features in (stacked_features, fused_features))
    assert expected["features"].abs().max() > 0.1
    torch.testing.assert_close(found, expected, rtol=1e-11, atol=1e-12)


def test_scores_have_the_running_statistics(fused_features, double_precision):
    given = inputs(*NETWORKS["two blocks, and layers behind them"])
    expected, found = (
        results(features, *given, training=False) for features in (stacked_features, fused_features)
    )
    torch.testing.assert_close(found, expected, rtol=1e-11, atol=1e-12)
    assert torch.equal(found["1.running_mean"], given[2]["1.running_mean"])


def test_a_nan_stays_in_its_lane(fused_features, double_precision):
    given = inputs(*NETWORKS["masked, ReLU, a border that no maximum covers"])
    extractor, stamps, weights, masks = given
    broken = stamps.clone()
    broken[1, 0, 4, 4, 1] = float("nan")
    expected, found = (
        results(fused_features, extractor, values, weights, masks) for values in (stamps, broken)
    )
    assert found["features"][1].isnan().any()
    for name, value in expected.items():
        assert torch.equal(found[name][0], value[0])


def test_a_lane_of_a_stack_with_kernels_is_the_training_alone(fused_features, make_tasks, double_precision):
    tasks = make_tasks("mme, one step", count=2, batch_size=2, epoch_size=2)
    stack = Stack([Lane.start(task, None) for task in tasks], pools=Pools(tasks, free=lambda device: 0))
    stack.model.form = Form("fused", partial(fused_features, stack.model.extractor))
    stack.run_epoch()
    for number, task in enumerate(tasks):
        with torch.random.fork_rng():
            trainer = Trainer(task)
            trainer.run_epoch()
        expected, found = trainer.checkpoint(), stack.checkpoint(number)
        close = {"rtol": 1e-9, "atol": 1e-12}
        torch.testing.assert_close(found["classifier"], expected["classifier"], **close)
        torch.testing.assert_close(found["optimiser"]["state"], expected["optimiser"]["state"], **close)


COMPILED = """
import torch, triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from stampshift.networks.bolivar import feature_extractor
from stampshift.training.stacked import fused

POINTERS = {torch.float32: "*fp32", torch.bfloat16: "*bf16"}

class Compiled:
    '''A kernel that is compiled for a GPU in the place of running.'''
    def __init__(self, kernel):
        self.kernel = kernel

    def __getitem__(self, grid):
        return self.compile

    def compile(self, *given, **constants):
        names, kinds, aligned = self.kernel.arg_names, {}, {}
        for number, value in enumerate(given):
            kinds[names[number]] = POINTERS[value.dtype] if isinstance(value, torch.Tensor) else "i32"
            if isinstance(value, torch.Tensor):
                aligned[(number,)] = [["tt.divisibility", 16]]
        kinds |= dict.fromkeys(constants, "constexpr")
        own = {(names.index(name),): value for name, value in constants.items()}
        source = ASTSource(self.kernel, kinds, own, aligned)
        done = triton.compile(source, target=GPUTarget("cuda", 90, 32))
        print(self.kernel.fn.__name__, done.metadata.shared)

for name in ("convolve", "weight_gradient", "fold", "normalise_and_pool", "pooled_gradient"):
    setattr(fused.kernels, name, Compiled(getattr(fused.kernels, name)))
extractor = feature_extractor(21)
state = {name: value for name, value in extractor.state_dict().items() if value.dim()}
weights = {name: torch.zeros(2, *state[name].shape).requires_grad_("running" not in name) for name in state}
masks = [torch.ones(2, 4, 1, 1, 50), torch.ones(2, 4, 100)]
stamps = torch.zeros(2, 4, 21, 21, 3)
found = fused.fused_features(extractor, stamps, weights, masks, training=True, dtype=torch.float32)
found.sum().backward()
"""
SHARED_BYTES = 227 << 10  # of a program, on an H100


def test_kernels_of_the_studys_network_compile_for_a_gpu(tmp_path, monkeypatch):
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    monkeypatch.delenv("TRITON_INTERPRET")
    done = subprocess.run([sys.executable, "-c", COMPILED], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    shared = [line.split() for line in done.stdout.splitlines()]
    assert sorted(name for name, _ in shared) == sorted(
        [*["convolve", "weight_gradient", "normalise_and_pool"] * 2, *["pooled_gradient"] * 4, "fold"]
    )
    assert max(int(size) for _, size in shared) <= SHARED_BYTES
