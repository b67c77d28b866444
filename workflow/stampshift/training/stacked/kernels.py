"""Triton kernels of a block of layers: convolution, batch normalisation, dropout of channels, maximum, ReLU.

Activations are (lanes, batch, height, width, channels), contiguous. A convolution is an implicit product: its
patches are gathered from the maps as they are multiplied, and are never in memory. `fused` calls the kernels
and has their gradients; what each computes, in plain PyTorch, is in `layers`.

Triton is imported here: no other module may import this one at its own import.
"""

import triton
import triton.language as tl


@triton.jit
def row_offsets(rows, OUT_HEIGHT: tl.constexpr, OUT_WIDTH: tl.constexpr, HEIGHT: tl.constexpr,
                WIDTH: tl.constexpr, CHANNELS: tl.constexpr, DOWN: tl.constexpr, RIGHT: tl.constexpr,
):  # fmt: skip
    """Where the patches of output pixels begin in a lane's maps."""
    stamp, pixel = rows // (OUT_HEIGHT * OUT_WIDTH), rows % (OUT_HEIGHT * OUT_WIDTH)
    top, left = pixel // OUT_WIDTH * DOWN, pixel % OUT_WIDTH * RIGHT
    return ((stamp * HEIGHT + top) * WIDTH + left) * CHANNELS


@triton.jit
def patch_offsets(places, KERNEL: tl.constexpr, WIDTH: tl.constexpr, CHANNELS: tl.constexpr):
    """Where the values of a patch are, from its beginning: a row of the kernel is in one piece."""
    return places // (KERNEL * CHANNELS) * (WIDTH * CHANNELS) + places % (KERNEL * CHANNELS)


@triton.jit
def convolve(values, matrix, bias, out, means, squares, rows_of_lane,
             OUT_HEIGHT: tl.constexpr, OUT_WIDTH: tl.constexpr, HEIGHT: tl.constexpr, WIDTH: tl.constexpr,
             CHANNELS: tl.constexpr, KERNEL: tl.constexpr, DOWN: tl.constexpr, RIGHT: tl.constexpr,
             PATCH: tl.constexpr, OUT: tl.constexpr, STATISTICS: tl.constexpr, PRECISION: tl.constexpr,
             SUM: tl.constexpr, ROWS: tl.constexpr, PLACES: tl.constexpr, COLUMNS: tl.constexpr):  # fmt: skip
    """Outputs of ROWS pixels of a lane, with their mean and sum of squares about it for every channel.

    Programs: blocks of rows, lanes, blocks of channels.
    """
    block, lane = tl.program_id(0), tl.program_id(1).to(tl.int64)
    rows = block * ROWS + tl.arange(0, ROWS)
    columns = tl.program_id(2) * COLUMNS + tl.arange(0, COLUMNS)
    is_row, is_column = rows < rows_of_lane, columns < OUT
    stamps = rows_of_lane // (OUT_HEIGHT * OUT_WIDTH)
    values += lane * stamps * (HEIGHT * WIDTH * CHANNELS)
    matrix += lane * (PATCH * OUT)
    begin = row_offsets(rows, OUT_HEIGHT, OUT_WIDTH, HEIGHT, WIDTH, CHANNELS, DOWN, RIGHT)
    total = tl.zeros((ROWS, COLUMNS), SUM)
    for first in range(0, PATCH, PLACES):
        places = first + tl.arange(0, PLACES)
        is_place = places < PATCH
        offsets = patch_offsets(places, KERNEL, WIDTH, CHANNELS)
        patches = tl.load(values + begin[:, None] + offsets[None, :],
                          mask=is_row[:, None] & is_place[None, :], other=0.0)  # fmt: skip
        weights = tl.load(matrix + places[:, None] * OUT + columns[None, :],
                          mask=is_place[:, None] & is_column[None, :], other=0.0)  # fmt: skip
        total = tl.dot(patches, weights, total, input_precision=PRECISION, out_dtype=SUM)
    total += tl.load(bias + lane * OUT + columns, mask=is_column, other=0.0)[None, :]
    inside = is_row[:, None] & is_column[None, :]
    places_out = (lane * rows_of_lane + rows)[:, None] * OUT + columns[None, :]
    tl.store(out + places_out, total.to(out.dtype.element_ty), mask=inside)
    if STATISTICS:
        count = tl.minimum(rows_of_lane - block * ROWS, ROWS)
        mean = tl.sum(tl.where(inside, total, 0.0), axis=0) / count
        apart = tl.where(inside, total - mean[None, :], 0.0)
        place = (lane * tl.num_programs(0) + block) * OUT + columns
        tl.store(means + place, mean, mask=is_column)
        tl.store(squares + place, tl.sum(apart * apart, axis=0), mask=is_column)


