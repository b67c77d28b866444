import pytest

from stampshift.planning.calibrate import _drawn


@pytest.mark.parametrize(
    ("name", "reader", "drawn", "read_by"),
    [
        ("ZTF", "ztf", "ZTF", "ztf"),
        ("Mine", "atlas", "ATLAS", "atlas"),
        ("DECAT", "des", "DECAT", "des"),
        ("Mine", "table", "DES", "des"),  # nothing simulated comes in this form
        ("ZTF", "packets", "DES", "des"),
    ],
)
def test_a_survey_is_tried_on_a_simulated_archive(name, reader, drawn, read_by):
    survey, section, constants = _drawn(name, {"reader": reader, "invalid": {}})
    assert (survey, section["reader"], constants.name) == (drawn, read_by, f"{drawn}.yaml")
