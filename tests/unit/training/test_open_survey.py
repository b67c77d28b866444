"""Runs of one process open a survey once."""

import numpy as np
import pytest

from fake_surveys import FRACTIONS, write_survey
from stampshift.config.experiment import Run
from stampshift.core.errors import ContractError
from stampshift.stamps.file import Stamps
from stampshift.stamps.splits import make_splits
from stampshift.training.data import NO_ROWS, SurveyFiles, TrainingData, open_survey


def test_a_survey_is_opened_once_and_again_when_its_file_changes(tmp_path):
    path = write_survey(tmp_path, "A", width=1.5)
    files = SurveyFiles(path, tmp_path / "A.npz", None)
    first, second = (open_survey(files, rows=NO_ROWS) for _ in range(2))
    assert first.stamps is second.stamps
    whole = Stamps.open(path)
    np.testing.assert_array_equal(first.stamps, whole.stamps)
    np.testing.assert_array_equal(first.labels, whole.labels)
    assert set(first.ids) == {""}
    write_survey(tmp_path, "A", width=3.0, count=402)
    assert len(open_survey(files, rows=NO_ROWS)) == 402


def test_a_survey_that_is_not_there_is_named(tmp_path):
    nowhere = SurveyFiles(tmp_path / "nowhere.h5", tmp_path / "nowhere.npz", None)
    with pytest.raises(ContractError, match=r"nowhere\.h5: no such file"):
        open_survey(nowhere, rows=NO_ROWS)


@pytest.mark.parametrize(("source", "target"), [("B", "A"), ("A", "B"), ("few", "A"), ("A", "few")])
def test_splits_of_other_stamps_are_refused(survey_files, tmp_path, source, target):
    """Of another survey, or of a stamps file that had more rows."""
    files = {
        name: SurveyFiles(survey_files["stamps"][name], survey_files["splits"][name], None) for name in "AB"
    }
    wrong = "B" if "B" in (source, target) else "few"
    few = write_survey(tmp_path, "few", width=1.5, count=200)
    make_splits(
        Stamps.open(write_survey(tmp_path / "more", "few", width=1.5)), fractions=FRACTIONS, seed=0
    ).save(tmp_path / "few.npz")
    files["few"] = SurveyFiles(few, tmp_path / "few.npz", None)
    files["B"] = SurveyFiles(survey_files["stamps"]["B"], survey_files["splits"]["A"], None)
    with pytest.raises(
        ContractError, match=rf"npz: expected splits of the \d00 stamps of {wrong}, found those of"
    ):
        TrainingData.open(Run("mme", source, target, 1, 0), files, sources=[source], validation_shots=1)
