from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from stampshift.review.images import STRETCHES, triplet_png


def drawn(triplet, stretch):
    """Grey values and opacity, uint8 (height, width) each."""
    image = Image.open(BytesIO(triplet_png(triplet.astype(np.float32), stretch)))
    assert image.mode == "LA"
    values = np.asarray(image)
    return values[..., 0], values[..., 1]


@pytest.mark.parametrize("stretch", STRETCHES)
def test_three_stamps_side_by_side_first_row_at_the_bottom(stretch):
    triplet = np.random.default_rng(0).normal(size=(3, 21, 21))
    for channel in range(3):
        triplet[channel, 0, channel] = 100  # first row
    grey, opaque = drawn(triplet, stretch)
    assert grey.shape == (21, 3 * 21 + 4)
    assert (opaque[:, [21, 22, 44, 45]] == 0).all()
    assert opaque.mean() == pytest.approx(255 * 63 / 67)
    for channel in range(3):
        assert grey[20, 23 * channel + channel] == 255


@pytest.mark.parametrize("stretch", STRETCHES)
def test_a_constant_image_is_black(stretch):
    grey, _ = drawn(np.full((3, 21, 21), 7.0), stretch)
    assert (grey == 0).all()


def test_asinh_keeps_the_order_where_zscale_saturates():
    triplet = np.random.default_rng(0).normal(size=(3, 21, 21))
    triplet[:, 10, 8:12] = [50, 200, 1000, 5000]
    zscale, asinh = (drawn(triplet, stretch)[0][10, 8:12] for stretch in ("zscale", "asinh"))
    assert (zscale == 255).all()
    assert (np.diff(asinh.astype(int)) > 20).all()
    assert asinh[3] == 255


@pytest.mark.parametrize("stretch", ["zscale", "asinh"])
def test_a_shared_stretch_has_the_same_limits_for_all_three(stretch):
    triplet = np.random.default_rng(0).normal(size=(3, 21, 21))
    triplet[1] *= 10
    triplet[2, 4, 4], triplet[1, 4, 4] = 20 + np.median(triplet[2]), 20 + np.median(triplet[1])
    triplet[1] += 1000  # the sky, which each image is taken above
    each, shared = (drawn(triplet, name)[0] for name in (stretch, f"{stretch}-shared"))
    place = (21 - 1 - 4, 4)
    science, difference = 23, 46
    assert shared[place[0], science + 4] == shared[place[0], difference + 4]
    assert each[place[0], science + 4] != each[place[0], difference + 4]
    # the science's noise is ten times that of the template
    assert shared[:, :21].astype(int).std() < 0.5 * shared[:, science : science + 21].astype(int).std()


@pytest.mark.parametrize("stretch", STRETCHES)
def test_pixels_that_are_not_there_are_transparent_and_change_no_other(stretch):
    triplet = np.random.default_rng(0).normal(size=(3, 21, 21)).astype(np.float32)
    holes = triplet.copy()
    holes[:, 0, :5] = np.nan
    holes[2] = np.nan
    grey, opaque = drawn(holes, stretch)
    assert (opaque[20, :5] == 0).all()
    assert (opaque[:20, :21] == 255).all()
    assert (opaque[:, 46:] == 0).all()
    assert (grey[opaque == 0] == 0).all()


def test_asinh_by_hand():
    """The MAD is 0, so that the deviation s is taken: from -3 s to 1, asinh(1) where the pixels are 0."""
    triplet = np.zeros((3, 21, 21))
    triplet[:, 10, 10] = 1
    sigma = triplet[0].std()
    expected = np.arcsinh(1) / np.arcsinh((1 + 3 * sigma) / (3 * sigma))
    grey, _ = drawn(triplet, "asinh")
    assert grey[0, 0] == pytest.approx(255 * expected, abs=0.5)
    assert grey[10, 10] == 255
