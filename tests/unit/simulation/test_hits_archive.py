import pickle
import tarfile
import warnings

import numpy as np
import pytest

from stampshift.simulation.archive_plan import make_plan
from stampshift.simulation.hits_archive import write_archive


def chunks(folder):
    found = {}
    with tarfile.open(folder / "all_chunks.tar.gz") as archive, warnings.catch_warnings():
        # numpy says that its core has moved
        warnings.simplefilter("ignore", DeprecationWarning)
        for member in archive:
            if member.isfile():
                content = archive.extractfile(member).read()
                found[member.name] = pickle.loads(content, encoding="latin1")
    return found


def test_chunk_has_the_archives_keys_shapes_and_types(simulated):
    (chunk,) = chunks(simulated("HiTS", 30)).values()
    images = ("temp_images", "sci_images", "diff_images", "SNR_images")
    assert {key: array.shape for key, array in chunk.items()} == {
        **dict.fromkeys(images, (30, 441)), "SNRs": (30,), "labels": (30,), "features": (30, 56),
    }  # fmt: skip
    assert chunk["labels"].dtype == np.float64
    assert sorted(chunk["labels"]) == [0.0] * 15 + [1.0] * 15
    assert np.isfinite(chunk["features"]).all()


def test_difference_is_exactly_science_minus_template(simulated):
    (chunk,) = chunks(simulated("HiTS", 30)).values()
    assert np.array_equal(chunk["diff_images"], chunk["sci_images"] - chunk["temp_images"])


def test_reals_are_positive_and_above_the_limit(simulated):
    (chunk,) = chunks(simulated("HiTS", 30)).values()
    # the limit is 5; measuring scatters by one
    assert chunk["SNRs"][chunk["labels"] == 1].min() > 1.5
    center = chunk["diff_images"].reshape(-1, 21, 21)[:, 8:13, 8:13].sum((1, 2))
    assert (center[chunk["labels"] == 1] > 0).all()


def test_last_chunk_may_be_shorter(survey_constants, tmp_path, monkeypatch):
    monkeypatch.setattr("stampshift.simulation.archive_plan.STAMPS_PER_TASK", 10)
    monkeypatch.setattr("stampshift.simulation.hits_archive.ROWS_PER_CHUNK", 20)
    plan = make_plan("HiTS", stamps=50, seed=1, constants=survey_constants("HiTS"))
    write_archive(plan, tmp_path, processes=1)
    sizes = {name: len(chunk["labels"]) for name, chunk in chunks(tmp_path).items()}
    assert sizes == {
        "all_chunks/chunk_0_20.pkl": 20, "all_chunks/chunk_1_20.pkl": 20, "all_chunks/chunk_2_20.pkl": 10,
    }  # fmt: skip


def test_real_chunks_hold_5000_rows_in_whole_tasks():
    from stampshift.simulation import archive_plan, hits_archive

    assert hits_archive.ROWS_PER_CHUNK == 5000
    assert hits_archive.ROWS_PER_CHUNK % archive_plan.STAMPS_PER_TASK == 0


@pytest.mark.parametrize("name", ["all_chunks/chunk_0_5000.pkl"])
def test_member_name_says_5000_whatever_it_holds(simulated, name):
    assert list(chunks(simulated("HiTS", 30))) == [name]
