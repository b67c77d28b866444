import pandas as pd
import pytest

from stampshift.core.errors import ContractError
from stampshift.des_study.models import common_stamps, judged_by, read_labels, read_test_part
from stampshift.tables.wording import model_name


def write(folder, model, rows):
    path = folder / model / "predictions.parquet"
    path.parent.mkdir()
    columns = {"survey": "A", "row": rows, "label": [row % 2 for row in rows], "score": 0.25}
    pd.DataFrame(columns).to_parquet(path)
    return path


def test_only_the_test_part_is_read(tmp_path):
    paths = [write(tmp_path, "network_1", [4, 5, 6, 7, 8]), write(tmp_path, "forest", [5, 7])]
    table = read_test_part(paths, models=["network_1", "forest"], survey="A", test=[5, 6, 7])
    by_model = table.groupby("method", observed=True)["row"].apply(list).to_dict()
    # the forest on the archive's features may lack stamps
    assert by_model == {"network_1": [5, 6, 7], "forest": [5, 7]}


@pytest.mark.parametrize("rows", [[5, 6], [5, 6, 6, 7], [1, 2]])
def test_a_network_judges_every_test_stamp_once(tmp_path, rows):
    path = write(tmp_path, "network_1", rows)
    with pytest.raises(ContractError, match=r"each of the 3 stamps of the test part.*Delete the folder"):
        read_test_part([path], models=["network_1"], survey="A", test=[5, 6, 7])


def test_a_forest_that_judges_no_stamp_is_refused(tmp_path):
    with pytest.raises(ContractError, match="found 0 of 0"):
        read_test_part([write(tmp_path, "forest", [1])], models=["forest"], survey="A", test=[5])


def test_predictions_of_another_survey_are_refused(tmp_path):
    path = write(tmp_path, "network_1", [5])
    with pytest.raises(ContractError, match="expected predictions of B, found A"):
        read_test_part([path], models=["network_1"], survey="B", test=[5])


def test_common_stamps_are_those_that_every_model_judges(predicted):
    table = predicted({"a": [0.1, 0.2, 0.3], "b": [0.1, 0.3]}, labels=[0, 1, 0], rows={"b": [0, 2]})
    assert common_stamps(table)["row"].to_list() == [0, 2, 0, 2]


def test_other_labels_by_row(predicted):
    labels = pd.DataFrame({"row": [2, 1, 0], "old_label": [0, 0, 0], "label": [1, 0, 1]})
    table = judged_by(predicted({"a": [0.1, 0.2, 0.3]}, labels=[0, 0, 0]), labels=labels, column="label")
    assert table["label"].to_list() == [1, 0, 1]


def test_true_labels_are_known_of_planted_flips_only(predicted):
    labels = pd.DataFrame({"row": [0], "old_label": [0], "label": [1]})
    with pytest.raises(ContractError, match="expected the column true_label, found row, old_label, label"):
        judged_by(predicted({"a": [0.1]}, labels=[0]), labels=labels, column="true_label")


def test_a_stamp_without_a_label_is_named(predicted):
    labels = pd.DataFrame({"row": [0], "old_label": [0], "label": [1]})
    with pytest.raises(ContractError, match="found none for row 1 of the stamps file"):
        judged_by(predicted({"a": [0.1, 0.2]}, labels=[0, 0]), labels=labels, column="label")


def test_a_labels_file_has_a_line_per_stamp(tmp_path):
    path = tmp_path / "labels.parquet"
    pd.DataFrame({"row": [0, 0], "old_label": [0, 0], "label": [1, 1], "reviewed": [0, 1]}).to_parquet(path)
    with pytest.raises(ContractError, match=r"expected one line per stamp, found 1 lines of stamps that"):
        read_labels(path)
    pd.DataFrame({"row": [0], "old_label": [0]}).to_parquet(path)
    with pytest.raises(ContractError, match="columns row, old_label, label, reviewed are needed; label, "):
        read_labels(path)
    pd.DataFrame({"row": [0, 1], "old_label": [0, 0], "label": [1, None], "reviewed": [0, 1]}).to_parquet(
        path
    )
    with pytest.raises(ContractError, match=r"labels\.parquet: expected whole numbers as label, found"):
        read_labels(path)
    path.write_text("nothing")
    with pytest.raises(ContractError, match="not a readable table"):
        read_labels(path)


def test_names_in_print():
    assert [model_name(name) for name in ("network_3", "forest_of_stamps", "own")] == [
        "network 3",
        "random forest of stamps",
        "own",
    ]
