import json

import pytest

from stampshift.core.errors import ContractError
from stampshift.training.run_folder import read_metrics

FACTORS = {"method": "mme", "source": "A", "target": "B", "shots": 10, "seed": 0}


def run_folder(folder, text):
    folder.mkdir()
    (folder / "model.pt").write_bytes(b"weights")
    (folder / "metrics.json").write_text(text)
    return folder


def test_what_a_run_says_of_itself_is_read(tmp_path):
    said = FACTORS | {"epochs": 12}
    assert read_metrics(run_folder(tmp_path / "run", json.dumps(said))) == said


def test_a_folder_that_is_none_of_a_run_is_refused_with_what_it_lacks(tmp_path):
    folder = run_folder(tmp_path / "run", json.dumps(FACTORS))
    (folder / "model.pt").unlink()
    with pytest.raises(ContractError, match=r"of a trained run, with .*, found no model\.pt in it"):
        read_metrics(folder)
    (folder / "metrics.json").unlink()
    with pytest.raises(ContractError, match=r"found no model\.pt and no metrics\.json in it; give one"):
        read_metrics(folder)
    with pytest.raises(ContractError, match=r"absent: expected .*, found no such folder"):
        read_metrics(tmp_path / "absent")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r"metrics\.json: not readable as JSON"),
        (json.dumps({"method": "mme", "shots": 10}), r"misses source, target, seed\. Delete"),
        ("[]", r"misses method, source, target, shots, seed\. Delete"),
    ],
)
def test_a_damaged_record_is_refused(tmp_path, text, message):
    with pytest.raises(ContractError, match=message):
        read_metrics(run_folder(tmp_path / "run", text))
