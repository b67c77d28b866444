import json

import numpy as np
import pandas as pd
import pytest

from stampshift.core.errors import ContractError
from stampshift.tables.run_table import COLUMNS, gather, read_runs
from stampshift.tables.writing import write_csv


@pytest.fixture
def write(tmp_path):
    def write(name, content):
        path = tmp_path / name / "metrics.json"
        path.parent.mkdir()
        path.write_text(json.dumps(content))
        return path.parent

    return write


def test_an_adapted_run_gives_a_line_per_survey(write, metrics_content):
    runs = gather([write("run", metrics_content(on={"A": 0.9, "B": 0.8}))])
    assert tuple(runs.columns) == COLUMNS
    assert runs["evaluated_on"].tolist() == ["A", "B"]
    assert runs["target"].tolist() == ["B", "B"]
    assert runs["balanced_accuracy"].tolist() == [0.9, 0.8]
    assert runs.loc[0, ["method", "source", "shots", "seed"]].tolist() == ["mme", "A", 5, 3]
    assert runs.loc[0, ["n_real", "n_bogus", "kept_epoch", "epochs"]].tolist() == [50, 60, 4, 9]
    assert runs.loc[0, ["entropy_weight", "seconds"]].tolist() == [0.2, 1.5]


def test_the_target_of_a_baseline_is_where_it_was_evaluated(write, metrics_content):
    own = {"method": "baseline", "target": None, "shots": 0, "entropy_weight": None}
    transfer = {**own, "target": "B"}
    runs = gather(
        [
            write("own", metrics_content(on={"A": 0.9}, **own)),
            write("transfer", metrics_content(on={"B": 0.6}, **transfer)),
        ]
    )
    assert runs["target"].tolist() == runs["evaluated_on"].tolist() == ["A", "B"]
    assert runs["entropy_weight"].isna().all()


def test_a_source_of_several_surveys_has_a_line_for_each_and_for_their_mean(write, metrics_content):
    own = {"method": "baseline", "source": "both", "target": None, "shots": 0}
    adapted = {"source": "both", "target": "B"}
    on = {"A": 0.9, "B": 0.8, "both": 0.85}
    runs = gather(
        [write("own", metrics_content(on=on, **own)), write("b", metrics_content(on=on, **adapted))]
    )
    assert runs["evaluated_on"].tolist() == ["A", "B", "both"] * 2
    assert runs["target"].tolist() == ["A", "B", "both", "B", "B", "B"]


def test_lines_keep_the_order_of_the_list(write, metrics_content):
    runs = [write(f"run-{seed}", metrics_content(on={"A": 0.9, "B": 0.8}, seed=seed)) for seed in (2, 0, 1)]
    assert gather(runs)["seed"].tolist() == [2, 2, 0, 0, 1, 1]


@pytest.mark.parametrize("key", ["method", "seed", "evaluation", "kept_epoch", "entropy_weight"])
def test_a_missing_key_is_named_with_its_file(write, metrics_content, key):
    content = metrics_content(on={"A": 0.9, "B": 0.8})
    del content[key]
    folder = write("run", content)
    with pytest.raises(ContractError, match=rf"run/metrics.json: lacks {key}\. Delete the folder"):
        gather([folder])


def test_a_missing_metric_is_named_with_its_survey(write, metrics_content):
    content = metrics_content(on={"A": 0.9, "B": 0.8})
    del content["evaluation"]["B"]["recall_real"]
    with pytest.raises(ContractError, match=r"metrics.json: the evaluation on B lacks recall_real"):
        gather([write("run", content)])


@pytest.mark.parametrize(
    ("replaced", "message"),
    [
        ({}, "expected an evaluation on A and B, found A"),
        ({"method": "baseline", "target": "B"}, "expected an evaluation on B, found A"),
        ({"method": "baseline", "source": "C", "target": None}, "expected an evaluation on C, found A"),
    ],
)
def test_a_survey_without_evaluation_is_refused(write, metrics_content, replaced, message):
    with pytest.raises(ContractError, match=message):
        gather([write("run", metrics_content(on={"A": 0.9}, **replaced))])


def test_the_same_run_twice_is_refused_and_both_files_are_named(write, metrics_content):
    content = metrics_content(on={"A": 0.9, "B": 0.8})
    first, second = write("first", content), write("second", content)
    with pytest.raises(ContractError) as caught:
        gather([first, second])
    message = str(caught.value)
    assert message.startswith(f"{second}/metrics.json: holds method mme, source A, target B, shots 5, seed 3")
    assert f"which {first}/metrics.json holds too" in message


@pytest.mark.parametrize("text", ["{", "[]", ""])
def test_a_file_that_is_not_a_metrics_file_is_refused(tmp_path, text):
    path = tmp_path / "metrics.json"
    path.write_text(text)
    with pytest.raises(ContractError, match=r"metrics.json: (not readable as JSON|lacks method)"):
        gather([tmp_path])


def test_an_absent_file_and_no_file_at_all_are_refused(tmp_path):
    with pytest.raises(ContractError, match=r"absent/metrics.json: no such file"):
        gather([tmp_path / "absent"])
    with pytest.raises(ContractError, match="no metrics file was given"):
        gather([])


def test_the_table_survives_writing_and_its_bytes_are_stable(tmp_path, runs):
    runs.loc[0, "balanced_accuracy"] = 0.1 + 0.2
    write_csv(runs, tmp_path / "runs.csv")
    again = read_runs(tmp_path / "runs.csv")
    pd.testing.assert_frame_equal(again, runs, check_dtype=False, rtol=1e-9)
    assert np.isnan(again["entropy_weight"].iloc[0])
    write_csv(again, tmp_path / "again.csv")
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "runs.csv").read_bytes()
    assert (tmp_path / "runs.csv").read_text().splitlines()[
        1
    ] == "baseline,A,A,0,0,A,0.3,0.96,0.96,50,60,4,9,,1.5"


def test_a_survey_may_be_called_like_a_missing_value(tmp_path, runs):
    runs["source"] = runs["source"].replace("A", "NA")
    write_csv(runs, tmp_path / "runs.csv")
    assert "NA" in set(read_runs(tmp_path / "runs.csv")["source"])


@pytest.mark.parametrize("change", [{"shots": 5}, {"target": "elsewhere"}, {}])
def test_a_second_line_for_a_baseline_is_refused(tmp_path, runs, change):
    again = runs[runs["method"] == "baseline"].iloc[:1].assign(**change)
    write_csv(pd.concat([runs, again]), tmp_path / "runs.csv")
    with pytest.raises(
        ContractError, match=rf"runs.csv: expected one line .*; line {len(runs) + 2} is another"
    ):
        read_runs(tmp_path / "runs.csv")


def test_a_table_with_other_columns_is_refused(tmp_path, runs):
    runs.drop(columns="seed").to_csv(tmp_path / "runs.csv", index=False)
    with pytest.raises(ContractError, match=r"runs.csv: expected the columns method, .* found"):
        read_runs(tmp_path / "runs.csv")
    with pytest.raises(ContractError, match=r"absent.csv: no such file"):
        read_runs(tmp_path / "absent.csv")
