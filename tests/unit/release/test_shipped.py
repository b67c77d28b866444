"""Models by name: those that come with the package, and the user's folders before them."""

import shutil
from pathlib import Path

import numpy as np
import pytest

import stampshift
from stampshift.core.errors import ContractError
from stampshift.release import shipped
from tiny_project import ROOT


def test_the_package_brings_a_model_of_all_surveys_that_says_what_it_has_seen(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert shipped.shipped() == [shipped.DEFAULT]
    model = stampshift.load(shipped.DEFAULT)  # opened: its files have the digests of SHA256SUMS
    assert model.contract.homes == ["HiTS", "DES", "ATLAS", "ZTF"]
    assert model.contract.simulated
    card = (model.folder / "card.md").read_text()
    notes = (ROOT / "resources" / "models" / "generalist.md").read_text()
    assert notes.strip() in card and "It has seen no real alert" in notes
    noise = np.random.default_rng(0).normal(size=(3, 4, 63, 63))
    assert model.score(*noise)["score"].between(0, 1).all()


def test_a_name_that_is_no_model_says_which_there_are(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ContractError, match=r"^hits: no such folder, and no model of that name comes with"):
        stampshift.load("hits")
    monkeypatch.setattr(shipped, "SHIPPED", tmp_path / "package")
    with pytest.raises(ContractError, match=r"comes with stampshift \(none does\)\. Give the folder"):
        stampshift.load("hits")


def test_a_model_of_the_package_is_opened_by_its_name(adapted_release, tmp_path, monkeypatch):
    monkeypatch.setattr(shipped, "SHIPPED", tmp_path / "package")
    monkeypatch.chdir(tmp_path)
    shutil.copytree(adapted_release.folder, tmp_path / "package" / "bright")
    assert stampshift.load("bright").folder == tmp_path / "package" / "bright"
    with pytest.raises(ContractError, match=r"comes with stampshift \(bright\)"):
        stampshift.load("faint")
    shutil.copytree(adapted_release.folder, tmp_path / "bright")
    assert str(stampshift.load("bright").folder) == "bright"


def test_the_first_path_is_the_model_if_it_can_be_one(adapted_release, tmp_path, monkeypatch):
    monkeypatch.setattr(shipped, "SHIPPED", tmp_path / "package")
    monkeypatch.chdir(tmp_path)
    shutil.copytree(adapted_release.folder, tmp_path / "package" / "bright")
    night, broken, alone = Path("night"), Path("broken"), Path("model.onnx")
    for folder in (night, broken):
        folder.mkdir()
    (broken / "contract.json").touch()  # a model that lacks its other files is none to be passed over
    for model in (adapted_release.folder, Path("bright"), broken, alone):
        assert shipped.model_and_inputs([model, night]) == (model, [night])
        with pytest.raises(ContractError, match=rf"^{model}: is a model; name the alerts"):
            shipped.model_and_inputs([model])
    Path("generalist").mkdir()  # a folder of the user's that no argument names
    for paths in ([night], [night, broken], [Path("nowhere"), night], [Path("tonight.avro")]):
        assert shipped.model_and_inputs(paths) == (tmp_path / "package" / "generalist", paths)


def test_a_path_is_a_path(tmp_path):
    with pytest.raises(ContractError, match=r"found no such folder; `stampshift export` makes one"):
        stampshift.load(tmp_path / "hits")
