"""A stamps file or splits file that its library can read, but that holds other things than it should."""

import json

import h5py
import numpy as np
import pytest

from fake_surveys import FRACTIONS, write_survey
from stampshift.core.errors import ContractError
from stampshift.stamps.contents import check_attributes
from stampshift.stamps.file import Stamps
from stampshift.stamps.splits import Splits, make_splits


@pytest.mark.parametrize(
    ("name", "array", "found"),
    [
        ("label", np.full(20, 7, np.uint8), "expected labels 0, 1, 255, found 7"),
        ("label", np.zeros((20, 2), np.uint8), "expected 'label' as uint8 of shape"),
        ("label", np.zeros(20), "expected 'label' as uint8 of shape"),
        ("fingerprint", np.zeros(19, np.uint64), r"expected 'fingerprint' as uint64 of shape \(20,\)"),
        ("id", np.zeros(20), "not a readable stamps file"),
        ("group", np.array(b"one"), "expected 'group' as str|not a readable"),
        ("stamps", np.float32(1), "'stamps' should be contiguous float32|not a readable"),
        ("stamps", np.zeros((20, 3, 5, 6), np.float32), "'stamps' should be contiguous float32"),
    ],
)
def test_a_data_set_of_another_type_or_shape_is_named(tmp_path, name, array, found):
    path = write_survey(tmp_path, "A", width=1.5, count=20)
    with h5py.File(path, "r+") as file:
        del file[name]
        file[name] = array
    with pytest.raises(ContractError, match=rf"A\.h5.*({found})"):
        Stamps.open(path)


@pytest.mark.parametrize("content", [[], {}, {"digest": 1}, 7])
def test_a_stamps_file_without_its_digest_is_refused(tmp_path, content):
    path = write_survey(tmp_path, "A", width=1.5, count=20)
    with h5py.File(path, "r+") as file:
        file.attrs["preprocessing"] = json.dumps(content)
    with pytest.raises(ContractError, match=r"A\.h5: not a readable stamps file"):
        Stamps.open(path)


def test_what_it_says_of_its_making_is_checked_where_it_is_told():
    check_attributes({"digest": "0", "origin": {"path": "a"}, "invalid": {"equals": None}}, "A.h5")
    with pytest.raises(ContractError, match=r"A\.h5, attribute .*: expected .* as origin, found 1\.5"):
        check_attributes({"digest": "0", "origin": 1.5}, "A.h5")
    for name in ("counts", "raw"):
        with pytest.raises(ContractError, match=rf"A\.h5, attribute .*: expected .* as {name}, found None"):
            check_attributes({"digest": "0", name: None}, "A.h5")


@pytest.mark.parametrize(
    "wrong", [np.float64([1, 2]), np.int64([[1], [2]]), np.int64([-1, 2]), np.int64([5, 5]), np.array("x")]
)
def test_rows_of_a_splits_file_are_whole_numbers_none_twice(tmp_path, surveys, wrong):
    splits = make_splits(surveys["A"], fractions=FRACTIONS, seed=0)
    splits.save(tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz") as file:
        arrays = dict(file)
    np.savez(tmp_path / "a.npz", **(arrays | {"train_real": wrong}))
    with pytest.raises(ContractError, match=r"a\.npz: expected rows \(int64\) of train_real"):
        Splits.open(tmp_path / "a.npz")


def test_splits_of_other_stamps_are_refused(tmp_path, surveys):
    splits = make_splits(surveys["A"], fractions=FRACTIONS, seed=0)
    splits.check_stamps(surveys["A"], "a.npz")
    with pytest.raises(
        ContractError, match=r"a\.npz: expected splits of the 400 stamps of B, found .* of A.*verify"
    ):
        splits.check_stamps(surveys["B"], "a.npz")