@triton.jit
def weight_gradient(values, gradient, found, rows_of_lane, rows_of_part,
                    OUT_HEIGHT: tl.constexpr, OUT_WIDTH: tl.constexpr, HEIGHT: tl.constexpr,
                    WIDTH: tl.constexpr, CHANNELS: tl.constexpr, KERNEL: tl.constexpr, DOWN: tl.constexpr,
                    RIGHT: tl.constexpr, PATCH: tl.constexpr, OUT: tl.constexpr, PRECISION: tl.constexpr,
                    SUM: tl.constexpr, ROWS: tl.constexpr, PLACES: tl.constexpr, COLUMNS: tl.constexpr,
):  # fmt: skip
    """Gradient of PLACES rows of a lane's matrix, from one part of its pixels; that of the bias is row PATCH.

    Programs: blocks of the matrix' rows times blocks of channels, parts, lanes.
    """
    blocks = tl.cdiv(OUT, COLUMNS)
    part, lane = tl.program_id(1), tl.program_id(2).to(tl.int64)
    places = tl.program_id(0) // blocks * PLACES + tl.arange(0, PLACES)
    columns = tl.program_id(0) % blocks * COLUMNS + tl.arange(0, COLUMNS)
    is_place, is_column = places < PATCH, columns < OUT
    offsets = patch_offsets(places, KERNEL, WIDTH, CHANNELS)
    values += lane * (rows_of_lane // (OUT_HEIGHT * OUT_WIDTH)) * (HEIGHT * WIDTH * CHANNELS)
    gradient += lane * rows_of_lane * OUT
    total = tl.zeros((PLACES, COLUMNS), SUM)
    last = tl.minimum((part + 1) * rows_of_part, rows_of_lane)
    for first in range(part * rows_of_part, last, ROWS):
        rows = first + tl.arange(0, ROWS)
        is_row = rows < last
        begin = row_offsets(rows, OUT_HEIGHT, OUT_WIDTH, HEIGHT, WIDTH, CHANNELS, DOWN, RIGHT)
        patches = tl.load(values + offsets[:, None] + begin[None, :],
                          mask=is_place[:, None] & is_row[None, :], other=0.0)  # fmt: skip
        ones = ((places == PATCH)[:, None] & is_row[None, :]).to(patches.dtype)
        own = tl.load(gradient + rows[:, None] * OUT + columns[None, :],
                      mask=is_row[:, None] & is_column[None, :], other=0.0)  # fmt: skip
        total = tl.dot(patches + ones, own, total, input_precision=PRECISION, out_dtype=SUM)
    matrix = (lane * tl.num_programs(1) + part) * ((PATCH + 1) * OUT)
    tl.store(found + matrix + places[:, None] * OUT + columns[None, :], total,
             mask=(places <= PATCH)[:, None] & is_column[None, :])  # fmt: skip


@triton.jit
def fold(patches, found, pixels_of_lane,
         OUT_HEIGHT: tl.constexpr, OUT_WIDTH: tl.constexpr, HEIGHT: tl.constexpr, WIDTH: tl.constexpr,
         CHANNELS: tl.constexpr, KERNEL: tl.constexpr, KERNEL_ROWS: tl.constexpr, DOWN: tl.constexpr,
         RIGHT: tl.constexpr, SUM: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr):  # fmt: skip
    """Gradient of maps from that of their patches: a pixel's value is the sum of its places in them.

    Programs: blocks of pixels, lanes, blocks of channels.
    """
    lane = tl.program_id(1).to(tl.int64)
    pixels = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    channels = tl.program_id(2) * COLUMNS + tl.arange(0, COLUMNS)
    inside = (pixels < pixels_of_lane)[:, None] & (channels < CHANNELS)[None, :]
    stamp, pixel = pixels // (HEIGHT * WIDTH), pixels % (HEIGHT * WIDTH)
    patch: tl.constexpr = KERNEL_ROWS * KERNEL * CHANNELS
    patches += lane * (pixels_of_lane // (HEIGHT * WIDTH)) * (OUT_HEIGHT * OUT_WIDTH * patch)
    total = tl.zeros((ROWS, COLUMNS), SUM)
    for number in range(KERNEL_ROWS * KERNEL):
        below, beside = pixel // WIDTH - number // KERNEL, pixel % WIDTH - number % KERNEL
        row, column = below // DOWN, beside // RIGHT
        is_patch = (below >= 0) & (beside >= 0) & (below == row * DOWN) & (beside == column * RIGHT)
        is_patch = is_patch & (row < OUT_HEIGHT) & (column < OUT_WIDTH)
        begin = ((stamp * OUT_HEIGHT + row) * OUT_WIDTH + column) * patch + number * CHANNELS
        part = tl.load(patches + begin[:, None] + channels[None, :],
                       mask=inside & is_patch[:, None], other=0.0)  # fmt: skip
        total += part.to(SUM)
    place = (lane * pixels_of_lane + pixels)[:, None] * CHANNELS + channels[None, :]
    tl.store(found + place, total.to(found.dtype.element_ty), mask=inside)


@triton.jit
def largest(values, scale, shift, stamp, top, left, channels, inside,
            HEIGHT: tl.constexpr, WIDTH: tl.constexpr, CHANNELS: tl.constexpr, SIDE: tl.constexpr,
            SUM: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr):  # fmt: skip
    """The first of the largest normalised values of windows, as it was before, and its number."""
    best = tl.full((ROWS, COLUMNS), float("-inf"), SUM)
    before = tl.zeros((ROWS, COLUMNS), SUM)
    which = tl.zeros((ROWS, COLUMNS), tl.int32)
    for number in tl.static_range(SIDE * SIDE):
        pixel = (stamp * HEIGHT + top + number // SIDE) * WIDTH + left + number % SIDE
        own = tl.load(values + pixel[:, None] * CHANNELS + channels[None, :], mask=inside, other=0.0).to(SUM)
        normalised = own * scale[None, :] + shift[None, :]
        larger = (normalised > best) | (normalised != normalised)
        best = tl.where(larger, normalised, best)
        before = tl.where(larger, own, before)
        which = tl.where(larger, number, which)
    return best, before, which


@triton.jit
def normalise_and_pool(values, scale, shift, mask, out, windows_of_lane,
                       HEIGHT: tl.constexpr, WIDTH: tl.constexpr, CHANNELS: tl.constexpr, SIDE: tl.constexpr,
                       MASKED: tl.constexpr, RELU: tl.constexpr, SUM: tl.constexpr, ROWS: tl.constexpr,
                       COLUMNS: tl.constexpr):  # fmt: skip
    """Largest normalised value of every window, times its channel's mask, and not below 0 with RELU.

    Programs: blocks of windows, lanes, blocks of channels.
    """
    high: tl.constexpr = HEIGHT // SIDE
    wide: tl.constexpr = WIDTH // SIDE
    lane = tl.program_id(1).to(tl.int64)
    windows = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    channels = tl.program_id(2) * COLUMNS + tl.arange(0, COLUMNS)
    is_channel = channels < CHANNELS
    inside = (windows < windows_of_lane)[:, None] & is_channel[None, :]
    stamp, place = windows // (high * wide), windows % (high * wide)
    stamps = windows_of_lane // (high * wide)
    own_scale = tl.load(scale + lane * CHANNELS + channels, mask=is_channel, other=0.0)
    own_shift = tl.load(shift + lane * CHANNELS + channels, mask=is_channel, other=0.0)
    best, _, _ = largest(values + lane * stamps * (HEIGHT * WIDTH * CHANNELS), own_scale, own_shift, stamp,
                         place // wide * SIDE, place % wide * SIDE, channels, inside,
                         HEIGHT, WIDTH, CHANNELS, SIDE, SUM, ROWS, COLUMNS)  # fmt: skip
    if MASKED:
        best *= tl.load(mask + (lane * stamps + stamp)[:, None] * CHANNELS + channels[None, :],
                        mask=inside, other=0.0)  # fmt: skip
    if RELU:
        best = tl.where(best < 0, 0.0, best)
    place_out = (lane * windows_of_lane + windows)[:, None] * CHANNELS + channels[None, :]
    tl.store(out + place_out, best.to(out.dtype.element_ty), mask=inside)


@triton.jit
def pooled_gradient(values, scale, shift, mask, gradient, mean, rate, sums, products, means, found,
                    windows_of_lane, HEIGHT: tl.constexpr, WIDTH: tl.constexpr, CHANNELS: tl.constexpr,
                    SIDE: tl.constexpr, MASKED: tl.constexpr, RELU: tl.constexpr, SUM: tl.constexpr,
                    WRITE: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr):  # fmt: skip
    """Backward of `normalise_and_pool`, in two passes over windows, those that are cut off among them.

    The first, without WRITE, sums a block's gradients of normalised values, and their products with these;
    the second has the means of both, and writes the gradient of the values before. `rate` is one over the
    standard deviation. Programs: blocks of windows, lanes, blocks of channels.
    """
    high: tl.constexpr = (HEIGHT + SIDE - 1) // SIDE
    wide: tl.constexpr = (WIDTH + SIDE - 1) // SIDE
    lane = tl.program_id(1).to(tl.int64)
    windows = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    channels = tl.program_id(2) * COLUMNS + tl.arange(0, COLUMNS)
    is_window, is_channel = windows < windows_of_lane, channels < CHANNELS
    stamp, place = windows // (high * wide), windows % (high * wide)
    stamps = windows_of_lane // (high * wide)
    row, column = place // wide, place % wide
    whole = is_window & (row < HEIGHT // SIDE) & (column < WIDTH // SIDE)
    inside = whole[:, None] & is_channel[None, :]
    own = lane * CHANNELS + channels
    own_scale = tl.load(scale + own, mask=is_channel, other=0.0)
    own_shift = tl.load(shift + own, mask=is_channel, other=0.0)
    own_mean = tl.load(mean + own, mask=is_channel, other=0.0)
    own_rate = tl.load(rate + own, mask=is_channel, other=0.0)
    values += lane * stamps * (HEIGHT * WIDTH * CHANNELS)
    best, before, which = largest(values, own_scale, own_shift, stamp, row * SIDE, column * SIDE, channels,
                                  inside, HEIGHT, WIDTH, CHANNELS, SIDE, SUM, ROWS, COLUMNS)  # fmt: skip
    pooled = (lane * stamps + stamp) * ((HEIGHT // SIDE) * (WIDTH // SIDE)) + row * (WIDTH // SIDE) + column
    back = tl.load(gradient + pooled[:, None] * CHANNELS + channels[None, :], mask=inside, other=0.0).to(SUM)
    if MASKED:
        own_mask = tl.load(mask + (lane * stamps + stamp)[:, None] * CHANNELS + channels[None, :],
                           mask=inside, other=0.0)  # fmt: skip
        back *= own_mask
    if RELU:
        back = tl.where(best <= 0, 0.0, back)
    if WRITE:
        mean_gradient = tl.load(means + own * 2, mask=is_channel, other=0.0)
        mean_product = tl.load(means + own * 2 + 1, mask=is_channel, other=0.0)
        found += lane * stamps * (HEIGHT * WIDTH * CHANNELS)
        for number in tl.static_range(SIDE * SIDE):
            below, beside = row * SIDE + number // SIDE, column * SIDE + number % SIDE
            there = (is_window & (below < HEIGHT) & (beside < WIDTH))[:, None] & is_channel[None, :]
            pixel = ((stamp * HEIGHT + below) * WIDTH + beside)[:, None] * CHANNELS + channels[None, :]
            value = tl.load(values + pixel, mask=there, other=0.0).to(SUM)
            normal = (value - own_mean[None, :]) * own_rate[None, :]
            chosen = tl.where(which == number, back, 0.0)
            given = own_scale[None, :] * (chosen - mean_gradient[None, :] - normal * mean_product[None, :])
            tl.store(found + pixel, given.to(found.dtype.element_ty), mask=there)
    else:
        normal = (before - own_mean[None, :]) * own_rate[None, :]
        back = tl.where(inside, back, 0.0)
        place_out = (lane * tl.num_programs(0) + tl.program_id(0)) * CHANNELS + channels
        tl.store(sums + place_out, tl.sum(back, axis=0), mask=is_channel)
        tl.store(products + place_out, tl.sum(back * normal, axis=0), mask=is_channel)
