"""Adaptations that start from a released model, and their releases: these know the target alone."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import stampshift
from adaptation import TRAINING, some_labels, write_some
from fake_release import release_of, write_results
from fake_surveys import write_survey
from stampshift.adapting.adapt import adapt_model
from stampshift.adapting.setting import Setting
from stampshift.adapting.source import starting_point
from stampshift.core.errors import ConfigError, ContractError
from stampshift.core.files import read_json
from stampshift.release.contract import Contract, Start
from stampshift.release.onnx_file import exposed_layers
from stampshift.release.outliers import Outliers
from stampshift.release.preparing import prepare
from stampshift.release.shipped import SHIPPED
from stampshift.scoring.score import score
from stampshift.stamps.few_labels import FewLabels
from stampshift.stamps.file import BOGUS, REAL, UNLABELLED, Stamps
from stampshift.stamps.writer import stamps_writer
from stampshift.training.model import Model

CPU = torch.device("cpu")
SEEN = {"name": "generalist", "simulated": True, "surveys": ["HiTS", "DES", "ATLAS", "ZTF"]}
FILES = ("model.pt", "metrics.json", "history.parquet", "validation.parquet", "adaptation.md", "SHA256SUMS")


def setting_of(model, target, *, method="finetune", **options):
    return Setting.of_model(model, target, method=method, seed=0, device=CPU, **{**TRAINING, **options})


def adapted(model, target, output, *, epochs=2, **options):
    """Folder of an adaptation."""
    setting = setting_of(model, target, **options)
    found = adapt_model(setting, epochs=epochs, epochs_unjudged=2, processes=1, progress=False)
    found.save(output)
    return output


def scores_of(release, paths, output):
    """Scores file of some inputs, and how many of these have a score."""
    options = {"schemas": None, "survey": None, "threshold": None, "processes": 1, "unit_minutes": 10}
    night = score(release, paths, output=output, overwrite=False, progress=False, **options)
    return pd.read_parquet(output), night.scored


@pytest.fixture(scope="module")
def shipped(surveys, tmp_path_factory):
    """The model of the package, adapted to survey B with four labels of each class; and its release."""
    folder, empty = tmp_path_factory.mktemp("adapted"), tmp_path_factory.mktemp("empty")
    rows, labels = some_labels(surveys["B"], real=4, bogus=4, unlabelled=60)
    target = write_some(folder / "B.h5", surveys["B"], rows, labels)
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(empty)
        for name in ("first", "second"):
            adapted("generalist", target, folder / name)
    release_of(folder / "first", folder / "model")
    return folder


def test_the_shipped_model_is_adapted_by_its_name_to_the_same_bytes(shipped):
    for name in FILES:
        assert (shipped / "first" / name).read_bytes() == (shipped / "second" / name).read_bytes(), name
    record = read_json(shipped / "first" / "metrics.json", remedy="")
    started = record["started_from"]
    assert started["path"] == str(SHIPPED / "generalist" / "model.pt")
    assert {name: started[name] for name in SEEN} == SEEN
    assert record["source"] == "generalist (HiTS, DES, ATLAS, ZTF)"
    report = (shipped / "first" / "adaptation.md").read_text()
    assert report.startswith("# generalist (HiTS, DES, ATLAS, ZTF) adapted to B\n")
    assert "The loss on the model's own survey is unknown" in report


def test_its_release_knows_the_target_alone_and_says_what_it_had_seen(shipped):
    contract = stampshift.load(shipped / "model").contract
    assert (contract.homes, list(contract.surveys)) == (["B"], ["B"])
    assert contract.surveys["B"]["role"] == "target"
    assert contract.started_from == SEEN
    assert not contract.simulated  # no number of its reference or card is of a simulated survey
    assert contract.calibration["stamps"] == 8
    card = (shipped / "model" / "card.md").read_text()
    assert card.startswith("# Model card: fine-tuning, 4 shots, generalist (HiTS, DES, ATLAS, ZTF) to B\n")
    assert "> **It learned from simulated data first**: a simulator drew at least one of" in card
    assert "seen HiTS, DES, ATLAS and ZTF before. At least one of these was simulated." in card
    assert "how much it forgot of what it had seen before is not known" in card
    assert "Recall, the share called correctly" not in card  # no test stamp
    assert "(source)" not in card
    start = read_json(shipped / "first" / "metrics.json", remedy="")["started_from"]
    assert f"| `model.pt` that it started from | `{start['sha256']}` |" in card


def test_its_release_scores_stamps(shipped, surveys, tmp_path):
    rows = np.arange(300, 400)
    later = write_some(tmp_path / "later.h5", surveys["B"], rows, [UNLABELLED] * len(rows))
    table, scored = scores_of(shipped / "model", [later], tmp_path / "scores.parquet")
    assert scored == len(table) == 100
    labels = surveys["B"].labels[rows]
    assert table["score"][labels == REAL].mean() > table["score"][labels == BOGUS].mean()
    assert (table["flag"] == "out of distribution").mean() < 0.3  # 1 of 9 expected: eight reference stamps


def test_a_labelled_stamp_is_judged_by_a_fit_that_did_not_see_it(shipped):
    stamps = Stamps.open(shipped / "B.h5", unlabelled=True)
    classifier = Model.open(shipped / "model" / "model.pt").classifier(CPU)
    reference = stampshift.load(shipped / "model").reference().query("part == 'validation'")
    expected = np.full((len(stamps), 2), np.nan, np.float32)
    for fold in FewLabels.of(stamps).folds(seed=0):
        seen = np.sort(np.concatenate([fold.shots, fold.pile]))
        fit = Outliers.fit(exposed_layers(classifier, stamps.stamps[seen]))
        judged = exposed_layers(classifier, stamps.stamps[fold.held_out])
        expected[fold.held_out] = torch.stack(fit(judged.features, judged.activations)).T.numpy()
    held_out = pd.read_parquet(shipped / "first" / "validation.parquet")["row"]
    np.testing.assert_allclose(reference[["similarity", "distance"]], expected[held_out], rtol=1e-3)


def test_a_folder_of_that_name_goes_first_and_what_its_start_had_seen_is_handed_on(
    shipped, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(shipped / "model", tmp_path / "generalist")
    start = starting_point("generalist")
    assert start.model == Path("generalist/model.pt")
    assert start.seen == Start(["HiTS", "DES", "ATLAS", "ZTF", "B"], name="generalist", simulated=True)
    again = starting_point(shipped / "first").seen  # a run, which is no released model
    assert again == Start(["HiTS", "DES", "ATLAS", "ZTF", "B"], simulated=True)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: (path / "model.pt").write_bytes(b"0"), r"model\.pt: has changed since it was written"),
        (lambda path: (path / "model.pt").unlink(), r"model\.pt: missing; copy the whole folder again"),
        (
            lambda path: (path / "contract.json").unlink(),
            r"a folder with a contract\.json, found no such file",
        ),
    ],
)
def test_a_damaged_released_model_is_refused(shipped, tmp_path, damage, message):
    shutil.copytree(shipped / "model", tmp_path / "model")
    damage(tmp_path / "model")
    with pytest.raises(ContractError, match=message):
        starting_point(tmp_path / "model")


def test_a_network_alone_and_a_name_of_nothing_are_refused(shipped, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ContractError, match=r"model\.onnx: expected the folder of .* only the model\.pt"):
        starting_point(shipped / "model" / "model.onnx")
    with pytest.raises(ContractError, match=r"no model of that name comes with stampshift \(generalist\)"):
        starting_point("specialist")


def test_stamps_that_the_contract_does_not_allow_are_refused(shipped, surveys, tmp_path):
    large = write_survey(tmp_path, "C", width=1.5, count=20, size=25)
    with pytest.raises(ContractError, match=r"C: .* is for stamps of 21 pixels, found 25\. Make the stamps"):
        setting_of("generalist", large).check()
    other = setting_of("generalist", shipped / "B.h5")
    clipped = {"normalisation": "difference_mad"}
    vars(other)["target_stamps"] = replace(other.target_stamps, attributes=clipped)
    with pytest.raises(
        ContractError, match=r"by 'difference_mad', those of generalist: by 'channel'\. .*: channel`"
    ):
        other.check()


def test_minimax_entropy_without_stamps_says_what_to_do(shipped, few):
    advice = r"the released model generalist does not hold; {}use --method finetune, or give .* \(HiTS, DES, "
    with pytest.raises(ConfigError, match=advice.format("")):
        setting_of("generalist", shipped / "B.h5", method="mme").check()
    with pytest.raises(ConfigError, match=advice.format(r"label some stamps of .* and ")):
        setting_of("generalist", few(real=0, bogus=0), method="mme").check()
    with pytest.raises(ConfigError, match=r"finetune trains on labels of the new survey, but no stamp of"):
        setting_of("generalist", few(real=0, bogus=0)).check()


def test_minimax_entropy_takes_stamps_of_a_survey_of_the_model(released, few, tmp_path):
    write_results(tmp_path / "results")
    files = {
        "source_stamps": tmp_path / "results" / "stamps" / "A.h5",
        "source_splits": tmp_path / "results" / "splits" / "A" / "seed-0.npz",
    }
    target = few(real=3, bogus=3)
    folder = adapted(
        released.folder, target, tmp_path / "adapted", method="mme", epochs=1, fallback=False, **files
    )
    assert [line["survey"] for line in read_json(folder / "metrics.json", remedy="")["changes"]] == ["B", "A"]
    release = release_of(folder, tmp_path / "twice")
    assert list(release.contract.surveys) == ["A", "B"] and release.contract.homes == ["B"]
    assert release.contract.started_from == {"name": "model", "simulated": True, "surveys": ["A", "B"]}
    assert (
        "`model`, a released model, had seen A and B before." in (tmp_path / "twice" / "card.md").read_text()
    )
    with pytest.raises(ConfigError, match=r"continues from a linear head, but .* has a prototype head"):
        setting_of(tmp_path / "twice", target).check()

    with pytest.raises(
        ContractError, match=r"A\.h5: expected stamps of a survey that generalist was trained"
    ):
        setting_of("generalist", target, method="mme", **files).check()


def test_real_alerts_are_labelled_adapted_to_exported_and_scored(real_data, tmp_path):
    """Ten alerts of Rubin are labelled by the survey's own score; nothing here measures the model."""
    contract, packets = Contract.read(SHIPPED / "generalist"), real_data / "rubin_alerts" / "fink"
    found, stamps = prepare(stampshift.read_alerts(packets), contract=contract, survey="Rubin")
    ids = [alert.identifier for alert in found if not alert.problem]
    _, rows = np.unique(ids, return_index=True)
    ids = np.array(ids)[rows].tolist()
    index = pd.read_csv(real_data / "rubin_alerts" / "index.csv", dtype={"diaSourceId": str})
    sure = index.dropna(subset="reliability").drop_duplicates("diaSourceId").sort_values("reliability")
    known = dict.fromkeys(sure["diaSourceId"].head(5), BOGUS) | dict.fromkeys(
        sure["diaSourceId"].tail(5), REAL
    )
    labels = [known.get(name, UNLABELLED) for name in ids]
    with stamps_writer(tmp_path / "Rubin.h5", survey="Rubin", size_pixels=21) as writer:
        writer.append(
            stamps[rows], labels=labels, classes=[str(each) for each in labels], ids=ids, groups=ids
        )
        writer.describe({"normalisation": "channel", "invalid": {}, "origin": {"path": "fink"}})
    folder = adapted("generalist", tmp_path / "Rubin.h5", tmp_path / "adapted", epochs=2)
    release_of(folder, tmp_path / "model")
    table, scored = scores_of(tmp_path / "model", [packets], tmp_path / "scores.parquet")
    assert scored == len(table) == 109
    assert (table["flag"] == "out of distribution").mean() < 0.2
