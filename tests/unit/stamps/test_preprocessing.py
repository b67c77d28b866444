import itertools
import warnings

import numpy as np
import pytest

from stampshift.core.errors import ArchiveError
from stampshift.stamps.preprocessing import (
    Counts,
    Preprocessing,
    normalise_and_fill,
    preprocess,
    without_information,
)
from stampshift.stamps.raw_triplets import InvalidPixels, RawTriplet, Unusable

NONE = InvalidPixels()
CLASSES = {"kast": "real", "burn": "bogus"}
ZERO = {"template": 0, "science": 0, "difference": 0}


def triplet(*images, survey_class="kast", identifier="a", group="g"):
    template, science, difference = (np.asarray(image, "f4") for image in (images * 3)[:3])
    return RawTriplet((template, science, difference), survey_class, identifier, group)


def settings(size_pixels, *, normalisation="channel", invalid=NONE, unlabelled="drop"):
    return Preprocessing(size_pixels, normalisation, invalid, CLASSES, unlabelled)


def stamps_of(*images, size_pixels, invalid=NONE, normalisation="channel"):
    block = preprocess(
        [triplet(*images)], settings(size_pixels, normalisation=normalisation, invalid=invalid)
    )
    return block.stamps[0], vars(block.counts)


def ramp(size):
    return np.arange(size * size, dtype="f4").reshape(size, size)


def test_pixels_are_normalised_by_the_population_deviation():
    (template, _, _), counts = stamps_of([[1, 2], [3, 6]], size_pixels=2)
    # mean 3, deviations -2 -1 0 3, variance 14 / 4
    np.testing.assert_allclose(template, np.array([[-2, -1], [0, 3]]) / np.sqrt(3.5), rtol=1e-6)
    assert template.dtype == np.float32
    assert counts["filled_pixels"] == counts["constant"] == counts["empty"] == ZERO


@pytest.mark.parametrize(
    ("mark", "invalid"),
    [
        (np.nan, NONE),
        (np.inf, NONE),
        (-np.inf, NONE),
        (-31415.0, InvalidPixels(equals=-31415.0)),
        (-3.4028235e38, InvalidPixels(magnitude_above=1e30)),
        (1e30, InvalidPixels(magnitude_above=1e30)),
        (1e-30, InvalidPixels(nonzero_below=1e-29)),
        (-1e-30, InvalidPixels(nonzero_below=1e-29)),
    ],
)
def test_invalid_pixels_are_left_out_and_filled_by_the_median(mark, invalid):
    image = [[0, 4, mark], [8, 0, 0], [0, 0, 12]]
    (template, science, difference), counts = stamps_of(image, image, ramp(3), size_pixels=3, invalid=invalid)
    # eight valid pixels: mean 3, deviations -3 (five times), 1, 5, 9, variance (45 + 1 + 25 + 81) / 8 = 19
    expected = np.array([[-3, 1, -3], [5, -3, -3], [-3, -3, 9]]) / np.sqrt(19)
    np.testing.assert_allclose(template, expected, rtol=1e-6)
    np.testing.assert_allclose(science, expected, rtol=1e-6)
    assert np.isfinite(difference).all()
    assert counts["filled_pixels"] == {"template": 1, "science": 1, "difference": 0}
    assert counts["filled_stamps"] == {"template": 1, "science": 1, "difference": 0}


def test_median_of_an_even_number_of_valid_pixels_is_their_middle():
    (template, _, _), _ = stamps_of([[1, 2], [np.nan, np.nan]], ramp(2), size_pixels=2)
    np.testing.assert_allclose(template, [[-1, 1], [0, 0]])


def test_exact_zero_is_a_pixel():
    rule = InvalidPixels(nonzero_below=1e-29)
    np.testing.assert_array_equal(
        rule.mask(np.array([0.0, -0.0, 1e-30, 2e-29], "f4")), [False, False, True, False]
    )


