"""Model files that torch can read, but that hold other things than a model of stampshift."""

import math

import pytest
import torch

from stampshift.core.errors import ContractError
from stampshift.networks import build_classifier
from stampshift.training.model import Model, load_tensors, save_tensors


@pytest.fixture
def path(tmp_path):
    torch.manual_seed(0)
    kind = {"network": "bolivar", "head": "prototype", "size_pixels": 21, "temperature": 0.05}
    Model(state=build_classifier(**kind).state_dict(), **kind).save(tmp_path / "model.pt")
    return tmp_path / "model.pt"


def test_a_model_is_read_as_it_was_written(path):
    model = Model.open(path)
    content = path.read_bytes()
    model.save(path)
    assert path.read_bytes() == content
    assert (model.network, model.head, model.size_pixels, model.temperature) == (
        "bolivar", "prototype", 21, 0.05,
    )  # fmt: skip


CHANGES = {
    "a weight of another name": lambda state, first: state.update(other=state.pop(first)),
    "one weight more": lambda state, first: state.update(other=state[first]),
    "one weight less": lambda state, first: state.pop(first),
    "another shape": lambda state, first: state.update({first: state[first][..., None]}),
    "another type": lambda state, first: state.update({first: state[first].double()}),
    "not a tensor": lambda state, first: state.update({first: 1.0}),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_weights_that_are_not_those_of_the_network_are_refused(path, change):
    content = load_tensors(path)
    change(content["state"], next(iter(content["state"])))
    save_tensors(path, content)
    with pytest.raises(ContractError, match=r"model\.pt: not a model file of stampshift"):
        Model.open(path)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_weight_that_is_not_finite_is_refused_by_name(path, value):
    content = load_tensors(path)
    name = next(iter(content["state"]))
    content["state"][name].view(-1)[3] = value
    save_tensors(path, content)
    with pytest.raises(ContractError, match=rf"model\.pt: .*the weights '{name}' are not finite"):
        Model.open(path)


@pytest.mark.parametrize("temperature", [0, -1.0, math.nan, math.inf, 10**20, "0.05", [0.05]])
def test_a_temperature_that_is_no_positive_number_is_refused(path, temperature):
    save_tensors(path, load_tensors(path) | {"temperature": temperature})
    with pytest.raises(ContractError, match=r"model\.pt: not a model file of stampshift \(.*temperature"):
        Model.open(path)


@pytest.mark.parametrize(
    "change",
    [{"network": "other"}, {"network": None}, {"head": "other"}, {"size_pixels": 10**7}, {"other": 1}],
)
def test_a_network_that_cannot_be_built_is_refused(path, change):
    save_tensors(path, load_tensors(path) | change)
    with pytest.raises(ContractError, match=r"model\.pt: not a model file of stampshift"):
        Model.open(path)
