"""The residual network: its shapes, its start, and that it takes stamps of any size."""

import pytest
import torch
from torch import nn

from stampshift.networks import build_classifier, network_module
from stampshift.networks.layers import flop_per_stamp, network_layers
from stampshift.networks.residual import Residual


def network(size_pixels=21, head="linear", temperature=None):
    with torch.random.fork_rng():
        torch.manual_seed(1)
        form = {"head": head, "size_pixels": size_pixels, "temperature": temperature}
        return build_classifier(network="residual", **form)


def test_parameters_by_hand():
    """Of each stage: convolutions of 9 pixels, shortcuts of 1, two numbers of every normalised channel."""
    stem = 3 * 16 * 9 + 2 * 16
    first = 2 * (2 * 16 * 16 * 9 + 2 * 2 * 16)
    second = (16 * 32 + 3 * 32 * 32) * 9 + 16 * 32 + 5 * 2 * 32
    third = (32 * 64 + 3 * 64 * 64) * 9 + 32 * 64 + 5 * 2 * 64
    head = 2 * 65
    count = sum(weights.numel() for weights in network().parameters())
    assert count == stem + first + second + third + head == 174_738


@pytest.mark.parametrize("size", [16, 21, 30, 63])
def test_the_same_weights_take_stamps_of_any_size(size):
    model = network().eval()
    assert network(size).state_dict().keys() == model.state_dict().keys()
    assert model.extractor(torch.zeros(2, 3, size, size)).shape == (2, 64)
    assert model(torch.zeros(2, 3, size, size)).shape == (2, 2)


def test_a_block_starts_as_its_shortcut():
    block = next(layer for layer in network().extractor if isinstance(layer, Residual))
    maps = torch.randn(2, 16, 5, 5, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(block.eval()(maps), maps.relu())


def test_a_stage_halves_the_side_and_doubles_the_channels():
    maps, shapes = torch.zeros(1, 3, 21, 21), []
    for layer in network().eval().extractor:
        maps = layer(maps)
        shapes += [tuple(maps.shape[1:])] if isinstance(layer, Residual) else []
    assert shapes == [(16, 21, 21)] * 2 + [(32, 11, 11)] * 2 + [(64, 6, 6)] * 2


def test_it_has_14_layers_with_weights_on_the_way_and_a_prototype_head():
    model = network(head="prototype", temperature=0.05)
    on_the_way = [
        module
        for name, module in model.named_modules()
        if isinstance(module, nn.Conv2d | nn.Linear) and "shortcut" not in name
    ]
    assert len(on_the_way) == 14
    assert (model.n_features, model.head.prototypes.weight.shape) == (64, (2, 64))
    assert network_module("residual") == "networks.residual"


def test_the_table_of_layers_names_its_parts():
    layers = network_layers("residual", size_pixels=21)
    named = layers.loc[layers["part"] == "extractor", "layer"].tolist()
    assert named == [
        "convolution 3 x 3", "batch normalisation", "ReLU", *["residual block"] * 6, "mean of every map",
        "Flatten",
    ]  # fmt: skip
    assert layers["parameters"].iloc[-2:].tolist() == [174_738, 174_736]
    ayyar = network_layers("network_1", size_pixels=21)
    assert "linear, one logit (baseline and fine-tuning)" in set(ayyar["layer"])


def test_operations_by_hand():
    """Two of every product: kernels times output pixels, of the network of Bolivar (2022) at 21 pixels."""
    convolutions = 3 * 64 * 25 * 17**2 + 64 * 50 * 25 * 4**2
    dense = 200 * 100 + 100 * 100 + 100 * 2
    assert flop_per_stamp("bolivar", size_pixels=21) == 2 * (convolutions + dense)
    assert flop_per_stamp("residual", size_pixels=42) > 3.5 * flop_per_stamp("residual", size_pixels=21)