@pytest.mark.parametrize("value", [0.0, 1e-3, -7.7, 1e-30, 1e30, 50_000.1])
def test_constant_channel_becomes_zero(value):
    (template, science, _), counts = stamps_of(np.full((21, 21), value), ramp(21), ramp(21), size_pixels=21)
    np.testing.assert_array_equal(template, np.zeros((21, 21)))
    assert science.std() == pytest.approx(1, abs=1e-6)
    assert counts["constant"] == {"template": 1, "science": 0, "difference": 0}


def test_rounding_noise_on_a_constant_is_constant_but_one_real_pixel_is_not():
    noise = np.full((21, 21), 1e-3, "f4")
    noise[::2] = np.nextafter(np.float32(1e-3), np.float32(1))
    pixel = np.full((21, 21), 1e-3, "f4")
    pixel[3, 3] *= 1.001
    (template, science, _), counts = stamps_of(noise, pixel, pixel, size_pixels=21)
    np.testing.assert_array_equal(template, np.zeros((21, 21)))
    assert science[3, 3] == pytest.approx(np.sqrt(440), rel=1e-3)
    assert counts["constant"] == {"template": 1, "science": 0, "difference": 0}


def test_constant_channel_with_invalid_pixels_is_zero_throughout():
    (template, _, _), counts = stamps_of([[5, 5], [np.nan, 5]], ramp(2), size_pixels=2)
    np.testing.assert_array_equal(template, np.zeros((2, 2)))
    assert counts["constant"]["template"] == counts["filled_pixels"]["template"] == 1


def test_channel_without_a_valid_pixel_becomes_zero_and_counts_as_empty():
    (template, science, _), counts = stamps_of(np.full((2, 2), np.nan), ramp(2), ramp(2), size_pixels=2)
    np.testing.assert_array_equal(template, np.zeros((2, 2)))
    assert science.std() == pytest.approx(1)
    assert counts["empty"] == {"template": 1, "science": 0, "difference": 0}
    assert counts["constant"] == ZERO
    assert counts["filled_pixels"]["template"] == 4


def test_faint_and_bright_units_give_the_same_stamp():
    image = np.random.default_rng(1).normal(size=(21, 21))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (faint, bright, offset), _ = stamps_of(image * 1e-25, image * 1e25, image + 100, size_pixels=21)
    np.testing.assert_allclose(faint, bright, rtol=1e-5)
    np.testing.assert_allclose(offset, bright, atol=1e-4)


@pytest.mark.parametrize(
    ("size", "crop", "first", "last"),
    [
        (30, 21, 5, 25),
        (63, 21, 21, 41),
        (61, 21, 20, 40),
        (51, 21, 15, 35),
        (22, 21, 1, 21),
        (21, 21, 0, 20),
        (30, 30, 0, 29),
        (31, 30, 0, 29),
        (63, 20, 21, 40),
    ],
)
def test_centre_of_a_stamp_is_the_pixel_at_half_its_size(size, crop, first, last):
    image = ramp(size)
    window = image[first : last + 1, first : last + 1].astype("f8")
    (template, _, _), _ = stamps_of(image, size_pixels=crop)
    np.testing.assert_allclose(template, (window - window.mean()) / window.std(), atol=1e-6)
    assert first + crop // 2 == size // 2


def test_normalisation_and_counts_see_only_the_crop():
    image = ramp(5).astype("f4")
    image[0, 0], image[4, 4] = np.nan, 1e6
    (template, _, _), counts = stamps_of(image, size_pixels=3)
    window = ramp(5)[1:4, 1:4]
    np.testing.assert_allclose(template, (window - 12) / window.std(), atol=1e-6)
    assert counts["filled_pixels"] == ZERO


def test_unusable_triplets_are_dropped_and_counted_by_reason():
    square, large, flat, small = ramp(5), ramp(7), np.ones((5, 6)), ramp(4)
    triplets = [
        triplet(square, identifier="kept"),
        triplet(square, flat, square),
        triplet(flat),
        triplet(square, large, flat),
        triplet(square, large, square, survey_class="burn"),
        triplet(small),
        triplet(large, identifier="also", survey_class="burn"),
    ]
    block = preprocess(triplets, settings(5))
    assert block.ids == ["kept", "also"]
    assert vars(block.counts) == {
        "read": 7,
        "kept": 2,
        "dropped": {"non_square": 3, "ragged": 1, "too_small": 1},
        "classes_read": {"burn": 2, "kast": 5},
        "classes": {"burn": 1, "kast": 1},
        "labels": {"real": 1, "bogus": 1},
        "filled_pixels": ZERO,
        "filled_stamps": ZERO,
        "constant": ZERO,
        "empty": ZERO,
    }


