import numpy as np
import pytest
import torch

from stampshift.config.experiment import Run
from stampshift.networks import build_classifier
from stampshift.training.model import Model
from stampshift.training.validation import score_validation


@pytest.fixture
def model_file(tmp_path):
    torch.manual_seed(0)
    state = build_classifier(network="bolivar", head="linear", size_pixels=21, temperature=None).state_dict()
    Model(state=state, network="bolivar", head="linear", size_pixels=21, temperature=None).save(
        tmp_path / "model.pt"
    )
    return tmp_path / "model.pt"


def scores(run, survey_files, model_file):
    used = [run.source] if run.target is None else [run.source, run.target]
    return score_validation(
        [run],
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
