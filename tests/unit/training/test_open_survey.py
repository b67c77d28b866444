"""Runs of one process open a survey once."""

import numpy as np
import pytest

from fake_surveys import write_survey
from stampshift.core.errors import ContractError
from stampshift.stamps.file import Stamps
from stampshift.training.data import NO_ROWS, SurveyFiles, open_survey


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
    with pytest.raises(ContractError, match=r"nowhere\.h5: cannot be read now \(No such file"):
        open_survey(nowhere, rows=NO_ROWS)