def test_labels_classes_and_groups_follow_the_stamps():
    names = ["burn", "kast", "kast"]
    triplets = [
        triplet(ramp(3), survey_class=name, identifier=str(row), group=f"g{row}")
        for row, name in enumerate(names)
    ]
    block = preprocess(triplets, settings(3))
    np.testing.assert_array_equal(block.labels, np.array([0, 1, 1], np.uint8), strict=True)
    assert (block.classes, block.ids, block.groups) == (names, ["0", "1", "2"], ["g0", "g1", "g2"])


def test_channels_keep_their_order():
    template, science, difference = ramp(3), ramp(3).T, -ramp(3)
    stamps, _ = stamps_of(template, science, difference, size_pixels=3)
    for got, image in zip(stamps, (template, science, difference), strict=True):
        np.testing.assert_allclose(got, (image - image.mean()) / image.std(), rtol=1e-5)


def test_class_outside_the_map_is_refused_even_if_dropped():
    with pytest.raises(ArchiveError) as caught:
        preprocess([triplet(np.ones((1, 2)), survey_class="ghost")], settings(3))
    assert str(caught.value) == (
        "candidate a: expected a class of the config's map (burn, kast), found 'ghost'. Add it to the "
        "survey's `classes` as real or bogus."
    )


def test_nothing_kept_is_an_empty_block():
    block = preprocess([], settings(21))
    assert block.stamps.shape == (0, 3, 21, 21)
    assert block.labels.dtype == np.uint8


def test_a_stamp_does_not_depend_on_its_neighbours():
    rng = np.random.default_rng(3)
    pixels = rng.normal(size=(600, 3, 23, 23)).astype("f4")
    pixels[rng.random(pixels.shape) < 0.05] = np.nan
    triplets = [triplet(*images, identifier=str(row)) for row, images in enumerate(pixels)]
    together = preprocess(iter(triplets), settings(21))
    assert len(together.stamps) == 600
    for row in (0, 255, 256, 599):
        alone = preprocess([triplets[row]], settings(21))
        np.testing.assert_array_equal(together.stamps[row], alone.stamps[0])


def test_agrees_with_a_plain_computation_per_channel():
    rng = np.random.default_rng(4)
    pixels = (rng.normal(size=(40, 3, 9, 9)) * 10.0 ** rng.integers(-20, 20, (40, 3, 1, 1))).astype("f4")
    pixels[rng.random(pixels.shape) < 0.3] = -31415
    rule = InvalidPixels(equals=-31415.0)
    counts = Counts()
    got = normalise_and_fill(pixels, normalisation="channel", invalid=rule, counts=counts)
    for row, channel in itertools.product(range(40), range(3)):
        image = pixels[row, channel].astype("f8")
        valid = image != -31415
        expected = (image - image[valid].mean()) / image[valid].std()
        expected[~valid] = np.median(expected[valid])
        np.testing.assert_allclose(got[row, channel], expected, rtol=1e-5, atol=1e-6)
    assert sum(counts.filled_pixels.values()) == (pixels == -31415).sum()


def test_counts_add_up():
    counts = Counts(read=2)
    counts.dropped["ragged"] += 1
    other = Counts(read=3, kept=1)
    other.dropped["ragged"] += 2
    counts += other
    assert (counts.read, counts.kept, counts.dropped["ragged"]) == (5, 1, 3)


# ---- the scaling of Ayyar et al. (2022) -------------------------------------------------------------------


def by_difference(*images, invalid=NONE):
    return stamps_of(*images, size_pixels=len(images[0]), normalisation="difference_mad", invalid=invalid)


