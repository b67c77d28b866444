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


def test_asinh_by_hand():
    """The MAD is 0, so that the deviation s is taken: from -3 s to 1, asinh(1) where the pixels are 0."""
    triplet = np.zeros((3, 21, 21))
    triplet[:, 10, 10] = 1
    sigma = triplet[0].std()
    expected = np.arcsinh(1) / np.arcsinh((1 + 3 * sigma) / (3 * sigma))
    grey, _ = drawn(triplet, "asinh")
    assert grey[0, 0] == pytest.approx(255 * expected, abs=0.5)
    assert grey[10, 10] == 255
