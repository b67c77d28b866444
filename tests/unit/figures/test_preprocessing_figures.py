import numpy as np
import pytest

from stampshift.figures.preprocessing_figures import extreme_case, preprocessing_steps
from stampshift.stamps.preprocessing import Preprocessing, preprocess
from stampshift.stamps.raw_triplets import InvalidPixels, RawTriplet

RULE = InvalidPixels(equals=-31415.0)
PREPROCESSING = Preprocessing(
    size_pixels=5, normalisation="channel", invalid=RULE, classes={"kast": "real"}, unlabelled="drop"
)


def case(mark):
    """A triplet of which some pixels are marked, and the same preprocessed."""
    images = np.random.default_rng(0).normal(100, 3, size=(3, 9, 9)).astype(np.float32)
    images[mark] = -31415
    triplet = RawTriplet(tuple(images), "kast", "K1", "")
    return triplet, preprocess([triplet], PREPROCESSING)


@pytest.fixture
def cases():
    corner = np.s_[2, :4, :4]  # 2 x 2 pixels of the crop
    return {"ordinary": case(np.s_[:0]), "filled": case(corner), "extreme": case(np.s_[0])}


def images(figure):
    return [axes.images[0].get_array() for axes in figure.axes]


def test_each_channel_goes_through_the_four_steps(cases):
    figure = preprocessing_steps(cases, invalid=RULE, survey="S")
    triplet, block = cases["filled"]
    published, cropped, normalised, filled = images(figure)[8:]  # of the difference
    np.testing.assert_array_equal(published.compressed(), triplet.images[2][triplet.images[2] != -31415])
    np.testing.assert_array_equal(cropped.mask, triplet.images[2][2:7, 2:7] == -31415)
    np.testing.assert_array_equal(normalised.mask, cropped.mask)
    assert normalised.compressed().mean() == pytest.approx(0, abs=1e-6)
    assert normalised.compressed().std() == pytest.approx(1, abs=1e-6)
    np.testing.assert_array_equal(filled, block.stamps[0, 2])
    assert set(filled[cropped.mask]) == {np.median(normalised.compressed())}


def test_steps_channels_and_numbers_are_named(cases):
    figure = preprocessing_steps(cases, invalid=RULE, survey="S")
    assert [axes.get_title() for axes in figure.axes[:4]] == [
        "1 filter: kept", "2 crop", "3 normalise", "4 fill",
    ]  # fmt: skip
    assert [axes.get_ylabel() for axes in figure.axes[::4]] == ["template", "science", "difference"]
    texts = [axes.get_xlabel() for axes in figure.axes[8:]]
    assert texts[0].startswith("9 x 9, 16 invalid\n")
    assert texts[1].startswith("5 x 5, 4 invalid\n")
    assert texts[2] == "5 x 5, 4 invalid\n0 ± 1"
    assert texts[3].startswith("5 x 5\n")
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["invalid pixels"]
    assert (
        figure.get_suptitle() == "S: preprocessing of K1, kast"
    )  # no parentheses: "(simulated surveys)" may follow


def test_a_survey_without_invalid_pixels_shows_an_ordinary_triplet(cases):
    figure = preprocessing_steps({"ordinary": cases["ordinary"]}, invalid=RULE, survey="S")
    assert not any(np.ma.getmaskarray(image).any() for image in images(figure))


def test_the_extreme_case_is_shown_with_its_empty_channel(cases):
    figure = extreme_case(cases, invalid=RULE, survey="S")
    shown = images(figure)
    assert shown[0].mask.all()
    assert not shown[3].any()  # the template's channel becomes 0
    np.testing.assert_array_equal(shown[4], cases["extreme"][1].stamps[0, 1])


def test_a_survey_without_extreme_case_says_so(cases):
    del cases["extreme"]
    figure = extreme_case(cases, invalid=RULE, survey="S")
    assert not figure.axes
    assert figure.get_suptitle() == "S: no extreme case"
    assert "No triplet that is kept has an empty channel." in [text.get_text() for text in figure.texts]