def test_all_images_are_divided_by_the_mad_sigma_of_the_difference_and_none_is_centred():
    difference = [[1, 2, 3], [4, 5, 6], [7, 8, 109]]
    # median 5, deviations 4 3 2 1 0 1 2 3 104, their median 2
    template, science = ramp(3) + 100, 7 * ramp(3)
    got, counts = by_difference(template, science, difference)
    for stamp, image in zip(got, (template, science, difference), strict=True):
        np.testing.assert_allclose(stamp, np.asarray(image) / (1.4826 * 2), rtol=1e-6)
    assert counts["constant"] == counts["filled_pixels"] == counts["empty"] == ZERO


def test_bright_pixels_are_held_at_thirty_sigmas():
    difference = np.array([[1, 2, 3], [4, 5, 6], [7, 8, 9]]) + 100.0  # sigma 1.4826 x 2
    template = np.array([[1e5, 60, 0], [-1e5, -60, 0], [0, 0, 0]])
    (first, _, last), counts = stamps_of(
        template, ramp(3), difference, size_pixels=3, normalisation="difference_mad_clipped"
    )
    sigma = 1.4826 * 2
    np.testing.assert_allclose(first[0], [30, 60 / sigma, 0], rtol=1e-6)
    np.testing.assert_allclose(first[1], [-30, -60 / sigma, 0], rtol=1e-6)
    assert last.max() == 30
    assert counts["constant"] == ZERO


def test_the_sigma_is_that_of_normal_noise():
    noise = np.random.default_rng(5).normal(scale=3.0, size=(51, 51))
    (_, _, difference), _ = by_difference(noise, noise, noise)
    assert difference.std() == pytest.approx(1, abs=0.03)


def test_invalid_pixels_do_not_count_for_the_sigma_and_take_their_channels_median():
    mark = 1e-30
    difference = [[-2, 0, 2], [mark, mark, mark], [-4, 0, 4]]
    # valid: -4 -2 0 0 2 4, median 0, deviations 0 0 2 2 4 4, median 2
    template = [[1, 2, 3], [4, 5, mark], [6, 7, 8]]
    (first, _, last), counts = by_difference(
        template, ramp(3), difference, invalid=InvalidPixels(nonzero_below=1e-29)
    )
    sigma = 1.4826 * 2
    np.testing.assert_allclose(last, np.array([[-2, 0, 2], [0, 0, 0], [-4, 0, 4]]) / sigma, rtol=1e-6)
    np.testing.assert_allclose(first[1], np.array([4, 5, 4.5]) / sigma, rtol=1e-6)
    assert counts["filled_pixels"] == {"template": 1, "science": 0, "difference": 3}


@pytest.mark.parametrize("spread", [0.0, 1e-12])
def test_a_difference_without_spread_leaves_the_triplet_in_its_units(spread):
    difference = np.full((3, 3), 0.25) + spread * ramp(3)
    (template, science, last), counts = by_difference(ramp(3), -ramp(3), difference)
    np.testing.assert_array_equal(template, ramp(3))
    np.testing.assert_array_equal(science, -ramp(3))
    np.testing.assert_allclose(last, 0.25)
    assert counts["constant"] == {"template": 0, "science": 0, "difference": 1}


def test_a_difference_without_a_valid_pixel_is_zero_and_counts_as_empty():
    (template, _, difference), counts = by_difference(ramp(3), ramp(3), np.full((3, 3), np.nan))
    np.testing.assert_array_equal(template, ramp(3))
    np.testing.assert_array_equal(difference, np.zeros((3, 3)))
    assert counts["empty"] == {"template": 0, "science": 0, "difference": 1}
    assert counts["constant"] == ZERO


