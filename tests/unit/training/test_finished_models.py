import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from stampshift.config.experiment import Run
from stampshift.core.errors import ContractError
from stampshift.networks import build_classifier
from stampshift.training.finished_models import (
    balanced_samples,
    extract_features,
    score_validation,
)
from stampshift.training.model import Model


@pytest.fixture
def model_file(tmp_path):
    torch.manual_seed(0)
    state = build_classifier(network="bolivar", head="linear", size_pixels=21, temperature=None).state_dict()
    model = Model(state=state, network="bolivar", head="linear", size_pixels=21, temperature=None)
    model.save(tmp_path / "model.pt")
    return tmp_path / "model.pt"


def scores(run, survey_files, model_file):
    used = [run.source] if run.target is None else [run.source, run.target]
    return score_validation(
        [run],
        sources=[run.source],
        models=[model_file],
        stamps={name: survey_files["stamps"][name] for name in used},
        splits=[{name: survey_files["splits"][name] for name in used}],
        validation_shots=3,
        device="cpu",
    )


def test_a_baseline_is_calibrated_on_the_sources_validation_part(survey_files, splits, surveys, model_file):
    table = scores(Run("baseline", "A", None, 0, 0), survey_files, model_file)
    np.testing.assert_array_equal(table["row"], splits["A"].validation)
    np.testing.assert_array_equal(table["label"], surveys["A"].labels[splits["A"].validation])
    assert set(table["survey"]) == {"A"}
    assert table["score"].between(0, 1).all()


@pytest.mark.parametrize("method", ["finetune", "mme"])
def test_an_adapted_model_is_calibrated_on_the_targets_validation_shots(
    survey_files, splits, model_file, method
):
    table = scores(Run(method, "A", "B", 5, 0), survey_files, model_file)
    np.testing.assert_array_equal(table["row"], splits["B"].validation_shots(3))
    assert set(table["survey"]) == {"B"}


@pytest.mark.parametrize("run", [Run("baseline", "A", None, 0, 0), Run("mme", "A", "B", 5, 0)])
def test_calibration_sees_no_test_row(survey_files, splits, model_file, run):
    table = scores(run, survey_files, model_file)
    test_rows = splits[table["survey"].iloc[0]].test
    assert len(test_rows) > 0
    assert not set(table["row"]) & set(test_rows)


@pytest.fixture
def features(survey_files, model_file):
    return extract_features(
        [Run("baseline", "A", None, 0, 0), Run("mme", "A", "B", 5, 0)],
        models=[model_file] * 2,
        stamps=[survey_files["stamps"][name] for name in ("B", "A")],
        splits=[survey_files["splits"][name] for name in ("B", "A")],
        per_survey=10,
        device="cpu",
    )


def test_features_are_the_extractors_output(features, model_file, surveys):
    names = [name for name in features if name.startswith("feature_")]
    assert names == [f"feature_{number:03d}" for number in range(100)]
    (line,) = (
        features[(features["method"] == "mme") & (features["survey"] == "A")].iloc[[3]].to_dict("records")
    )
    classifier = Model.open(model_file).classifier(torch.device("cpu"))
    with torch.inference_mode():
        expected = classifier.extractor(torch.from_numpy(surveys["A"].stamps[[line["row"]]]))[0]
    np.testing.assert_allclose([line[name] for name in names], expected, rtol=1e-4, atol=1e-5)


def test_every_model_sees_the_same_test_stamps_as_many_of_each_label(features, splits):
    for survey in ("A", "B"):
        rows = [
            features.loc[(features["method"] == method) & (features["survey"] == survey), "row"].tolist()
            for method in ("baseline", "mme")
        ]
        assert rows[0] == rows[1]
        assert set(rows[0]) <= set(splits[survey].test)
    assert set(features.groupby(["method", "survey", "label"]).size()) == {5}


def test_a_scarce_label_limits_both_surveys(surveys, splits):
    tests = [splits["A"].test, splits["B"].test]
    real = surveys["B"].labels[tests[1]] == 1
    few = np.concatenate([tests[1][real][:3], tests[1][~real]])
    samples = balanced_samples(
        [surveys["A"], surveys["B"]], test_parts=[tests[0], np.sort(few)], per_survey=100
    )
    assert [len(rows) for rows in samples] == [6, 6]
    assert [surveys[name].labels[rows].sum() for name, rows in zip("AB", samples, strict=True)] == [3, 3]
    assert all((np.diff(rows) > 0).all() for rows in samples)


def test_stamps_that_changed_are_refused(survey_files, model_file, tmp_path):
    """By one pixel, which nothing else would notice."""
    changed = Path(shutil.copy(survey_files["stamps"]["A"], tmp_path / "A.h5"))
    with h5py.File(changed, "r+") as file:
        file["stamps"][2, 1, 3, 3] += 1
    files = survey_files | {"stamps": survey_files["stamps"] | {"A": changed}}
    run = Run("baseline", "A", None, 0, 0)
    with pytest.raises(ContractError, match=r"A\.h5: its content has changed since it was written"):
        scores(run, files, model_file)
    with pytest.raises(ContractError, match=r"A\.h5: its content has changed since it was written"):
        extract_features(
            [run], models=[model_file], stamps=[changed], splits=[files["splits"]["A"]], per_survey=10,
            device="cpu",
        )  # fmt: skip
