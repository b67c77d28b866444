"""Other ways to compute parts of a training step on a CPU, for `cpu_step.py`; none is in the workflow."""

import ctypes
import subprocess
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

LAST = torch.channels_last


# ---- weight gradients as one product over patches ----------------------------------------------------------


class Unfolding(torch.autograd.Function):
    """A convolution of oneDNN; its weight gradient is one sgemm over patches in a buffer that stays."""

    @staticmethod
    def forward(ctx, values, weight, bias, buffer):
        ctx.save_for_backward(values, weight)
        ctx.buffer = buffer
        return functional.conv2d(values, weight, bias)

    @staticmethod
    def backward(ctx, gradient):
        values, weight = ctx.saved_tensors
        back = None
        if ctx.needs_input_grad[0]:
            back, _, _ = torch.ops.aten.convolution_backward(
                gradient, values, weight, None, [1, 1], [0, 0], [1, 1], False, [0, 0], 1, [True, False, False]
            )
        rows = gradient.permute(0, 2, 3, 1).flatten(0, 2)  # (pixels, channels out)
        found = rows.t() @ patches_of(values, weight.shape[-1], ctx.buffer)
        return back, from_matrix(found, weight), rows.sum(0), None


def patches_of(values, kernel, buffer):
    """Patches (batch x height x width, kernel rows x kernel columns x channels), in the buffer."""
    windows = values.unfold(2, kernel, 1).unfold(3, kernel, 1).permute(0, 2, 3, 4, 5, 1)
    shape = (windows.shape[:3].numel(), windows.shape[3:].numel())
    if buffer.numel() != shape[0] * shape[1]:
        buffer.resize_(shape)
    return buffer.view(windows.shape).copy_(windows).view(shape)


def from_matrix(matrix, weight):
    """Weights (out, in, rows, columns) of a matrix (out, rows x columns x in)."""
    out, channels, rows, columns = weight.shape
    return matrix.view(out, rows, columns, channels).permute(0, 3, 1, 2)


class UnfoldingConvolution(nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.weight, self.bias, self.buffer = layer.weight, layer.bias, torch.empty(0)

    def forward(self, values):
        return Unfolding.apply(values, self.weight, self.bias, self.buffer)


# ---- the first convolution from patches that are made once per stamp ---------------------------------------


class FromPatches(nn.Module):
    """The first convolution as a product; patches of the stamps of a step are gathered, not made."""

    def __init__(self, layer, stamps):
        super().__init__()
        self.weight, self.bias = layer.weight, layer.bias
        with torch.no_grad():
            patches = patches_of(stamps, layer.kernel_size[0], torch.empty(0))
        self.patches = patches.view(len(stamps), -1, patches.shape[1])
        self.rows = torch.arange(len(stamps))

    def forward(self, values):
        batch, side = len(values), values.shape[-1] - self.weight.shape[-1] + 1
        patches = self.patches.index_select(0, self.rows[:batch]).flatten(0, 1)
        matrix = self.weight.permute(0, 2, 3, 1).flatten(1)
        found = torch.addmm(self.bias, patches, matrix.t())
        return found.view(batch, side, side, -1).permute(0, 3, 1, 2)


# ---- a kernel of our own for the first convolution ---------------------------------------------------------


def compiled_kernel(folder):
    library = folder / "first_layer.so"
    source = Path(__file__).with_name("first_layer.cpp")
    flags = ["-O3", "-march=native", "-ffast-math", "-shared", "-fPIC"]
    subprocess.run(["g++", *flags, str(source), "-o", str(library)], check=True)
    return ctypes.CDLL(str(library))


class OwnKernel(torch.autograd.Function):
    @staticmethod
    def forward(ctx, values, weight, bias, library):
        matrix = weight.permute(2, 3, 1, 0).contiguous()
        side = values.shape[-1] - weight.shape[-1] + 1
        out = torch.empty((len(values), len(weight), side, side), memory_format=LAST)
        library.convolve(*pointers(values, matrix, out), len(values))
        ctx.save_for_backward(values, weight)
        ctx.library = library
        return out.add_(bias.view(1, -1, 1, 1))

    @staticmethod
    def backward(ctx, gradient):
        values, weight = ctx.saved_tensors
        gradient = gradient.contiguous(memory_format=LAST)
        found = torch.zeros(weight.permute(2, 3, 1, 0).shape)
        ctx.library.weight_gradient(*pointers(values, gradient, found), len(values))
        return None, found.permute(3, 2, 0, 1), gradient.sum((0, 2, 3)), None


def pointers(*tensors):
    return [ctypes.c_void_p(tensor.data_ptr()) for tensor in tensors]


class OwnConvolution(nn.Module):
    def __init__(self, layer, library):
        super().__init__()
        self.weight, self.bias, self.library = layer.weight, layer.bias, library

    def forward(self, values):
        return OwnKernel.apply(values, self.weight, self.bias, self.library)


# ---- both passes of MME at once ----------------------------------------------------------------------------


class Concatenated(nn.Module):
    """An extractor that takes both batches of MME when it is given the first one."""

    def __init__(self, extractor, other):
        super().__init__()
        self.layers, self.other, self.kept = extractor, other, None

    def forward(self, stamps):
        if self.kept is not None:
            found, self.kept = self.kept, None
            return found
        values = torch.cat([stamps, self.other]).contiguous(memory_format=LAST)
        for layer in self.layers:
            apart = isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d)
            values = (
                torch.cat([layer(part) for part in values.split(len(stamps))]) if apart else layer(values)
            )
        found, self.kept = values.split(len(stamps))
        return found


# ---- what each changes of a classifier, given the batch that it will train on ----------------------------


def unfold(*numbers):
    def change(classifier, batch):  # noqa: ARG001
        for number in numbers:
            classifier.extractor[number] = UnfoldingConvolution(classifier.extractor[number])

    return change


def gather_patches(classifier, batch):
    classifier.extractor[0] = FromPatches(classifier.extractor[0], batch.stamps)


def own_kernel(library):
    def change(classifier, batch):  # noqa: ARG001
        classifier.extractor[0] = OwnConvolution(classifier.extractor[0], library)

    return change


def concatenate(classifier, batch):
    classifier.extractor = Concatenated(classifier.extractor, batch.unlabelled)


def in_bfloat16(classifier, batch):  # noqa: ARG001
    for part in (classifier.extractor, classifier.head):
        part.forward = torch.autocast("cpu", torch.bfloat16)(part.forward)
