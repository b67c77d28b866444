"""Networks 1 to 4 of Ayyar et al. (2022): what the paper prints of them, and what Keras does."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from stampshift.methods.method import Batch, cross_entropy
from stampshift.networks import NETWORKS, build_classifier, network_module
from stampshift.networks.ayyar import Body, LogitHead
from stampshift.networks.classifier import Classifier
from stampshift.training.model import predict

NAMES = ("network_1", "network_2", "network_3", "network_4")


def network(name, size_pixels=51):
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return build_classifier(network=name, head="linear", size_pixels=size_pixels, temperature=None)


@pytest.mark.parametrize(
    ("name", "count"),
    [("network_1", 265_165), ("network_2", 414_205), ("network_3", 851_605), ("network_4", 953_785)],
)
def test_trainable_parameters_are_the_published_number(name, count):
    parameters = network(name).parameters()
    assert sum(parameter.numel() for parameter in parameters if parameter.requires_grad) == count


@pytest.mark.parametrize(
    ("name", "sides", "flat"),
    [
        ("network_1", [51, 25, 12, 6], 2880),
        ("network_2", [51, 17, 5], 2000),
        ("network_3", [51, 17, 5], 3000),
        ("network_4", [26, 13], 13_520),
    ],
)
def test_feature_maps_have_the_published_sides(name, sides, flat):
    stamps, found, widths = torch.zeros(2, 3, 51, 51), [], []
    for layer in network(name).extractor:
        stamps = layer(stamps)
        if isinstance(layer, nn.Conv2d | nn.MaxPool2d) and stamps.shape[-1] not in found:
            found.append(stamps.shape[-1])
        if isinstance(layer, nn.Flatten):
            widths.append(stamps.shape[1])
    assert (found, widths) == (sides, [flat])
    assert stamps.shape == (2, 51)


def test_the_third_convolution_of_network_4_keeps_its_side():
    sides, stamps = [], torch.zeros(1, 3, 51, 51)
    for layer in network("network_4").eval().extractor:
        stamps = layer(stamps)
        sides += [stamps.shape[-1]] if isinstance(layer, nn.Conv2d) else []
    assert sides == [26, 13, 13]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [16, 21, 63])
def test_other_sizes_fit(name, size):
    assert network(name, size).eval()(torch.zeros(1, 3, size, size)).shape == (1, 2)


@pytest.mark.parametrize("name", NAMES)
def test_every_convolution_is_followed_by_relu_and_batch_normalisation_in_this_order(name):
    layers = list(network(name).extractor)
    convolutions = [place for place, layer in enumerate(layers) if isinstance(layer, nn.Conv2d)]
    assert convolutions
    for place in convolutions:
        assert isinstance(layers[place + 1], nn.ReLU)
        normalisation = layers[place + 2]
        assert isinstance(normalisation, nn.BatchNorm2d)
        assert (normalisation.eps, normalisation.momentum) == (1e-5, 0.01)


@pytest.mark.parametrize(
    ("name", "shares"), [("network_1", [0.3]), ("network_2", [0.3]), ("network_4", [0.1, 0.1, 0.1, 0.3])]
)
def test_dropout_has_the_published_shares(name, shares):
    assert [layer.p for layer in network(name).extractor if isinstance(layer, nn.Dropout)] == shares


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "before"),
    [(5, 3, 1, 1), (5, 4, 1, 1), (51, 6, 2, 2), (26, 6, 2, 2), (13, 6, 1, 2)],
)
def test_same_padding_is_that_of_keras(size, kernel, stride, before):
    """Where the padding is odd, the extra pixel is right and below."""
    body = Body(size)
    body.convolution(1, kernel=kernel, stride=stride)
    layers = nn.Sequential(*[layer for layer in body.layers if isinstance(layer, nn.ZeroPad2d | nn.Conv2d)])
    stamps = torch.randn(1, 3, size, size, generator=torch.Generator().manual_seed(2))
    weight, bias = layers[-1].weight.detach()[0], layers[-1].bias.detach()[0]
    padded = torch.zeros(3, 2 * size + 20, 2 * size + 20)
    padded[:, before : before + size, before : before + size] = stamps[0]
    side = -(-size // stride)
    expected = [
        [
            (padded[:, i * stride : i * stride + kernel, j * stride : j * stride + kernel] * weight).sum()
            + bias
            for j in range(side)
        ]
        for i in range(side)
    ]
    torch.testing.assert_close(layers(stamps)[0, 0], torch.tensor(expected), rtol=1e-4, atol=1e-5)


def test_two_logits_are_zero_and_the_logit():
    head = LogitHead(51)
    features = torch.randn(4, 51, generator=torch.Generator().manual_seed(3))
    logits = head(features)
    torch.testing.assert_close(logits, torch.stack([torch.zeros(4), head.logit(features)[:, 0]], dim=1))


def test_the_loss_and_its_gradient_are_those_of_the_binary_cross_entropy():
    logit = torch.tensor([[-2.0], [0.5], [3.0]], dtype=torch.float64, requires_grad=True)
    labels = torch.tensor([0, 1, 0])
    model = Classifier(nn.Identity(), nn.Identity())
    two = torch.cat([torch.zeros_like(logit), logit], dim=1)
    loss = cross_entropy(model, Batch(two, labels, None), {})
    binary = functional.binary_cross_entropy_with_logits(logit[:, 0], labels.double())
    by_hand = np.log1p(np.exp([-2.0, -0.5, 3.0])).mean()  # softplus of z for a bogus, of -z for a real
    assert loss.item() == pytest.approx(binary.item(), rel=1e-12)
    assert loss.item() == pytest.approx(by_hand, rel=1e-12)
    loss.backward()
    # dL/dz = (sigmoid(z) - label) / n
    sigmoid = 1 / (1 + np.exp([2.0, -0.5, -3.0]))
    np.testing.assert_allclose(logit.grad[:, 0], (sigmoid - [0, 1, 0]) / 3, rtol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_a_score_is_the_sigmoid_of_the_logit(name):
    classifier = network(name, 21).eval()
    stamps = np.random.default_rng(4).normal(size=(5, 3, 21, 21)).astype(np.float32)
    scores = predict(classifier, stamps, np.arange(5), device=torch.device("cpu"))
    with torch.inference_mode():
        logit = classifier.head.logit(classifier.extractor(torch.from_numpy(stamps)))[:, 0]
    np.testing.assert_allclose(scores, torch.sigmoid(logit), rtol=1e-5)


def test_weights_start_as_those_of_keras():
    first = network("network_2").extractor[1]
    limit = np.sqrt(6 / ((3 + 80) * 16))  # fans are channels times the kernel's pixels
    weight = first.weight.detach()
    assert float(weight.abs().max()) == pytest.approx(limit, rel=0.01)
    assert float(weight.std()) == pytest.approx(limit / np.sqrt(3), rel=0.02)
    assert not first.bias.any()


def test_minimax_entropy_gives_prototypes_to_the_features():
    model = build_classifier(network="network_1", head="prototype", size_pixels=21, temperature=0.05)
    assert (model.n_features, model.head.prototypes.weight.shape) == (51, (2, 51))
    assert model.eval()(torch.zeros(2, 3, 21, 21)).shape == (2, 2)


def test_networks_are_found_by_the_module_that_holds_them():
    assert list(NETWORKS) == ["bolivar", "bolivar_as_listed", *NAMES, "residual"]
    assert {network_module(name) for name in NAMES} == {"networks.ayyar"}
    assert network_module("bolivar") == "networks.bolivar"
