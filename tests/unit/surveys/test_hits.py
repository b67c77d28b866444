import pickle

import numpy as np
import pytest

from stampshift.core.errors import ArchiveError
from stampshift.surveys import hits

RNG_SEED = 5


def chunk(rows, seed=RNG_SEED, **changes):
    rng = np.random.default_rng(seed)
    science, template = rng.normal(size=(2, rows, 441)).astype("f4")
    content = {
        "temp_images": template,
        "sci_images": science,
        "diff_images": science - template,
        "SNR_images": np.zeros((rows, 441), "f4"),
        "SNRs": np.ones(rows),
        "labels": np.arange(rows, dtype="f8") % 2,
        "features": np.zeros((rows, 56)),
    }
    return {name: value for name, value in (content | changes).items() if value is not None}


def read(path):
    return [triplet for unit in hits.units([path]) for triplet in hits.decode(unit)]


@pytest.mark.parametrize("name", ["all_chunks.tar.gz", "all_chunks.tar"])
@pytest.mark.parametrize("gzipped", [False, True])
def test_tar_of_chunks_from_python2_is_read(tmp_path, formats, gz, name, gzipped):
    chunks = {"chunk_0_5000": chunk(4), "chunk_1_5000": chunk(1, seed=6)}
    members = {"all_chunks/notes.txt": b"-"}
    for stem, content in chunks.items():
        pickled = formats.python2_pickle(content)
        members[f"all_chunks/{stem}.pkl" + ".gz" * gzipped] = gz(pickled) if gzipped else pickled
    path = formats.tar(tmp_path / name, members, "w:gz" if name.endswith("gz") else "w")
    triplets = read(path)
    assert [triplet.identifier for triplet in triplets] == [
        *(f"chunk_0_5000:{row}" for row in range(4)),
        "chunk_1_5000:0",
    ]
    assert [triplet.survey_class for triplet in triplets] == ["bogus", "real", "bogus", "real", "bogus"]
    assert {triplet.group for triplet in triplets} == {""}
    for position, key in enumerate(("temp_images", "sci_images", "diff_images")):
        expected = np.concatenate([content[key] for content in chunks.values()]).reshape(5, 21, 21)
        got = np.stack([triplet.images[position] for triplet in triplets])
        np.testing.assert_array_equal(got, expected, strict=True)


def test_units_hold_one_chunk_each_as_stored(tmp_path, formats):
    pickled = formats.python2_pickle(chunk(2))
    path = formats.tar(tmp_path / "all_chunks.tar.gz", {"all_chunks/chunk_7_5000.pkl": pickled}, "w:gz")
    (unit,) = hits.units([tmp_path])
    assert unit == (f"HiTS archive {path}, member all_chunks/chunk_7_5000.pkl", "chunk_7_5000", pickled)


def test_folder_of_chunks_is_read_in_natural_order(tmp_path, gz):
    for number in (10, 2):
        (tmp_path / f"chunk_{number}_5000.pkl.gz").write_bytes(gz(pickle.dumps(chunk(1), protocol=2)))
    assert [triplet.identifier for triplet in read(tmp_path)] == ["chunk_2_5000:0", "chunk_10_5000:0"]


def test_tar_takes_precedence_over_chunks_beside_it(tmp_path, formats):
    content = pickle.dumps(chunk(1))
    (tmp_path / "chunk_0_5000.pkl").write_bytes(content)
    path = formats.tar(tmp_path / "all_chunks.tar.gz", {"chunk_0_5000.pkl": content}, "w:gz")
    assert hits.files([tmp_path]) == [path]


