import pickle
from dataclasses import replace

import numpy as np
import pytest

from stampshift.core.errors import ArchiveError
from stampshift.stamps.preprocessing import Preprocessing, preprocess
from stampshift.stamps.raw_triplets import InvalidPixels
from stampshift.surveys.making import first_examples

PREPROCESSING = Preprocessing(
    size_pixels=5,
    normalisation="channel",
    invalid=InvalidPixels(equals=-31415.0),
    classes={"burn": "bogus", "streak": "real", "kast": "real"},
    unlabelled="drop",
)
ORDER = ("burn", "kast", "burn", "kast", "kast", "streak", "burn", "kast")


@pytest.fixture
def archive(tmp_path):
    """Eight candidates of an ATLAS archive; row 1, the first kast, is not square."""
    generator = np.random.default_rng(0)
    records = []
    for row, label in enumerate(ORDER):
        science, difference = generator.normal(size=(2, 9, 9)).astype("f4")
        difference[4, 4] = -31415
        shape = slice(None, 8) if row == 1 else slice(None)
        records.append(
            {"id": f"a{row}", "label": label, "science": science[shape], "difference": difference[shape]}
        )
    path = tmp_path / "atlas.pkl"
    path.write_bytes(pickle.dumps(records))
    return path


def read(path, *, per_class=2, **changes):
    preprocessing = replace(PREPROCESSING, **changes)
    return first_examples(
        [path], survey="Mine", reader="atlas", options={}, preprocessing=preprocessing, per_class=per_class
    )


def test_first_of_every_class_reals_first_without_those_that_are_dropped(archive):
    triplets, block = read(archive)
    assert [triplet.identifier for triplet in triplets] == ["a3", "a4", "a5", "a0", "a2"]
    assert block.classes == ["kast", "kast", "streak", "burn", "burn"]
    assert block.labels.tolist() == [1, 1, 1, 0, 0]


def test_triplets_are_as_published_and_the_block_is_the_same_preprocessed(archive):
    triplets, block = read(archive)
    assert {image.shape for triplet in triplets for image in triplet.images} == {(9, 9)}
    assert triplets[0].images[2][4, 4] == -31415
    assert block.ids == [triplet.identifier for triplet in triplets]
    np.testing.assert_array_equal(block.stamps, preprocess(triplets, PREPROCESSING).stamps)
    assert block.counts.filled_pixels["difference"] == 5


def test_reading_stops_once_every_class_has_enough(archive, decoded_by_atlas):
    read(archive, per_class=1)
    assert decoded_by_atlas == [f"a{row}" for row in range(6)]  # a5 is the first streak


def test_class_outside_the_map_is_refused(archive):
    with pytest.raises(ArchiveError, match=r"^Mine: candidate a5: expected a class .* found 'streak'"):
        read(archive, classes={"burn": "bogus", "kast": "real"}, per_class=3)


def test_archive_of_which_nothing_is_kept_is_refused(archive):
    with pytest.raises(
        ArchiveError,
        match=r"^Mine: expected square triplets of at least 11 pixels in .*atlas\.pkl, found none",
    ):
        read(archive, size_pixels=11)
