import pickle

import numpy as np
import pandas as pd
import pytest

from stampshift.config.surveys import READERS_WITH_SNR
from stampshift.core.errors import ArchiveError
from stampshift.surveys import READERS, hits
from stampshift.surveys.catalogue import SIGNAL_TO_NOISE


def write_des(folder, header, *rows):
    (folder / "stamps_0.tar").write_bytes(b"nothing of it is read")
    (folder / "autoscan_features.3.csv").write_text("\n".join(["# autoscan"] * 6 + [header, *rows]) + "\n")


def chunk(*ratios, **changes):
    pixels = {name: np.zeros((len(ratios), 441), "f4") for name in hits.KEYS}
    return pixels | {"SNRs": np.array(ratios, "f4"), "labels": np.ones(len(ratios))} | changes


def test_the_readers_that_give_it_are_those_that_the_rules_ask():
    assert set(READERS_WITH_SNR) == set(SIGNAL_TO_NOISE) <= set(READERS)


def test_des_gives_the_column_of_its_table_by_identifier(tmp_path):
    write_des(
        tmp_path, "ID, OBJECT_TYPE, AMP, SNR, L1", "7, 0, 1, 12.5, 3", "3, 1, 1, , 3", "12, 1, 1, -4, 3"
    )
    table = SIGNAL_TO_NOISE["des"]([tmp_path])
    assert table["id"].tolist() == ["7", "3", "12"]
    np.testing.assert_array_equal(table["snr"], [12.5, np.nan, -4])


@pytest.mark.parametrize(("header", "row"), [("ID, SN", "7, 1"), ("ID, SNR", "7, bright")])
def test_des_table_without_numbers_says_what_to_do(tmp_path, header, row):
    write_des(tmp_path, header, row)
    with pytest.raises(ArchiveError, match=r"features\.3\.csv: expected .* numbers in ID and SNR") as caught:
        SIGNAL_TO_NOISE["des"]([tmp_path])
    assert "diagnostics.snr_bins: null" in str(caught.value)


def test_hits_identifiers_are_those_of_its_stamps(tmp_path, formats, gz):
    members = {
        "all_chunks/chunk_0_5000.pkl": formats.python2_pickle(chunk(8.5, -3.25)),
        "all_chunks/chunk_1_5000.pkl.gz": gz(formats.python2_pickle(chunk(40))),
    }
    path = formats.tar(tmp_path / "all_chunks.tar.gz", members, "w:gz")
    expected = pd.DataFrame(
        {"id": ["chunk_0_5000:0", "chunk_0_5000:1", "chunk_1_5000:0"], "snr": [8.5, -3.25, 40.0]}
    )
    table = SIGNAL_TO_NOISE["hits"]([path])
    assert table["id"].tolist() == expected["id"].tolist()
    assert table["snr"].dtype == np.float64
    np.testing.assert_array_equal(table["snr"], expected["snr"])
    stamps = [triplet.identifier for unit in hits.units([path]) for triplet in hits.decode(unit)]
    assert table["id"].tolist() == stamps


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (chunk(1, 2, SNRs=np.ones(1)), "one number in 'SNRs' for each of the labels, found 1 for 2."),
        (
            {name: value for name, value in chunk(1, 2).items() if name != "SNRs"},
            "one number in 'SNRs' for each of the labels, found 0 for 2.",
        ),
        ([1], "a pickled dictionary with temp_images, sci_images, diff_images and labels, found list."),
    ],
)
def test_hits_chunk_without_a_ratio_for_each_label_is_refused(tmp_path, content, message):
    path = tmp_path / "chunk_0_5000.pkl"
    path.write_bytes(pickle.dumps(content, protocol=2))
    with pytest.raises(ArchiveError) as caught:
        SIGNAL_TO_NOISE["hits"]([path])
    assert str(caught.value).startswith(f"HiTS archive {path}: expected {message}")
