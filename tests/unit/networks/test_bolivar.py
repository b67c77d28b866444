import pytest
import torch

from stampshift.networks import build_classifier, network_module
from stampshift.networks.bolivar import feature_extractor
from stampshift.networks.classifier import PrototypeHead
from stampshift.networks.layers import network_layers


def trainable(module):
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)


@pytest.mark.parametrize(
    ("head", "temperature", "count"), [("linear", None, 115_944), ("prototype", 0.05, 115_942)]
)
def test_trainable_parameters_are_the_published_number(head, temperature, count):
    assert (
        trainable(build_classifier(network="bolivar", head=head, size_pixels=21, temperature=temperature))
        == count
    )


# thesis 5.3, with the second convolution's ReLU of the paper: layer, output for 21 pixels, parameters
EXTRACTOR = [
    ("convolution 5 x 5", "64 x 17 x 17", 64 * (3 * 25 + 1)),
    ("batch normalisation", "64 x 17 x 17", 2 * 64),
    ("maximum of 2 x 2", "64 x 8 x 8", 0),
    ("ReLU", "64 x 8 x 8", 0),
    ("convolution 5 x 5", "50 x 4 x 4", 50 * (64 * 25 + 1)),
    ("batch normalisation", "50 x 4 x 4", 2 * 50),
    ("dropout of channels 0.5", "50 x 4 x 4", 0),
    ("maximum of 2 x 2", "50 x 2 x 2", 0),
    ("ReLU", "50 x 2 x 2", 0),
    ("Flatten", "200", 0),
    ("linear", "100", 100 * (200 + 1)),
    ("batch normalisation", "100", 2 * 100),
    ("ReLU", "100", 0),
    ("dropout 0.5", "100", 0),
    ("linear", "100", 100 * (100 + 1)),
    ("batch normalisation", "100", 2 * 100),
    ("ReLU", "100", 0),
]
HEADS = [("linear", "2", 2 * (100 + 1)), ("cosine similarity to prototypes", "2", 2 * 100)]


def test_the_layers_are_the_published_ones_in_the_published_order():
    layers = network_layers("bolivar", size_pixels=21)[["part", "layer", "output", "parameters"]]
    of_extractor = layers[layers["part"] == "extractor"].drop(columns="part")
    assert list(of_extractor.itertuples(index=False, name=None)) == EXTRACTOR
    heads = layers[layers["part"] == "head"].drop(columns="part")
    named = [(layer.partition(" (")[0], *rest) for layer, *rest in heads.itertuples(index=False, name=None)]
    assert named == HEADS
    assert sum(count for *_, count in EXTRACTOR) + HEADS[0][2] == 115_944
    assert sum(count for *_, count in EXTRACTOR) + HEADS[1][2] == 115_942


def test_the_network_as_listed_lacks_the_second_relu_alone():
    listed = network_layers("bolivar_as_listed", size_pixels=21)
    of_extractor = listed.loc[listed["part"] == "extractor", ["layer", "output", "parameters"]]
    expected = [*EXTRACTOR[:8], *EXTRACTOR[9:]]
    assert list(of_extractor.itertuples(index=False, name=None)) == expected
    assert listed["parameters"].iloc[-2:].tolist() == [115_944, 115_942]
    assert network_module("bolivar_as_listed") == "networks.bolivar"


def test_feature_maps_have_the_published_sides():
    stamps = torch.zeros(2, 3, 21, 21)
    sides = []
    for layer in feature_extractor(21):
        stamps = layer(stamps)
        if stamps.dim() == 4 and stamps.shape[-1] not in sides:
            sides.append(stamps.shape[-1])
    assert sides == [17, 8, 4, 2]
    assert stamps.shape == (2, 100)


@pytest.mark.parametrize("size", [16, 30, 63])
def test_other_sizes_fit(size):
    classifier = build_classifier(network="bolivar", head="linear", size_pixels=size, temperature=None).eval()
    assert classifier(torch.zeros(1, 3, size, size)).shape == (1, 2)


def test_prototype_logits_are_cosines_over_the_temperature():
    head = PrototypeHead(100, 0.05)
    with torch.no_grad():
        head.prototypes.weight.zero_()
        head.prototypes.weight[0, 0] = 1.0
        head.prototypes.weight[1, 1] = 2.0
    features = torch.zeros(1, 100)
    features[0, 0], features[0, 1] = 3.0, 4.0  # length 5
    torch.testing.assert_close(head(features), torch.tensor([[0.6 / 0.05, 2 * 0.8 / 0.05]]))


def test_prototype_logits_do_not_feel_the_length_of_the_features():
    head, features = PrototypeHead(100, 0.05), torch.randn(4, 100, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(head(features), head(7 * features))


def test_an_unknown_head_is_named():
    with pytest.raises(ValueError, match="no head 'cosine'"):
        build_classifier(network="bolivar", head="cosine", size_pixels=21, temperature=None)
