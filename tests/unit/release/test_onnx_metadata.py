"""An ONNX file alone: its metadata say all that a score needs, and what contradicts itself is refused."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from stampshift.core.digests import write_digests
from stampshift.core.errors import ContractError
from stampshift.core.files import read_json, write_json
from stampshift.core.provenance import file_digest
from stampshift.release.onnx_metadata import CONTRACT_KEY, RECIPES
from stampshift.release.released import ReleasedModel
from stampshift.release.threshold import choose
from stampshift.stamps.preprocessing import NORMALISATIONS

PAGE = Path(__file__).parents[3] / "docs" / "commands" / "export.md"


def metadata(path):
    return {entry.key: entry.value for entry in onnx.load(path).metadata_props}


@pytest.fixture
def alone(adapted_release, tmp_path):
    """A copy of `model.onnx` with nothing beside it."""
    return shutil.copy(adapted_release.folder / "model.onnx", tmp_path / "bright.onnx")


def change(path, **changed):
    """Give an ONNX file other metadata; None removes a key."""
    model = onnx.load(path)
    kept = {key: value for key, value in (metadata(path) | changed).items() if value is not None}
    onnx.helper.set_model_props(model, kept)
    onnx.save(model, path)


@pytest.mark.parametrize("name", ["model.onnx", "raw.onnx"])
def test_the_metadata_say_what_a_score_needs(adapted_release, name):
    said, contract = metadata(adapted_release.folder / name), adapted_release.contract
    plain = ("survey", "size_pixels", "channels", "normalisation", "classes", "threshold")
    assert [said[key] for key in plain] == [
        "B", "21", "template,science,difference", "channel", "bogus,real", "0.5",
    ]  # fmt: skip
    assert float(said["temperature"]) == contract.calibration["temperature"]
    assert json.loads(said["invalid"]) == {"A": {}, "B": {"equals": -31415.0}}
    limits = {survey: adapted_release.limit(survey) for survey in "AB"}
    assert {key: np.float32(value) for key, value in json.loads(said["distance_limits"]).items()} == limits
    assert "21 x 21 pixels; each image to mean 0 and standard deviation 1" in said["preprocessing"]


def test_every_key_is_documented_and_every_normalisation_has_words(adapted_release):
    page = PAGE.read_text(encoding="utf-8")
    keys = metadata(adapted_release.folder / "model.onnx")
    assert [key for key in keys if f"| `{key}` |" not in page] == []
    assert RECIPES.keys() == NORMALISATIONS.keys()


def test_a_network_alone_scores_as_its_release(adapted_release, alone):
    model = ReleasedModel.open(alone)
    kinds = np.random.default_rng(0).normal(0, 5, (3, 4, 31, 31)).astype(np.float32)
    kinds[0, 1] = -31415
    table = model.score(*kinds)
    assert table["score"].isna().tolist() == [False, True, False, False]
    assert table.equals(adapted_release.score(*kinds))
    assert model.contract == replace(adapted_release.contract, digests={})


def test_a_network_alone_has_no_operating_point(alone):
    with pytest.raises(
        ContractError, match=r"bright\.onnx: is a network alone, without the reference stamps"
    ):
        choose(ReleasedModel.open(alone), survey=None, max_mdr=0.1, max_fpr=None)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"temperature": "9.5"},
            r"its metadata contradict themselves: temperature is '9\.5', and in their",
        ),
        ({"invalid": "{}"}, "its metadata contradict themselves: invalid is '{}'"),
        (
            {CONTRACT_KEY: None},
            "expected an ONNX file whose metadata have contract and graph_sha256, .* found channels, classes",
        ),
        ({CONTRACT_KEY: "{"}, "its metadata hold no readable contract"),
        ({CONTRACT_KEY: "[]"}, "holds no contract"),
        ({CONTRACT_KEY: '{"format": 3}'}, "expected a released model of format 2, found format 3"),
    ],
)
def test_metadata_that_cannot_be_believed_are_refused(alone, changed, message):
    change(alone, **changed)
    with pytest.raises(ContractError, match=rf"bright\.onnx: {message}"):
        ReleasedModel.open(alone)


def test_a_network_alone_that_has_changed_is_refused(alone):
    content = bytearray(alone.read_bytes())
    content[len(content) // 2] ^= 1  # within the weights
    alone.write_bytes(content)
    with pytest.raises(ContractError, match=r"bright\.onnx: has changed since it was exported; copy"):
        ReleasedModel.open(alone)


def test_notes_of_other_programs_and_their_threshold_are_left_to_them(alone):
    change(alone, threshold="0.73", license="MIT", preprocessing="as always")
    ReleasedModel.open(alone)


def test_a_network_alone_holds_all_its_data(alone):
    model = onnx.load(alone)
    onnx.save(model, alone, save_as_external_data=True, location="weights.bin", size_threshold=0)
    with pytest.raises(
        ContractError, match=r"refers to 'weights\.bin', .* a released model holds all its data"
    ):
        ReleasedModel.open(alone)


@pytest.fixture
def copied(adapted_release, tmp_path):
    return shutil.copytree(adapted_release.folder, tmp_path / "copied")


def test_a_contract_that_its_network_contradicts_is_refused(copied):
    contract = read_json(copied / "contract.json")
    contract["calibration"]["temperature"] += 1
    write_json(copied / "contract.json", contract)
    write_digests(copied)
    with pytest.raises(
        ContractError,
        match=r"model\.onnx: its metadata and the contract\.json .* agree about calibration: they",
    ):
        ReleasedModel.open(copied)


def test_a_release_of_before_is_opened_by_its_contract(copied, adapted_release):
    change(copied / "model.onnx", **dict.fromkeys(set(metadata(copied / "model.onnx")) - {"channels"}))
    (copied / "raw.onnx").unlink()
    contract = read_json(copied / "contract.json")
    contract["digests"]["model.onnx"] = file_digest(copied / "model.onnx")
    write_json(copied / "contract.json", contract)
    write_digests(copied)
    assert ReleasedModel.open(copied).contract.calibration == adapted_release.contract.calibration