def test_the_spread_agrees_with_a_plain_computation():
    rng = np.random.default_rng(6)
    pixels = (rng.normal(size=(30, 3, 9, 9)) + 3).astype("f4")
    pixels[rng.random(pixels.shape) < 0.2] = np.nan
    got = normalise_and_fill(pixels, normalisation="difference_mad", invalid=NONE, counts=Counts())
    for stamp, images in zip(got, pixels.astype("f8"), strict=True):
        sigma = 1.4826 * np.nanmedian(np.abs(images[2] - np.nanmedian(images[2])))
        expected = images / sigma
        for channel in expected:
            channel[np.isnan(channel)] = np.nanmedian(channel)
        np.testing.assert_allclose(stamp, expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("unlabelled", "ids", "labels"),
    [
        ("keep", ["a", "b", "d"], [1, 255, 0]),
        ("drop", ["a", "d"], [1, 0]),
        ("all", ["a", "b", "d"], [255, 255, 255]),
    ],
)
def test_unlabelled_triplets_are_kept_or_dropped_and_unusable_ones_counted(unlabelled, ids, labels):
    image = np.random.default_rng(0).normal(size=(5, 5))
    triplets = [
        triplet(image, identifier="a", survey_class="kast"),
        triplet(image, identifier="b", survey_class="unlabelled"),
        Unusable("missing cutout", "c", "c.avro: expected three images, found two."),
        triplet(image, identifier="d", survey_class="burn"),
        triplet(image[:4], identifier="e", survey_class="burn"),
    ]
    block = preprocess(triplets, settings(5, unlabelled=unlabelled))
    assert (block.ids, block.labels.tolist()) == (ids, labels)
    assert [each.identifier for each in block.dropped] == ["c", "e"]
    assert [each.detail for each in block.dropped] == ["c.avro: expected three images, found two.", ""]
    counts = vars(block.counts)
    dropped = {"non_square": 1, "ragged": 0, "too_small": 0, "missing cutout": 1}
    assert counts["dropped"] == dropped | ({"unlabelled": 1} if unlabelled == "drop" else {})
    assert (counts["read"], counts["kept"]) == (5, len(ids))
    assert unlabelled != "all" or set(block.classes) == {"unlabelled"}


@pytest.mark.parametrize("normalisation", ["channel", "difference_mad", "difference_mad_clipped"])
@pytest.mark.parametrize(
    "image",
    [np.zeros((3, 3)), np.full((3, 3), 1e9), np.full((3, 3), np.nan), np.full((3, 3), -5), [[-5, 7], [7, 7]]],
)
def test_three_constant_channels_are_no_information(image, normalisation):
    rules = settings(2, normalisation=normalisation, invalid=InvalidPixels(equals=-5.0))
    block = preprocess([triplet(image, identifier="flat"), triplet(ramp(3))], rules)
    assert (block.ids, block.counts.dropped["no information"]) == (["a"], 1)
    assert block.dropped == [Unusable("no information", "flat", "")]
    assert block.counts.constant == block.counts.empty == ZERO


def test_one_channel_that_varies_is_information_and_one_pixel_is_none():
    flat = np.zeros((3, 3))
    for images in itertools.permutations([flat, flat, ramp(3)]):
        assert preprocess([triplet(*images)], settings(3)).ids == ["a"]
    # what varies lies outside the crop
    edge = np.zeros((5, 5))
    edge[0, 0] = 1
    assert preprocess([triplet(edge)], settings(3)).counts.dropped["no information"] == 1
    assert preprocess([triplet([[1]], [[2]], [[3]])], settings(1)).counts.dropped["no information"] == 1


def test_scoring_can_ask_which_triplets_have_no_information():
    pixels = np.zeros((3, 3, 4, 4), "f4")
    pixels[1, 2, 0, 0] = 1
    pixels[2, 0, 0, 0] = np.nan
    assert without_information(pixels, invalid=NONE).tolist() == [True, False, True]


@pytest.mark.parametrize("name", ["identifier", "group"])
def test_an_endless_identifier_costs_its_candidate_alone(name):
    long = triplet(ramp(3), **{name: "x" * 1_000_000})
    block = preprocess([long, triplet(ramp(3), identifier="b" * 256)], settings(3))
    assert (block.ids, block.counts.dropped["long identifier"]) == (["b" * 256], 1)
    assert len(block.dropped[0].identifier) < 100
    assert "at most 256 characters" in block.dropped[0].detail
