"""Cutouts of any size as arrays: preprocessed as packets are, and scored without torch."""

import subprocess
import sys

import numpy as np
import pytest

from alert_packets import images
from stampshift.core.errors import ContractError
from stampshift.release.released import OUT_OF_DISTRIBUTION
from stampshift.stamps.cropping import central_crop
from stampshift.stamps.preprocessing import Counts, normalise_and_fill
from stampshift.stamps.raw_triplets import InvalidPixels


def cutouts(count=3, side=31):
    """(count, side, side) of each kind."""
    return [
        np.stack(kind) for kind in zip(*(images(number, side=side) for number in range(count)), strict=True)
    ]


def by_hand(model, *kinds):
    """Scores of cutouts that were cropped, normalised and filled here."""
    crops = np.stack(
        [[central_crop(image, size_pixels=21) for image in triplet] for triplet in zip(*kinds, strict=True)]
    )
    settings = {"normalisation": "channel", "invalid": InvalidPixels(), "counts": Counts()}
    return model.score_stamps(normalise_and_fill(crops.astype(np.float32), **settings))


@pytest.mark.parametrize("side", [21, 31, 64])
def test_raw_cutouts_have_the_scores_of_their_stamps(adapted_release, side):
    kinds = cutouts(side=side)
    table, expected = adapted_release.score(*kinds), by_hand(adapted_release, *kinds)
    for name in ("score", "similarity", "distance"):
        np.testing.assert_array_equal(table[name], getattr(expected, name))
        assert table[name].dtype == np.float32
    far = expected.distance > adapted_release.limit("B")
    assert table["flag"].tolist() == [OUT_OF_DISTRIBUTION if each else "" for each in far]
    assert table["reason"].tolist() == ["", "", ""]


def test_nan_a_mask_and_the_marks_of_the_survey_are_the_same_invalid_pixels(adapted_release):
    """B has -31415 for a masked pixel; the model was made for B."""
    template, science, difference = cutouts()
    marked, gaps = science.copy(), science.copy()
    marked[0, 14:17, 15], gaps[0, 14:17, 15] = -31415, np.nan
    masked = np.ma.array(science.astype(np.float64), mask=np.isnan(gaps))
    tables = [adapted_release.score(template, each, difference) for each in (gaps, marked, masked)]
    assert tables[0].equals(tables[1]) and tables[0].equals(tables[2])
    assert tables[0]["score"][0] == by_hand(adapted_release, template, gaps, difference).score[0]
    other = adapted_release.score(template, marked, difference, survey="A")  # to which the mark is a pixel
    assert other["distance"][0] != tables[0]["distance"][0]


def test_integers_and_images_of_several_sizes_are_taken(adapted_release):
    """A masked array of integers has no NaN of its own."""
    counts = [np.ma.array(image.astype(">i4"), mask=image < -1e9) for image in images(1, side=41)]
    small, large = images(0, side=25), counts
    table = adapted_release.score(*([one, two] for one, two in zip(small, large, strict=True)))
    assert table["score"].notna().all()


def test_what_cannot_be_scored_has_a_flag_and_a_reason_in_its_row(adapted_release):
    template, science, difference = cutouts(4)
    science[1] = np.nan
    template[2], science[2], difference[2] = 5.0, 7.0, 2.0
    table = adapted_release.score(template, science, difference)
    assert table["score"].notna().tolist() == [True, False, False, True]
    assert table["flag"].tolist()[1:3] == ["no valid pixel", "no information"]
    assert "central 21 x 21, found none in science" in table["reason"][1]
    small = adapted_release.score(*(kind[:, :15, :15] for kind in cutouts(1)))
    assert (small["flag"][0], np.isnan(small["score"][0])) == ("too small", True)
    assert (
        adapted_release.score(*(kind[:0] for kind in cutouts(1))).columns.tolist() == table.columns.tolist()
    )


def test_arrays_that_do_not_go_together_are_refused_with_what_to_do(adapted_release):
    template, science, difference = cutouts()
    with pytest.raises(
        ContractError, match=r"science: expected \(candidates, height, width\), found one image"
    ):
        adapted_release.score(template, science[0], difference)
    with pytest.raises(ContractError, match="found 3 of template, 2 of science, 3 of difference"):
        adapted_release.score(template, science[:2], difference)
    with pytest.raises(ContractError, match="one of the surveys A, B, ZTF, Rubin, ATLAS, PGIR, found 'LSST'"):
        adapted_release.score(template, science, difference, survey="LSST")


def test_no_torch_is_imported_to_score_cutouts(adapted_release):
    code = (
        "import sys, numpy as np, stampshift\n"
        f"model = stampshift.load({str(adapted_release.folder)!r})\n"
        "kinds = np.random.default_rng(0).normal(size=(3, 2, 31, 31))\n"
        "assert model.score(*kinds)['score'].between(0, 1).all()\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
