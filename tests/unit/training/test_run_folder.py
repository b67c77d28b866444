import json

import pandas as pd
import pytest

from stampshift.core.errors import ContractError
from stampshift.training.run_folder import (
    FILES,
    METRICS,
    MODEL,
    PREDICTION_COLUMNS,
    PREDICTIONS,
    TRANSFER_FILES,
    check_run,
    copy_run,
    read_metrics,
    read_predictions,
    read_trained_run,
    write_run,
)

FACTORS = {"method": "mme", "source": "A", "target": "B", "shots": 10, "seed": 0}


def run_folder(folder, text):
    folder.mkdir()
    (folder / "model.pt").write_bytes(b"weights")
    (folder / "metrics.json").write_text(text)
    return folder


def test_what_a_run_says_of_itself_is_read(tmp_path):
    said = FACTORS | {"epochs": 12}
    assert read_trained_run(run_folder(tmp_path / "run", json.dumps(said))) == said


def test_a_folder_that_is_not_of_a_run_is_refused_with_what_it_lacks(tmp_path):
    folder = run_folder(tmp_path / "run", json.dumps(FACTORS))
    (folder / "model.pt").unlink()
    with pytest.raises(ContractError, match=r"of a trained run, with .*, found no model\.pt in it"):
        read_trained_run(folder)
    (folder / "metrics.json").unlink()
    with pytest.raises(ContractError, match=r"found no model\.pt and no metrics\.json in it; give one"):
        read_trained_run(folder)
    with pytest.raises(ContractError, match=r"absent: expected .*, found no such folder"):
        read_trained_run(tmp_path / "absent")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r"metrics\.json: not readable as JSON"),
        (json.dumps({"method": "mme", "shots": 10}), r"lacks source, target, seed\. Delete"),
        ("[]", r"lacks method, source, target, shots, seed\. Delete"),
    ],
)
def test_a_damaged_record_is_refused(tmp_path, text, message):
    with pytest.raises(ContractError, match=message):
        read_trained_run(run_folder(tmp_path / "run", text))


class Weights:
    def save(self, path):
        path.parent.mkdir()
        path.write_bytes(b"weights")


def predictions():
    return pd.DataFrame({"survey": ["B"], "row": [7], "label": [1], "score": [0.5], "seconds": [1.0]})


def test_a_run_is_read_as_it_was_written_and_copied(tmp_path):
    history = pd.DataFrame({"epoch": [1]})
    write_run(tmp_path / "run", model=Weights(), history=history, predictions=predictions(), metrics=FACTORS)
    assert {path.name for path in (tmp_path / "run").iterdir()} == set(FILES)
    copy_run(tmp_path / "run", tmp_path / "copy")
    check_run(tmp_path / "copy")
    assert read_metrics(tmp_path / "copy") == FACTORS
    assert read_predictions(tmp_path / "copy").equals(predictions()[list(PREDICTION_COLUMNS)])


def test_a_run_that_lacks_a_file_is_not_complete(tmp_path):
    write_run(tmp_path, predictions=predictions(), metrics=FACTORS)
    assert {path.name for path in tmp_path.iterdir()} == set(TRANSFER_FILES)
    with pytest.raises(ContractError, match=r"SHA256SUMS: does not list model\.pt"):
        check_run(tmp_path)


@pytest.mark.parametrize("name", [MODEL, PREDICTIONS, METRICS])
def test_a_copy_of_a_damaged_run_is_an_error(tmp_path, name):
    history = pd.DataFrame({"epoch": [1]})
    write_run(tmp_path / "run", model=Weights(), history=history, predictions=predictions(), metrics=FACTORS)
    content = bytearray((tmp_path / "run" / name).read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "run" / name).write_bytes(content)
    with pytest.raises(ContractError, match=rf"{name}: has changed since it was written, expected SHA-256"):
        copy_run(tmp_path / "run", tmp_path / "copy")


def test_predictions_without_a_column_are_refused_by_name(tmp_path):
    write_run(tmp_path, predictions=predictions().drop(columns="score"))
    with pytest.raises(
        ContractError, match=r"predictions\.parquet: not a readable table (?s:.*)Delete the folder"
    ):
        read_predictions(tmp_path)
