import numpy as np
import pytest
from scipy.stats import beta

from stampshift.core.errors import ContractError
from stampshift.release.threshold import choose, operating_point, rate

LABELS = [1] * 10 + [0] * 5
SCORES = [0.05, 0.3, 0.6, 0.7, 0.8, 0.9, 0.91, 0.92, 0.93, 0.94, 0.01, 0.02, 0.03, 0.4, 0.65]


def point(**asked):
    options = {"survey": "A", "max_mdr": None, "max_fpr": None} | asked
    return operating_point(LABELS, SCORES, **options)


def test_the_threshold_is_the_lowest_score_of_the_reals_that_are_kept():
    # of ten reals one may be missed: the threshold is the second lowest
    found = point(max_mdr=0.1)
    assert found.threshold == 0.3
    assert (found.mdr.count, found.mdr.of) == (1, 10)
    assert (found.fpr.count, found.fpr.of) == (2, 5)


def test_a_rate_just_below_one_over_n_misses_none():
    assert point(max_mdr=0.0999).threshold == 0.05
    assert point(max_mdr=0.0999).fpr.count == 2


def test_max_fpr_alone_gives_the_lowest_threshold_that_keeps_it():
    found = point(max_fpr=0.2)
    assert found.threshold == 0.6  # one bogus, at 0.65, passes; at 0.4 a second one would
    assert found.mdr.count == 2


def test_with_both_the_threshold_of_the_mdr_must_keep_the_fpr():
    assert point(max_mdr=0.2, max_fpr=0.2).threshold == 0.6
    with pytest.raises(ContractError, match=r"with that MDR the lowest FPR is 0.4\. Ask for more of either"):
        point(max_mdr=0.1, max_fpr=0.2)


def test_no_threshold_keeps_an_fpr_of_zero_where_the_highest_score_is_bogus():
    with pytest.raises(ContractError, match="calls any validation stamp real; ask for a larger --max-fpr"):
        operating_point([1, 0], [0.5, 0.9], survey="A", max_mdr=None, max_fpr=0.0)


def test_the_intervals_are_those_of_clopper_and_pearson():
    found = rate(1, 10)
    assert found.value == 0.1
    assert found.low == pytest.approx(beta.ppf(0.025, 1, 10))
    assert found.high == pytest.approx(beta.ppf(0.975, 2, 9))
    assert found.low == pytest.approx(0.00253, abs=1e-5)  # as printed in tables
    assert found.high == pytest.approx(0.44502, abs=1e-5)
    assert rate(0, 10).high == pytest.approx(1 - 0.025**0.1)


def test_too_few_stamps_for_a_promise_are_reported_with_the_number_needed():
    (caveat,) = point(max_mdr=0.01).caveats
    assert "10 real validation stamps are too few to promise an MDR of 0.01 with 95% confidence" in caveat
    assert "could be 0.3085; 368 would be enough" in caveat
    # none missed of 368: the first number whose upper limit is below
    assert rate(0, 368).high <= 0.01 < rate(0, 367).high


def test_enough_stamps_with_too_many_missed_are_distinguished_from_too_few():
    labels = np.array([1] * 1000 + [0] * 10)
    scores = np.linspace(0, 1, 1010)
    found = operating_point(labels, scores, survey="A", max_mdr=0.01, max_fpr=None)
    assert found.mdr.count == 10
    assert "the true MDR may be up to 0.01831, more than the 0.01 asked for" in found.caveats[0]


def test_the_upper_limit_holds_although_the_threshold_was_chosen_on_the_same_stamps():
    generator, broken, trials = np.random.default_rng(0), 0, 2000
    for _ in range(trials):
        scores = generator.random(200)  # of reals: the true MDR of a threshold is the threshold
        found = operating_point([1] * 200 + [0], [*scores, 0.0], survey="A", max_mdr=0.05, max_fpr=None)
        broken += found.threshold > found.mdr.high
    # one side of a 95% interval, four standard deviations of the count allowed
    assert abs(broken - 0.025 * trials) < 4 * np.sqrt(trials * 0.025 * 0.975)


def test_a_release_is_asked_about_its_own_survey_first(adapted_release):
    assert choose(adapted_release, survey=None, max_mdr=0.1, max_fpr=None).survey == "B"
    found = choose(adapted_release, survey="A", max_mdr=0.1, max_fpr=None)
    assert (found.mdr.of, found.fpr.of) == (20, 20)  # A's validation part, a tenth of 400


def test_the_threshold_is_one_of_the_scores_that_the_release_gives(adapted_release, results, splits_of):
    from stampshift.stamps.file import Stamps

    found = choose(adapted_release, survey="A", max_mdr=0.1, max_fpr=None)
    stamps = Stamps.open(results / "stamps" / "A.h5")
    rows = splits_of["A"].validation
    scores = adapted_release.score_stamps(stamps.stamps[rows]).score[stamps.labels[rows] == 1]
    assert (scores < found.threshold).sum() == found.mdr.count


def test_unknown_surveys_and_missing_rates_are_one_sentence(adapted_release):
    with pytest.raises(ContractError, match="knows A and B, found the survey LSST"):
        choose(adapted_release, survey="LSST", max_mdr=0.1, max_fpr=None)
    with pytest.raises(ContractError, match="needs --max-mdr, --max-fpr or both"):
        choose(adapted_release, survey=None, max_mdr=None, max_fpr=None)
