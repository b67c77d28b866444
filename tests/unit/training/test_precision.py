from contextlib import nullcontext
from typing import get_args

import pytest
import torch
from torch import nn

from stampshift.config.configuration import Execution
from stampshift.core.errors import ConfigError
from stampshift.training.precision import BFLOAT16, FLOAT32, TF32, autocast, check_precision, tensor_float32

CPU, GPU = torch.device("cpu"), torch.device("cuda")


@pytest.fixture
def cpu_with_bfloat16(monkeypatch):
    def have(supported):
        monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: supported)

    return have


@pytest.fixture
def gpu_of(monkeypatch):
    def have(*capability):
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "NVIDIA Old")

    return have


def test_the_configuration_knows_every_precision():
    assert get_args(Execution.model_fields["precision"].annotation) == (FLOAT32, TF32, BFLOAT16)


def test_every_device_has_float32(cpu_with_bfloat16, gpu_of):
    cpu_with_bfloat16(False)
    gpu_of(3, 7)
    check_precision(FLOAT32, CPU)
    check_precision(FLOAT32, GPU)


def test_a_cpu_without_bfloat16_says_so(cpu_with_bfloat16):
    cpu_with_bfloat16(True)
    check_precision(BFLOAT16, CPU)
    cpu_with_bfloat16(False)
    with pytest.raises(ConfigError) as caught:
        check_precision(BFLOAT16, CPU)
    assert str(caught.value) == (
        "config: execution.precision is 'bfloat16', and the training runs on a CPU without instructions for "
        "it; set it to 'float32'."
    )


def test_tf32_is_of_gpus_alone():
    with pytest.raises(ConfigError, match="is 'tf32', which only GPUs have, and the training runs on a CPU"):
        check_precision(TF32, CPU)


@pytest.mark.parametrize("precision", [TF32, BFLOAT16])
def test_a_gpu_of_an_earlier_kind_is_named(precision, gpu_of):
    gpu_of(8, 0)
    check_precision(precision, GPU)
    gpu_of(7, 5)
    with pytest.raises(
        ConfigError, match=f"'{precision}', the GPU NVIDIA Old has no arithmetic of that kind"
    ):
        check_precision(precision, GPU)


def test_tf32_is_allowed_within_the_block_alone():
    switches = torch.backends.cuda.matmul, torch.backends.cudnn

    def allowed():
        return [each.allow_tf32 for each in switches]

    before = allowed()
    with pytest.raises(ZeroDivisionError), tensor_float32(TF32):
        assert allowed() == [True, True]
        raise ZeroDivisionError
    assert allowed() == before
    with tensor_float32(FLOAT32):
        assert allowed() == [False, False]
    assert allowed() == before


def test_products_are_bfloat16_s_and_weights_and_their_gradients_float32():
    layer = nn.Linear(8, 2)
    with autocast(BFLOAT16, CPU):
        logits = layer(torch.ones(4, 8))
        loss = nn.functional.cross_entropy(logits, torch.zeros(4, dtype=torch.int64))
    loss.backward()
    assert logits.dtype == torch.bfloat16
    assert layer.weight.dtype == layer.weight.grad.dtype == torch.float32


def test_float32_has_no_context():
    assert isinstance(autocast(FLOAT32, CPU), nullcontext)
    assert isinstance(autocast(TF32, GPU), nullcontext)
