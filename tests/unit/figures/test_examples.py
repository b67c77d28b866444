import numpy as np
import pytest

from stampshift.errors import ContractError
from stampshift.figures.examples import class_examples, example_rows, preprocessing_examples
from stampshift.stamps import RawTriplet, Stamps, stamps_writer

CLASSES = ["cr", "kast", "kast", "real", "kast", "kast", "kast", "cr"]


@pytest.fixture
def stamps(tmp_path) -> Stamps:
    """Eight stamps; the mean of a stamp's channel is 10 x its row + the channel."""
    noise = np.random.default_rng(0).normal(size=(8, 3, 5, 5)).astype(np.float32)
    noise -= noise.mean(axis=(2, 3), keepdims=True)
    offsets = 10 * np.arange(8)[:, None] + np.arange(3)
    with stamps_writer(tmp_path / "stamps.h5", survey="S", size_pixels=5) as writer:
        writer.append(
            noise + offsets[:, :, None, None].astype(np.float32),
            labels=[int(name != "cr") for name in CLASSES],
            classes=CLASSES,
            ids=[str(row) for row in range(8)],
            groups=[""] * 8,
        )
    return Stamps.open(tmp_path / "stamps.h5")


def shown(figure):
    """Mean of every image, by axes, in the order of the axes."""
    return [round(float(axes.images[0].get_array().mean())) for axes in figure.axes if axes.images]


def names(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def test_examples_are_spread_evenly_and_always_the_same(stamps):
    assert example_rows(stamps.classes, name="kast", count=3).tolist() == [1, 4, 6]
    assert example_rows(stamps.classes, name="kast", count=1).tolist() == [1]
    assert example_rows(stamps.classes, name="cr", count=5).tolist() == [0, 7]


def test_a_row_per_class_reals_first_with_all_channels(stamps):
    figure = class_examples(stamps, per_class=2, simulated=True)
    assert len(figure.axes) == 3 * 6
    kast = [10, 11, 12, 60, 61, 62]
    real = [30, 31, 32]  # one stamp alone: the rest of the row is empty
    cosmic_rays = [0, 1, 2, 70, 71, 72]
    assert shown(figure) == kast + real + cosmic_rays


def test_names_channels_and_title(stamps):
    figure = class_examples(stamps, per_class=2, simulated=True)
    assert names(figure) == ["kast\n(real)", "real", "cr\n(bogus)"]
    titles = [axes.get_title() for axes in figure.axes]
    assert titles[:6] == ["template", "science", "difference"] * 2
    assert set(titles[6:]) == {""}
    assert figure.get_suptitle() == "Classes of S (simulated surveys)"


def test_stamps_are_square_and_inside_the_figure(stamps):
    figure = class_examples(stamps, per_class=3, simulated=False)
    width, height = figure.get_size_inches()
    for axes in figure.axes:
        box = axes.get_position()
        assert box.width * width == pytest.approx(box.height * height)
        assert box.x0 > 0
        assert box.x1 <= 1
        assert box.y0 >= 0
        assert box.y1 < 1


def test_raw_and_preprocessed_side_by_side():
    generator = np.random.default_rng(0)
    images = tuple(generator.normal(size=(3, 9, 9)).astype(np.float32))
    images[0][:2] = np.nan
    triplet = RawTriplet(images, "kast", "x", "")
    processed = generator.normal(size=(1, 3, 5, 5)).astype(np.float32)
    figure = preprocessing_examples([triplet], processed, survey="S", simulated=False)
    sizes = [axes.images[0].get_array().shape for axes in figure.axes]
    assert sizes == [(9, 9)] * 3 + [(5, 5)] * 3
    assert figure.axes[0].images[0].get_array().mask.sum() == 18
    np.testing.assert_allclose(figure.axes[5].images[0].get_array(), processed[0, 2])
    assert names(figure) == ["kast"]
    assert figure.get_suptitle() == "S, as published and preprocessed"


def test_an_image_without_a_valid_pixel_is_blank():
    blank = np.full((5, 5), np.nan, np.float32)
    triplet = RawTriplet((blank, blank, blank), "cr", "x", "")
    figure = preprocessing_examples(
        [triplet], np.zeros((1, 3, 5, 5), np.float32), survey="S", simulated=False
    )
    assert figure.axes[0].images[0].get_array().mask.all()


def test_triplets_without_their_stamps_are_refused():
    with pytest.raises(ContractError, match=r"S: expected the same triplets .* found 0 and 1"):
        preprocessing_examples([], np.zeros((1, 3, 5, 5), np.float32), survey="S", simulated=False)
