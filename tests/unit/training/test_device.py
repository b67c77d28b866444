import logging

import pytest
import torch

from stampshift.core.errors import ConfigError
from stampshift.training.device import choose_device, is_out_of_memory


@pytest.fixture(autouse=True)
def no_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


def test_without_a_gpu_the_cpu_is_taken_and_the_log_says_so(caplog):
    caplog.set_level(logging.INFO)
    assert choose_device("auto") == torch.device("cpu")
    assert "training on the CPU: PyTorch finds no GPU here" in caplog.text


def test_a_gpu_that_is_demanded_but_missing_is_an_error():
    with pytest.raises(
        ConfigError, match=r"execution\.device is 'cuda', but PyTorch finds no GPU here; set it"
    ):
        choose_device("cuda")


def test_with_a_gpu_auto_takes_it_and_cpu_does_not(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "a GPU")
    assert choose_device("auto").type == "cuda"
    assert choose_device("cpu").type == "cpu"


@pytest.mark.parametrize(
    ("error", "short"),
    [
        (MemoryError(), True),
        (torch.OutOfMemoryError("CUDA out of memory."), True),
        (RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"), True),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), True),
        (RuntimeError("CUDNN_STATUS_BAD_PARAM"), False),
        (None, False),
    ],
)
def test_which_errors_say_that_memory_does_not_suffice(error, short):
    assert is_out_of_memory(error) is short
