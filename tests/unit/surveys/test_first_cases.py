import pickle

import numpy as np
import pytest

from stampshift.core.errors import ArchiveError
from stampshift.stamps.preprocessing import Preprocessing, preprocess
from stampshift.stamps.raw_triplets import InvalidPixels
from stampshift.surveys.first_cases import first_cases

PREPROCESSING = Preprocessing(
    size_pixels=5,
    normalisation="channel",
    invalid=InvalidPixels(equals=-31415.0),
    classes={"kast": "real"},
    unlabelled="drop",
)
# what is invalid in each candidate's difference; the first is not square, and dropped
MARKS = {
    "a0": np.s_[:],
    "a1": np.s_[:0],
    "a2": np.s_[0, 0],
    "a3": np.s_[4, 4],
    "a4": np.s_[:],
    "a5": np.s_[:0],
}


def counts(*, filled, empty):
    zero = {"template": 0, "science": 0}
    return {"filled_stamps": zero | {"difference": filled}, "empty": zero | {"difference": empty}}


@pytest.fixture
def archive(tmp_path):
    records = []
    for row, (name, mark) in enumerate(MARKS.items()):
        science, difference = np.random.default_rng(row).normal(size=(2, 9, 9)).astype("f4")
        difference[mark] = -31415
        height = slice(None, 8) if name == "a0" else slice(None)
        record = {"id": name, "label": "kast", "science": science[height], "difference": difference[height]}
        # without its own, ATLAS' template is computed, and invalid with the difference
        records.append(record)
    path = tmp_path / "atlas.pkl"
    path.write_bytes(pickle.dumps(records))
    return path


def read(path, **promised):
    return first_cases(
        [path], survey="S", reader="atlas", options={}, preprocessing=PREPROCESSING, counts=counts(**promised)
    )


def test_the_first_of_each_case_that_is_kept(archive):
    found = read(archive, filled=2, empty=1)
    # a2 is invalid beyond the crop only
    assert {case: triplet.identifier for case, (triplet, _) in found.items()} == {
        "ordinary": "a1", "filled": "a3", "extreme": "a4",
    }  # fmt: skip
    for triplet, block in found.values():
        np.testing.assert_array_equal(block.stamps, preprocess([triplet], PREPROCESSING).stamps)


def test_nothing_is_read_beyond_what_the_counts_promise(archive, decoded_by_atlas):
    for promised, last in (
        ({"filled": 0, "empty": 0}, "a1"),
        ({"filled": 1, "empty": 0}, "a3"),
        ({"filled": 2, "empty": 2}, "a4"),
    ):
        decoded_by_atlas.clear()
        read(archive, **promised)
        assert decoded_by_atlas[-1] == last


def test_a_damaged_archive_is_named(tmp_path):
    path = tmp_path / "atlas.pkl"
    path.write_bytes(b"no pickle")
    with pytest.raises(ArchiveError, match=r"^S: .*atlas\.pkl"):
        read(path, filled=0, empty=0)
