"""The benchmark of a stack's kernels, tiny, by Triton's interpreter: on a GPU it has to work at once."""

from importlib import import_module

import pytest

pytest.importorskip("triton", reason="Triton is not installed: it has wheels for Linux alone")


@pytest.mark.parametrize("kernel", ["forward, first", "forward, second", "weights, first", "weights, second"])
def test_the_kernels_that_are_timed_are_right(monkeypatch, kernel):
    tiles = import_module("gpu_tiles")
    for name, value in {"DEVICE": "cpu", "LANES": 2, "BATCH": 3}.items():
        monkeypatch.setattr(tiles, name, value)
    made = tiles.KERNELS[kernel]()
    for setting in [("ieee", 64, 32, 4, 2), ("ieee", 128, 16, 8, 2)]:
        assert setting in list(tiles.settings())
        error = (made.run(*setting).double() - made.expected()).norm() / made.expected().norm()
        assert error < 1e-6
