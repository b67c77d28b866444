import numpy as np
import pandas as pd
import pytest
from scipy.stats import ks_2samp

from fake_scores import night
from stampshift.core.errors import ContractError
from stampshift.figures.shift_figures import drift_figure
from stampshift.scoring import drift
from stampshift.scoring.drift import compared, curves, drift_page, drift_report
from stampshift.scoring.scores_file import read_scores


def verdicts(report, survey="A"):
    lines = report["surveys"][survey]["distributions"]
    return {(line["quantity"], line["of"]): line["verdict"] for line in lines}


def test_the_limit_of_chance_is_the_quantile_of_equally_sized_draws(monkeypatch):
    monkeypatch.setattr(drift, "CHANCE", 0.05)  # draws enough to count
    generator, trials = np.random.default_rng(0), 1500
    limit = compared(generator.random(300), generator.random(200))["chance"]
    above = sum(
        ks_2samp(generator.random(300), generator.random(200), method="asymp").statistic > limit
        for _ in range(trials)
    )
    # the asymptotic limit errs on the side of silence
    assert 0.03 * trials < above < 0.05 * trials + 3 * np.sqrt(0.05 * trials)


def test_the_distance_is_the_largest_difference_of_the_cumulative_shares():
    night_values, reference = np.arange(1000.0), np.arange(1000.0) + 300
    found = compared(night_values, reference)
    assert found["ks"] == pytest.approx(0.3)
    assert found["verdict"] == "drift"


def test_a_night_like_the_reference_has_not_drifted(known):
    report = drift_report(night(np.random.default_rng(1), 3000), release=known)
    assert set(verdicts(report).values()) == {"chance"}
    assert report["findings"] == ["A: no distribution has drifted."]


def test_a_large_night_raises_no_alarm_over_a_small_difference(known):
    generator = np.random.default_rng(2)
    # a hundredth of a reference's spread: with so many stamps beyond all doubt, and of no consequence
    first, second = generator.normal(size=300_000), generator.normal(0.05, 1, size=300_000)
    found = compared(first, second)
    assert found["p_value"] < 1e-30
    assert found["verdict"] == "slight"


def test_more_reals_move_the_score_but_not_the_stamps_of_a_class(known):
    report = drift_report(night(np.random.default_rng(3), 3000, share_real=0.1), release=known)
    found = verdicts(report)
    assert found["score", "all"] == "drift"
    for quantity in ("similarity", "distance"):
        assert found[quantity, "called real"] == found[quantity, "called bogus"] == "chance"
    called = report["surveys"]["A"]["called_real"]
    assert called["value"] == pytest.approx(0.1, abs=0.03)
    assert called["low"] < called["value"] < called["high"]


def test_changed_stamps_are_detected_within_the_classes(known):
    found = verdicts(drift_report(night(np.random.default_rng(4), 3000, shift=0.05), release=known))
    for quantity in ("similarity", "distance"):
        assert found[quantity, "called real"] == found[quantity, "called bogus"] == "drift"
    assert found["score", "all"] == "chance"


def test_flags_are_counted_by_name_with_intervals(known):
    scores = night(np.random.default_rng(5), 100)
    scores.loc[:4, "flag"] = "out of distribution"
    scores.loc[3:4, "flag"] = "out of distribution;empty template"
    scores.loc[99, ["score", "similarity", "distance"]] = np.nan
    scores.loc[99, "flag"] = "missing cutout"
    report = drift_report(scores, release=known)
    found = report["surveys"]["A"]
    assert {name: share["count"] for name, share in found["flags"].items()} == {
        "empty template": 2, "missing cutout": 1, "out of distribution": 5,
    }  # fmt: skip
    assert (found["stamps"], found["scored"]) == (100, 99)
    assert "A: 1 of 100 candidates have no score." in report["findings"]


def test_outliers_are_many_only_beyond_twice_the_expected_share(known):
    def told(outliers):
        scores = night(np.random.default_rng(6), 100_000)
        scores.loc[: outliers - 1, "flag"] = "out of distribution"
        return any("out of distribution" in each for each in drift_report(scores, release=known)["findings"])

    assert not told(1500)  # 1.5%, significantly more than 1%
    assert told(3000)


