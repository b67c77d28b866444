from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from stampshift.core.errors import ContractError
from stampshift.networks.layers import network_layers
from stampshift.tables.claims import CLAIMS
from stampshift.tables.overview import network_table, overview_table, summary_line, summary_page
from stampshift.tables.significance import paired_comparisons


def test_a_line_per_pair_and_the_means(runs):
    table = overview_table(runs, pairs=["A-to-B", "B-to-A"], methods=["mme", "finetune"])
    assert table.cells.set_index("source to target").T.to_dict("list") == {
        "A to B": ["0.970", "0.700", "0.750", "0.750", "0.800", "0.850", "0.970", "0.870"],
        "B to A": ["0.900", "0.500", "–", "–", "–", "–", "–", "–"],
        "mean": ["0.935", "0.600", "0.750", "0.750", "0.800", "0.850", "0.970", "0.870"],
    }
    assert list(table.cells.columns) == [
        "source to target",
        "baseline, source",
        "baseline, target",
        "MME, 1 shot, target",
        "fine-tuning, 1 shot, target",
        "MME, 10 shots, target",
        "fine-tuning, 10 shots, target",
        "MME, 10 shots, source",
        "fine-tuning, 10 shots, source",
    ]
    assert table.caption.startswith("Balanced accuracy on test parts, mean over 3 splits: the baseline")


def test_adaptation_without_labels_has_a_column(with_no_labels):
    cells = overview_table(with_no_labels, pairs=["A-to-B"], methods=["finetune", "mme"]).cells
    assert cells["MME, 0 shots, target"].tolist() == ["0.700", "0.700"]
    assert cells["fine-tuning, 1 shot, target"].tolist() == ["0.750", "0.750"]
    assert not any(name.startswith("fine-tuning, 0") for name in cells.columns)


def test_numbers_hold_every_number_of_shots_once(runs):
    numbers = overview_table(runs, pairs=["A-to-B"], methods=["finetune", "mme"]).numbers
    assert len(numbers) == 2 + 2 * 2 * 2
    assert not numbers.duplicated(["source", "target", "method", "shots", "evaluated_on"]).any()
    chosen = numbers.query("method == 'mme' and shots == 10 and evaluated_on == 'B'")
    assert chosen["mean"].item() == pytest.approx(0.80)
    assert chosen["std"].item() == pytest.approx(0.01)


def test_baselines_alone_make_a_table(runs):
    table = overview_table(runs[runs["method"] == "baseline"], pairs=["A-to-B"], methods=["mme"])
    assert table.cells.to_numpy().tolist() == [["A to B", "0.970", "0.700"], ["mean", "0.970", "0.700"]]
    assert np.isfinite(table.numbers["mean"]).all()


def test_the_line_says_where_results_are_and_what_they_show(runs):
    assert summary_line(runs, "out", simulated=True) == (
        "tables in out/tables, figures in out/figures, report in out/report.html; "
        "simulated surveys, 1 pair, 3 splits: "
        "balanced accuracy 0.970 within a survey, 0.700 on another (drop 0.270); "
        "after 10 labelled target stamps per class: "
        "fine-tuning 0.850 on the target (0.100 lost on the source), "
        "MME 0.800 on the target "
        "(0.000 lost on the source)."
    )


def test_an_experiment_of_two_splits_is_called_too_short_first(runs):
    line = summary_line(runs[runs["seed"] < 2], "out", simulated=True)
    assert line.startswith("too short to judge (2 splits; it takes 3, and better ten); tables in out/tables")


def test_real_surveys_are_not_called_simulated(runs):
    assert "simulated" not in summary_line(runs, "out", simulated=False)


def test_a_gain_on_the_source_is_called_a_gain(runs):
    runs.loc[(runs["method"] == "mme") & (runs["evaluated_on"] == "A"), "balanced_accuracy"] = 0.99
    assert "MME 0.800 on the target (0.020 gained on the source)" in summary_line(
        runs, "out", simulated=False
    )


def test_baselines_alone_are_summarised_over_every_transfer(runs):
    line = summary_line(runs[runs["method"] == "baseline"], "out", simulated=False)
    # means of 0.97 and 0.90, and of 0.70 and 0.50
    assert line.endswith(
        "2 pairs, 3 splits: balanced accuracy 0.935 within a survey, 0.600 on another (drop 0.335)."
    )


