"""Where trainings run: GPU or CPU, and how a CPU process is set up for them."""

import ctypes
import logging
import sys

import torch

from stampshift.core.errors import ConfigError

log = logging.getLogger(__name__)

# glibc returns and maps anew every activation of a few MB unless set to keep them: 1.3 to 1.4 times
# the training time. The option numbers are those of glibc's malloc.h.
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3
KEPT_BYTES = 1 << 28
PADDING_BYTES = 1 << 24


def choose_device(wanted: str) -> torch.device:
    """Device for ``"auto"``, ``"cpu"`` or ``"cuda"``; an absent GPU that is asked for is a `ConfigError`."""
    available = torch.cuda.is_available()
    if wanted == "cuda" and not available:
        raise ConfigError(
            "config: execution.device is 'cuda', but PyTorch finds no GPU here; set it to 'auto' or 'cpu', "
            "or install a CUDA build of PyTorch."
        )
    if wanted != "cpu" and available:
        log.info("training on the GPU %s", torch.cuda.get_device_name())
        return torch.device("cuda")
    log.info("training on the CPU%s", "" if wanted == "cpu" else ": PyTorch finds no GPU here")
    return torch.device("cpu")


def set_up_process() -> None:
    """One torch thread, an allocator that keeps freed memory, and on a GPU float32 that is float32.

    One thread per run makes a result independent of the number of cores, and two runs of one thread are
    faster than one run of two.
    """
    torch.set_num_threads(1)
    # TF32 has ten bits where float32 has 23, and cuDNN takes it unless it is disabled
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # absent from other C libraries
        if mallopt is not None:
            mallopt(M_MMAP_THRESHOLD, KEPT_BYTES)
            mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)
            mallopt(M_TOP_PAD, PADDING_BYTES)


def is_out_of_memory(error: BaseException | None) -> bool:
    """Whether an error says that the GPU's or the computer's memory does not suffice."""
    # torch has no separate error for the computer's memory, nor for that of cuBLAS and cuDNN
    of_the_allocator = isinstance(error, RuntimeError) and any(
        words in str(error) for words in ("can't allocate memory", "STATUS_ALLOC_FAILED")
    )
    return of_the_allocator or isinstance(error, MemoryError | torch.OutOfMemoryError)