def test_keys_may_be_bytes(tmp_path):
    content = {name.encode(): value for name, value in chunk(2).items()}
    (tmp_path / "chunk_0.pkl").write_bytes(pickle.dumps(content, protocol=2))
    assert len(read(tmp_path)) == 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"diff_images": None},
            "found no 'diff_images' among SNR_images, SNRs, features, labels, sci_images, temp_images",
        ),
        ({"labels": None}, "found no 'labels' among"),
        (
            {"sci_images": np.zeros((1, 441))},
            r"'sci_images' of shape \(2, 441\), as there are 2 labels, found \(1, 441\)",
        ),
        ({"temp_images": np.zeros((2, 400))}, r"'temp_images' of shape \(2, 441\), .* found \(2, 400\)"),
        ({"temp_images": 3}, r"'temp_images' of shape \(2, 441\), .* found 0 images"),
        ({"temp_images": np.full((2, 441), "x")}, r"'temp_images' of shape \(2, 441\), .* found \(2, 441\)"),
    ],
)
def test_chunk_of_wrong_content_is_refused(tmp_path, changes, message):
    path = tmp_path / "chunk_0.pkl"
    path.write_bytes(pickle.dumps(chunk(2, **changes)))
    with pytest.raises(ArchiveError, match=message) as caught:
        read(path)
    assert str(caught.value).startswith(f"HiTS archive {path}: expected")


@pytest.mark.parametrize(
    ("changes", "reason", "detail"),
    [
        (
            {"labels": np.array([0.0, 2.0])},
            "unknown label",
            "expected the labels 0 (bogus) and 1 (real), found 2.0",
        ),
        ({"labels": np.array([0.0, np.nan])}, "missing label", "found nan"),
        ({"labels": np.array([0, None], object)}, "missing label", "found None"),
        (
            {"sci_images": [np.zeros(441, "f4"), np.zeros(400, "f4")]},
            "wrong shape",
            "expected 441 pixels in 'sci_images', found another shape",
        ),
        ({"diff_images": [np.zeros(441, "f4"), None]}, "wrong shape", "'diff_images'"),
        ({"labels": np.array([0, [1, 2]], object)}, "unknown label", "found [1, 2]"),
    ],
)
def test_one_wrong_row_is_unusable(tmp_path, changes, reason, detail):
    path = tmp_path / "chunk_0.pkl"
    path.write_bytes(pickle.dumps(chunk(2, **changes)))
    whole, unusable = read(path)
    assert (whole.identifier, whole.survey_class) == ("chunk_0:0", "bogus")
    assert [image.shape for image in whole.images] == [(21, 21)] * 3
    assert (unusable.reason, unusable.identifier) == (reason, "chunk_0:1")
    assert unusable.detail.startswith(f"HiTS archive {path}, row 1: ")
    assert detail in unusable.detail


def test_chunk_that_is_not_a_dictionary_is_refused(tmp_path):
    (tmp_path / "chunk_0.pkl").write_bytes(pickle.dumps([1]))
    with pytest.raises(ArchiveError, match=r"expected a pickled dictionary with temp_images.* found list"):
        read(tmp_path)


def test_gzipped_chunk_cut_short_is_refused(tmp_path, gz):
    (tmp_path / "chunk_0.pkl.gz").write_bytes(gz(pickle.dumps(chunk(2)))[:-30])
    with pytest.raises(
        ArchiveError, match=r"chunk_0\.pkl\.gz: expected a complete gzipped chunk, found it cut short"
    ):
        read(tmp_path)


def test_missing_archive_says_which_file_to_put_where(tmp_path):
    with pytest.raises(ArchiveError) as caught:
        read(tmp_path)
    assert str(caught.value) == (
        f"HiTS archive: expected all_chunks.tar.gz or chunk_*.pkl in {tmp_path}, found none. Put "
        "all_chunks.tar.gz (or a folder of its chunks) there, or give its path in the config."
    )


def test_tar_without_chunks_is_refused(tmp_path, formats):
    formats.tar(tmp_path / "x.tar", {"readme.txt": b"-"})
    with pytest.raises(ArchiveError, match=r"x\.tar: expected members chunk_\*\.pkl, found none"):
        read(tmp_path)
