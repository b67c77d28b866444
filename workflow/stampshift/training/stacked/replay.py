"""A step that is repeated on the same tensors: captured once in a CUDA graph, and then replayed."""

import logging
from collections.abc import Callable
from functools import cache

import torch

from stampshift.training.device import is_out_of_memory

log = logging.getLogger(__name__)


class Repeated:
    """A function without arguments, called many times, that reads and writes the same tensors each time.

    On a GPU the first call runs it, which warms it up; the second captures it in a CUDA graph, which it and
    all later ones replay: a single launch in place of hundreds. A function that no graph can hold runs as it
    is, and the log says so. On a CPU it always runs as it is.
    """

    def __init__(self, function: Callable[[], None], *, device: torch.device) -> None:
        self._function = function
        self._graph: torch.cuda.CUDAGraph | None = None
        self._plain = device.type != "cuda"
        self._warm = False

    def __call__(self) -> None:
        """Run it once."""
        if self._plain:
            self._function()
        elif not self._warm:
            self._warm_up()
        else:
            self._replay()

    def _warm_up(self) -> None:
        """Run it beside the main stream, as a capture asks for."""
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            self._function()
        torch.cuda.current_stream().wait_stream(side)
        self._warm = True

    def _replay(self) -> None:
        if self._graph is None:
            self._graph = self._captured()
        if self._graph is None:
            self._plain = True
            self._function()
        else:
            self._graph.replay()

    def _captured(self) -> torch.cuda.CUDAGraph | None:
        graph = torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(graph, capture_error_mode="thread_local"):  # notes, and computes nothing
                self._function()
        except Exception as error:
            if is_out_of_memory(error):
                raise
            say_once(
                f"a step of the stack runs without a CUDA graph, which cannot hold it ({first_line(error)})"
            )
            return None
        return graph


@cache
def say_once(message: str) -> None:
    """Log a warning, the first time in this process."""
    log.warning("%s", message)


def first_line(error: BaseException) -> str:
    """Kind of an error and the first line of its text."""
    text, _, _ = str(error).partition("\n")
    return f"{type(error).__name__}: {text}"
