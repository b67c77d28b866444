import pytest

from stampshift.core.errors import ContractError
from stampshift.tables.summary import summary_line


def test_the_line_tells_where_results_are_and_what_they_show(runs):
    assert summary_line(runs, "out", simulated=True) == (
        "tables in out/tables, figures in out/figures, report in out/report.html; "
        "simulated surveys, 1 pair, 3 splits: "
        "balanced accuracy 0.970 within a survey, 0.700 on another (drop 0.270); "
        "after 10 labelled target stamps per class: "
        "fine-tuning 0.850 on the target (0.100 lost on the source), "
        "MME 0.800 on the target "
        "(0.000 lost on the source)."
    )


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