def test_an_experiment_without_a_transfer_is_refused(runs):
    own = runs[(runs["method"] == "baseline") & (runs["source"] == runs["target"])]
    with pytest.raises(ContractError, match="expected baselines evaluated on another survey than their own"):
        summary_line(own, "out", simulated=False)


@pytest.mark.parametrize("evaluated_on", ["A", "B"])
def test_a_pair_without_its_baseline_is_refused(runs, evaluated_on):
    lost = (runs["method"] == "baseline") & (runs["source"] == "A") & (runs["evaluated_on"] == evaluated_on)
    with pytest.raises(ContractError, match="expected baselines evaluated on another survey than their own"):
        summary_line(runs[~lost], "out", simulated=False)


ROOT = Path(__file__).parents[3]
EMPTY = {"pairs": ["A-to-B"], "methods": ["finetune", "mme"]}


@pytest.fixture
def page(runs):
    def made(*, simulated, seeds=3, warnings=(), several=(), answers=()):
        some = runs[runs["seed"] < seeds]
        return summary_page(
            some,
            paired_comparisons(some, **EMPTY),
            warnings=warnings,
            published=pd.read_csv(ROOT / "resources/published/published_balanced_accuracy.csv"),
            panel=b"\x89PNG",
            several=several,
            answers=answers,
            template=(ROOT / "workflow/report/summary.html.jinja").read_text(encoding="utf-8"),
            simulated=simulated,
            versions={"torch": "2.13.0"},
            **EMPTY,
        )

    return made


class Addresses(HTMLParser):
    """What a browser would fetch."""

    def __init__(self):
        super().__init__()
        self.fetched = []

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        if tag in {"img", "script", "link", "iframe"}:
            self.fetched.append(values.get("src") or values.get("href"))


def test_the_page_is_complete_in_itself(page):
    parser = Addresses()
    parser.feed(page(simulated=True))
    assert parser.fetched == ["data:image/png;base64,iVBORw=="]


def test_simulated_surveys_are_named_first(page):
    text = page(simulated=True)
    warning = text.index("Simulated surveys: the built-in simulator stands in")
    assert warning < text.index("<h1>")
    assert "Simulated surveys: the built-in" not in page(simulated=False)


def test_a_page_of_two_splits_begins_with_that_it_is_too_short(page):
    text = page(simulated=True, seeds=2)
    body = text.partition("<body>")[2].lstrip()
    assert body.startswith('<p class="warning">Too short to judge (2 splits; it takes 3, and better ten).')
    assert "Too short" not in page(simulated=True).partition("<h2>")[0]
    assert text.count('class="verdict">Too short to judge.') == len(CLAIMS)


def test_warnings_come_before_anything_else(page):
    text = page(simulated=False, warnings=["DES is not the published data set <1 & 2>."])
    assert '<p class="warning">DES is not the published data set &lt;1 &amp; 2&gt;.</p>' in text
    assert text.index("DES is not the published") < text.index("<h1>")


def test_it_holds_the_numbers_of_the_table_and_the_verdicts(page):
    text = page(simulated=False)
    for cell in ("<td>A to B</td>", "<td>0.970</td>", "<td>0.850</td>"):
        assert cell in text
    assert text.count('class="verdict"') == len(CLAIMS)
    # 2 baselines, and 2 methods with 2 numbers of shots, on 3 splits each
    assert "18 trained" in text


def test_layers_shapes_and_parameters_are_those_of_the_thesis():
    cells = network_table(network_layers("bolivar", size_pixels=21), size_pixels=21).cells
    assert len(cells) == 17 + 2 + 2
    first = cells.iloc[0].to_dict()
    # 64 kernels of 3 x 5 x 5 weights and a bias
    assert first == {
        "part": "extractor", "layer": "convolution 5 x 5", "output": "64 x 17 x 17", "parameters": "4,864",
    }  # fmt: skip
    shapes = cells.loc[cells["part"] == "extractor", "output"].to_list()
    assert list(dict.fromkeys(shapes)) == [
        "64 x 17 x 17", "64 x 8 x 8", "50 x 4 x 4", "50 x 2 x 2", "200", "100",
    ]  # fmt: skip
    assert cells.iloc[-2:]["parameters"].to_list() == ["115,944", "115,942"]
