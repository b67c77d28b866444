import numpy as np
import pandas as pd
import pytest

from fake_generalist import ACCURACIES, runs_of
from stampshift.core.errors import ContractError
from stampshift.tables.balanced_accuracy import baseline_table, pair_table
from stampshift.tables.run_table import select_pair, summarise
from stampshift.tables.writing import Table, format_mean, full_caption, write_table

METHODS = ["finetune", "mme"]


@pytest.fixture
def published() -> pd.DataFrame:
    rows = [
        ("baseline", "A", "A", 1),
        ("mme", "A", "B", 18),
        ("finetune", "A", "B", 19),
        ("mme", "B", "A", 7),
    ]
    return pd.DataFrame(rows, columns=["method", "source", "target", "thesis_table"])


def test_means_and_sample_standard_deviations(runs):
    numbers = summarise(runs[runs["method"] == "baseline"], by=("source", "target"))
    assert numbers["mean"].tolist() == pytest.approx([0.97, 0.7, 0.9, 0.5])
    assert numbers["std"].tolist() == pytest.approx(
        [0.01, 0.1, 0, 0.05]
    )  # n - 1: 0.1, where n would give 0.082
    assert numbers["splits"].tolist() == [3, 3, 3, 3]


def test_a_single_split_has_no_spread(runs):
    assert summarise(runs[runs["seed"] == 0], by=("method",))["std"].notna().all()
    single = summarise(runs[(runs["seed"] == 0) & (runs["method"] == "baseline")], by=("source", "target"))
    assert single["std"].isna().all()


@pytest.mark.parametrize(
    ("mean", "std", "text"),
    [(0.9671, 0.0081, "0.967 ± 0.008"), (0.5, np.nan, "0.500 ± –"), (np.nan, np.nan, "–")],
)
def test_a_missing_number_is_a_dash(mean, std, text):
    assert format_mean(mean, std) == text


def test_baseline_table_in_the_order_of_the_surveys(runs, published):
    table = baseline_table(runs, surveys=["B", "A"], published=published)
    assert table.cells.to_dict("list") == {
        "source": ["B", "A"],
        "B": ["0.900 ± 0.000", "0.700 ± 0.100"],
        "A": ["0.500 ± 0.050", "0.970 ± 0.010"],
    }
    assert table.caption == (
        "Balanced accuracy of models trained on one survey (row) and tested on another (column), "
        "mean ± sample standard deviation over 3 splits. Published: Table 1 of Bolívar (2022)."
    )


def test_baseline_table_without_a_source_or_an_evaluation(runs, published):
    some = runs[(runs["source"] == "A") & (runs["seed"] == 0)]
    table = baseline_table(some, surveys=["A", "B", "C"], published=published.iloc[:0])
    assert table.cells.to_numpy().tolist() == [["A", "0.960 ± –", "0.600 ± –", "–"]]
    said = full_caption(table, simulated=True)
    assert said.endswith("over 1 split. With simulated surveys in place of archives.")


def test_pair_table_by_shots_next_to_the_baseline(runs, published):
    table = pair_table(runs, pair="A-to-B", methods=METHODS, published=published)
    assert table.cells.to_dict("list") == {
        "shots": ["0 (baseline)", "1", "10"],
        "fine-tuning, on A": ["0.970 ± 0.010", "0.910 ± 0.010", "0.870 ± 0.020"],
        "MME, on A": ["0.970 ± 0.010", "0.960 ± 0.000", "0.970 ± 0.000"],
        "fine-tuning, on B": ["0.700 ± 0.100", "0.750 ± 0.050", "0.850 ± 0.050"],
        "MME, on B": ["0.700 ± 0.100", "0.750 ± 0.030", "0.800 ± 0.010"],
    }
    assert "from A to B with a number of labelled stamps of B per class" in table.caption
    assert "Published: Tables 18 and 19 of Bolívar (2022)." in table.caption
    line = table.numbers[(table.numbers["method"] == "mme") & (table.numbers["shots"] == 10)].iloc[1]
    assert line[["source", "target", "evaluated_on", "splits"]].tolist() == ["A", "B", "B", 3]
    assert (line["mean"], line["std"]) == pytest.approx((0.8, 0.01))


