import numpy as np
import pandas as pd
import pytest

from stampshift.core.errors import ContractError
from stampshift.stamps.label_file import read_labels, relabelled


def labels_of(survey, rows=None):
    rows = np.arange(len(survey)) if rows is None else np.asarray(rows)
    return pd.DataFrame(
        {"row": rows, "id": survey.ids[rows], "old_label": survey.labels[rows], "label": survey.labels[rows]}
    )


def write(table, tmp_path):
    table.to_parquet(tmp_path / "labels.parquet", index=False)
    return tmp_path / "labels.parquet"


def test_labels_of_the_file_replace_those_of_the_stamps(surveys, tmp_path):
    table = labels_of(surveys["A"]).sample(frac=1, random_state=0)  # in any order
    table.loc[table["row"].isin([3, 7]), "label"] = 1 - table["label"]
    got = relabelled(surveys["A"], write(table, tmp_path), rows=np.arange(len(surveys["A"])))
    assert np.flatnonzero(got.labels != surveys["A"].labels).tolist() == [3, 7]
    assert got.labels.dtype == np.uint8
    assert got.stamps is surveys["A"].stamps


def test_without_a_file_the_stamps_keep_their_labels(surveys):
    assert relabelled(surveys["A"], None, rows=np.arange(5)) is surveys["A"]


def test_a_file_may_leave_out_stamps_that_are_not_used(surveys, tmp_path):
    path = write(labels_of(surveys["A"], rows=[2, 5, 9]), tmp_path)
    relabelled(surveys["A"], path, rows=np.array([5, 9]))
    with pytest.raises(ContractError) as error:
        relabelled(surveys["A"], path, rows=np.array([5, 6, 8]))
    assert str(error.value) == (
        f"{path}: expected a label for each of the 3 stamps of A that are used, but 2 have none, among them "
        "candidate A-6. Delete the labels file and the splits; the workflow makes them again."
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.drop(columns="label"), "columns row, id, label are needed; label missing"),
        (
            lambda t: t.assign(id=t["id"].iloc[::-1].to_numpy()),
            "row 0 should be candidate A-0 of A, found A-399",
        ),
        (
            lambda t: t.assign(row=t["row"] + 1),
            r"from 0 to 399, .* found 0 twice and 1 beyond\. The file was",
        ),
        (lambda t: pd.concat([t, t.head(2)]), "found 2 twice and 0 beyond"),
        (lambda t: t.assign(label=2), r"expected labels 1 \(real\) and 0 \(bogus\), found 2"),
    ],
)
def test_a_file_of_other_stamps_is_refused(surveys, tmp_path, change, message):
    path = write(change(labels_of(surveys["A"])), tmp_path)
    with pytest.raises(ContractError, match=message):
        read_labels(path, surveys["A"])


def test_a_file_that_is_not_a_table_is_named(surveys, tmp_path):
    (tmp_path / "labels.parquet").write_bytes(b"no table")
    with pytest.raises(ContractError, match=r"labels\.parquet: not a readable table .*Delete this"):
        read_labels(tmp_path / "labels.parquet", surveys["A"])
