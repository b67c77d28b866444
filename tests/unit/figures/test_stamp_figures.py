import numpy as np
import pandas as pd
import pytest

from stampshift.core.errors import ContractError
from stampshift.figures.stamp_figures import (
    class_examples,
    error_gallery,
    example_rows,
    preprocessing_examples,
)
from stampshift.stamps.file import Stamps
from stampshift.stamps.preprocessing import Preprocessing, preprocess
from stampshift.stamps.raw_triplets import InvalidPixels, RawTriplet
from stampshift.stamps.writer import stamps_writer

RULE = InvalidPixels(equals=-31415.0)
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
    figure = class_examples(stamps, per_class=2)
    assert len(figure.axes) == 3 * 6
    kast = [10, 11, 12, 60, 61, 62]
    real = [30, 31, 32]  # one stamp alone: the rest of the row is empty
    cosmic_rays = [0, 1, 2, 70, 71, 72]
    assert shown(figure) == kast + real + cosmic_rays


def test_names_channels_and_title(stamps):
    figure = class_examples(stamps, per_class=2)
    assert names(figure) == ["kast\n(real)", "real", "cr\n(bogus)"]
    titles = [axes.get_title() for axes in figure.axes]
    assert titles[:6] == ["template", "science", "difference"] * 2
    assert set(titles[6:]) == {""}
    assert figure.get_suptitle() == "Classes of S"


def test_stamps_are_square_and_inside_the_figure(stamps):
    figure = class_examples(stamps, per_class=3)
    width, height = figure.get_size_inches()
    for axes in figure.axes:
        box = axes.get_position()
        assert box.width * width == pytest.approx(box.height * height)
        assert box.x0 > 0
        assert box.x1 * width < width - 0.02
        assert box.y0 * height > 0.02
        assert box.y1 < 1


def preprocessed(*survey_classes, **changes):
    """Figure of triplets of some classes whose template has invalid pixels in its corner."""
    generator = np.random.default_rng(0)
    triplets = []
    for row, survey_class in enumerate(survey_classes):
        images = generator.normal(size=(3, 9, 9)).astype(np.float32)
        images[0, :2, 0] = np.nan
        images[0, :2, 1] = -31415
        triplets.append(RawTriplet(tuple(images), survey_class, str(row), ""))
    block = preprocess(
        triplets,
        Preprocessing(
            size_pixels=5,
            unlabelled="drop",
            normalisation="channel",
            invalid=RULE,
            classes={"kast": "real", "bogus": "bogus"},
        ),
    )
    options = {"invalid": RULE, "survey": "S"} | changes
    return triplets, block, preprocessing_examples(triplets, block, **options)


def test_raw_and_preprocessed_side_by_side():
    triplets, block, figure = preprocessed("kast", "bogus")
    images = [axes.images[0].get_array() for axes in figure.axes]
    assert [image.shape for image in images] == ([(9, 9)] * 3 + [(5, 5)] * 3) * 2
    for row, triplet in enumerate(triplets):
        for channel in range(3):
            raw, stamp = images[6 * row + channel], images[6 * row + 3 + channel]
            np.testing.assert_array_equal(raw.compressed(), triplet.images[channel][~raw.mask])
            np.testing.assert_array_equal(stamp, block.stamps[row, channel])


def test_rows_show_class_and_label_and_the_title_survey_and_simulation():
    *_, figure = preprocessed("kast", "bogus")
    assert names(figure) == ["kast\n(real)", "bogus"]
    assert figure.get_suptitle() == "Triplets of S"


def test_published_and_preprocessed_have_a_heading_above_each():
    *_, figure = preprocessed("kast", "bogus")
    places = {text.get_text(): text.get_position()[0] for text in figure.texts}
    assert places["as published"] == figure.axes[0].get_position().x0
    assert places["preprocessed"] == figure.axes[3].get_position().x0


def test_a_legend_says_what_blue_is_where_there_is_any(stamps):
    *_, figure = preprocessed("kast")
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["invalid pixels"]
    (patch,) = legend.get_patches()
    template = figure.axes[0].images[0]
    assert patch.get_facecolor() == pytest.approx(template.cmap.get_bad())
    *_, whole = preprocessed("kast", invalid=InvalidPixels(equals=0.0))
    assert len(whole.legends) == 1  # a NaN is never a pixel
    assert not class_examples(stamps, per_class=1).legends


def test_invalid_pixels_of_raw_images_have_their_own_colour():
    *_, figure = preprocessed("kast")
    template = figure.axes[0].images[0]
    expected = np.zeros((9, 9), bool)
    expected[:2, :2] = True
    np.testing.assert_array_equal(template.get_array().mask, expected)
    colours = template.to_rgba(template.get_array())
    greys = np.ptp(colours[..., :3], axis=-1) == 0
    np.testing.assert_array_equal(greys, ~expected)


def test_titles_of_high_and_low_figures_are_as_far_from_the_top():
    distances = []
    for count in (1, 8):
        *_, figure = preprocessed(*["kast"] * count)
        distances.append((1 - figure._suptitle.get_position()[1]) * figure.get_figheight())
    assert distances[0] == pytest.approx(distances[1])


def test_an_image_without_a_valid_pixel_is_masked_as_a_whole():
    *_, figure = preprocessed("kast", invalid=InvalidPixels(magnitude_above=0.0))
    assert figure.axes[0].images[0].get_array().mask.all()


def test_triplets_other_than_those_preprocessed_are_refused():
    triplets, block, _ = preprocessed("kast", "kast")
    with pytest.raises(ContractError, match=r"S: expected the same triplets .* found 1 and 2"):
        preprocessing_examples(triplets[:1], block, invalid=RULE, survey="S")


@pytest.fixture
def errors():
    return pd.DataFrame(
        {
            "kind": ["false positive", "false positive"],
            "row": [5, 8],
            "class": ["ghost", "ghost"],
            "id": ["A-5", "A-8"],
            "score": [0.98765, 0.7],
        }
    )


@pytest.fixture
def gallery(errors, surveys):
    return error_gallery(errors, surveys["A"], per_kind=3, model="MME")


def test_triplets_are_the_stamps_of_the_errors(gallery, surveys):
    shown = [axes.images[0].get_array() for axes in gallery.axes if axes.images]
    assert len(shown) == 6
    np.testing.assert_allclose(shown[:3], surveys["A"].stamps[5])
    np.testing.assert_allclose(shown[3:], surveys["A"].stamps[8])


def test_class_identifier_and_score_are_under_a_triplet(gallery):
    texts = [text.get_text() for axes in gallery.axes for text in axes.texts]
    assert texts == ["ghost, A-5, score 0.9877", "ghost, A-8, score 0.7"]


def test_a_kind_without_errors_says_so(gallery):
    headings = [text.get_text() for text in gallery.texts]
    assert headings[:2] == ["bogus called real: the most confident first", "real called bogus: none"]
    assert gallery.get_suptitle() == "Worst errors on A: MME"