def test_few_stamps_are_not_compared(known):
    report = drift_report(night(np.random.default_rng(7), 10), release=known)
    assert set(verdicts(report).values()) == {"too few stamps"}
    assert report["findings"] == ["A: fewer than 30 stamps on one side; nothing can be compared."]


def test_a_survey_that_the_model_does_not_know_is_reported(known):
    report = drift_report(night(np.random.default_rng(8), 500, survey="LSST"), release=known)
    assert report["findings"][0] == "LSST is not a survey of this model; it is compared with A."


def test_a_small_night_says_what_it_cannot_tell(known):
    report = drift_report(night(np.random.default_rng(1), 120), release=known)
    assert set(verdicts(report).values()) <= {"chance", "too few stamps"}
    lines = [line for line in report["surveys"]["A"]["distributions"] if line["chance"] is not None]
    worst = max(line["chance"] for line in lines)
    (told,) = report["findings"]
    assert worst > 0.2
    assert told.startswith(
        "A: no distribution has drifted; with so few stamps a drift may go unseen: chance alone reaches a "
        f"KS distance of {worst:.2f} ("
    )


def test_a_survey_unknown_to_the_model_is_compared_with_another_on_the_page(known):
    scores = night(np.random.default_rng(8), 500, survey="LSST")
    figure = drift_figure(curves(scores, release=known))
    page = drift_page(drift_report(scores, release=known), night="n.csv", figure=figure)
    assert "<h2>LSST, against the reference of A</h2>" in page


def test_curves_hold_the_quantiles_of_night_and_reference(known):
    table = curves(night(np.random.default_rng(9), 777), release=known)
    chosen = table[(table["quantity"] == "score") & (table["sample"] == "night")]
    assert set(chosen["stamps"]) == {777}
    assert chosen["value"].is_monotonic_increasing
    assert (chosen["share"].iloc[0], chosen["share"].iloc[-1]) == (0, 1)


def test_the_page_holds_all_that_it_shows(known):
    scores = night(np.random.default_rng(10), 500, share_real=0.1)
    figure = drift_figure(curves(scores, release=known))
    assert [axes.get_xlabel() for axes in figure.axes] == ["score, P(real)", "similarity", "distance"]
    page = drift_page(drift_report(scores, release=known), night="tonight.parquet", figure=figure)
    assert "<title>Drift: tonight.parquet, " in page
    assert "data:image/png;base64," in page
    assert 'src="http' not in page
    assert "A: drifted, with the KS distance" in page


def test_scores_without_distance_are_compared_without_it(known):
    scores = night(np.random.default_rng(11), 500).drop(columns="distance")
    assert {quantity for quantity, _ in verdicts(drift_report(scores, release=known))} == {
        "score",
        "similarity",
    }


def test_scores_files_are_read_and_others_refused(tmp_path):
    table = night(np.random.default_rng(12), 5)
    table.loc[2, ["score", "similarity", "distance"]] = np.nan
    table.to_parquet(tmp_path / "scores.parquet")
    table.to_csv(tmp_path / "scores.csv", index=False)
    for name in ("scores.parquet", "scores.csv"):
        read = read_scores(tmp_path / name)
        assert read["score"].isna().tolist() == [False, False, True, False, False]
        assert read["flag"].tolist() == [""] * 5
    pd.DataFrame({"id": ["1"]}).to_parquet(tmp_path / "other.parquet")
    with pytest.raises(
        ContractError, match=r"with the columns id, survey, score, similarity, flag, found id and 1"
    ):
        read_scores(tmp_path / "other.parquet")
    with pytest.raises(ContractError, match=r"none\.parquet: no such file; `stampshift score` makes"):
        read_scores(tmp_path / "none.parquet")
    for name in ("score", "distance"):
        table.astype({name: object}).fillna({name: "0.5x"}).to_csv(tmp_path / "text.csv", index=False)
        with pytest.raises(ContractError, match=rf"text\.csv: expected numbers as {name}, found"):
            read_scores(tmp_path / "text.csv")