def test_a_source_of_several_surveys_has_columns_of_their_mean_and_of_each(published):
    runs = runs_of(ACCURACIES).sort_values("evaluated_on", ascending=False)
    table = pair_table(runs, pair="both-to-C", methods=["mme"], published=published)
    assert table.cells.columns.tolist() == ["shots", "MME, on both", "MME, on B", "MME, on A", "MME, on C"]
    assert table.cells["MME, on A"].tolist() == ["0.950 ± 0.008", "0.941 ± 0.008"]
    member = pair_table(runs, pair="both-to-B", methods=["finetune"], published=published)
    assert [name[-1] for name in member.cells.columns[2:]] == ["A", "B"]


def test_a_method_without_labels_has_its_line_beside_the_baseline(with_no_labels, published):
    cells = pair_table(with_no_labels, pair="A-to-B", methods=METHODS, published=published).cells
    assert cells["shots"].tolist() == ["0 (baseline)", "0", "1", "10"]
    assert cells["MME, on B"].tolist()[:2] == ["0.700 ± 0.100", "0.700 ± 0.030"]
    assert cells["fine-tuning, on B"].tolist()[:2] == ["0.700 ± 0.100", "–"]


def test_a_pair_that_was_not_run_is_refused(runs, published):
    with pytest.raises(ContractError, match="runs of B-to-A of every method, found none of finetune on B"):
        pair_table(runs, pair="B-to-A", methods=METHODS, published=published)
    with pytest.raises(ContractError, match="found none of new on A, new on B"):
        select_pair(runs, source="A", target="B", methods=[*METHODS, "new"])


def test_select_pair_leaves_other_pairs_out(runs):
    chosen = select_pair(runs, source="A", target="B", methods=["mme"])
    assert set(chosen["method"]) == {"baseline", "mme"}
    assert set(chosen["source"]) == {"A"}
    assert len(chosen) == 3 * (2 + 4)


def test_a_table_of_simulated_surveys_says_so_wherever_it_has_a_caption(tmp_path):
    table = Table(pd.DataFrame({"a": [1]}), pd.DataFrame({"a": ["1"]}), "Numbers. ", "tab:a")
    paths = [tmp_path / f"t.{suffix}" for suffix in ("csv", "md", "tex")]
    write_table(table, paths, simulated=True)
    said = "Numbers. With simulated surveys in place of archives."
    assert [said in path.read_text() for path in paths] == [False, True, True]


def test_files_hold_the_numbers_and_the_cells(tmp_path):
    table = Table(
        numbers=pd.DataFrame({"mean": [0.1 + 0.2], "std": [np.nan]}),
        cells=pd.DataFrame({"a_b": ["0.300 ± –"], "λ": ["1"]}),
        caption="100% of A & B.",
        label="tab:a",
    )
    write_table(table, [tmp_path / f"t.{suffix}" for suffix in ("csv", "md", "tex")], simulated=False)
    assert (tmp_path / "t.csv").read_text() == "mean,std\n0.3,\n"
    assert (tmp_path / "t.md").read_text(encoding="utf-8") == (
        "100% of A & B.\n\n| a_b       | λ   |\n|:----------|:----|\n| 0.300 ± – | 1   |\n"
    )
    assert (tmp_path / "t.tex").read_text(encoding="utf-8").splitlines() == [
        r"\begin{table}",
        r"\centering",
        r"\caption{100\% of A \& B.}",
        r"\label{tab:a}",
        r"\begin{tabular}{ll}",
        r"\toprule",
        r"a\_b & $\lambda$ \\",
        r"\midrule",
        r"0.300 $\pm$ -- & 1 \\",
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
