import pytest

from review_server import write_new_survey
from stampshift.core.errors import ContractError
from stampshift.review.gold import Gold
from stampshift.review.known_answers import THE_LABELS
from stampshift.review.reviewed import Candidate, Known, open_review

CANDIDATES = [Candidate(f"c{number}", number, "unlabelled", None) for number in range(200)]
KNOWN = [
    Known(Candidate(f"g{number}", 1000 + number, "real", None), "real" if number % 4 else "bogus")
    for number in range(40)
]


def mixed(gold, *, rater="ann", before=0, seen=(), candidates=CANDIDATES):
    return [each.id for each in gold.mixed_into(candidates, rater=rater, before=before, seen=seen)]


def test_examples_have_both_answers_and_are_not_mixed_in():
    gold = Gold.of(KNOWN, examples=6, rate=0.2, seed=1)
    assert sorted(known.answer for known in gold.examples) == ["bogus"] * 3 + ["real"] * 3
    assert len(gold.mixed) == 34
    assert not {known.candidate.id for known in gold.examples} & set(gold.mixed)
    assert gold == Gold.of(KNOWN, examples=6, rate=0.2, seed=1)
    assert gold.examples != Gold.of(KNOWN, examples=6, rate=0.2, seed=2).examples
    # ten of forty answers are bogus
    many = Gold.of(KNOWN, examples=30, rate=0, seed=1)
    assert sum(known.answer == "bogus" for known in many.examples) == 10 + 5 - 5
    assert many.mixed == {}


def test_gold_comes_at_its_rate_each_stamp_once_in_an_order_of_each_rater():
    gold = Gold.of(KNOWN, examples=0, rate=0.1, seed=0)
    ann, bob = (mixed(gold, rater=rater) for rater in ("ann", "bob"))
    given = [name for name in ann if name.startswith("g")]
    assert [name for name in ann if name.startswith("c")] == [each.id for each in CANDIDATES]
    assert 12 <= len(given) == len(set(given)) <= 28
    assert ann != bob
    assert mixed(gold, rater="ANN") == ann


def test_a_reload_gives_neither_more_nor_less_gold():
    """Asked for in pieces, with a restart anywhere, a rater gets what one list would have."""
    gold = Gold.of(KNOWN, examples=0, rate=0.1, seed=0)
    whole, seen, pieces = mixed(gold), set(), []
    for start in range(0, 200, 7):
        piece = mixed(gold, before=start, seen=seen, candidates=CANDIDATES[start : start + 7])
        pieces += piece
        seen |= {name for name in piece if name.startswith("g")}
    assert pieces == whole


def test_gold_ends_when_all_is_seen_and_nothing_comes_at_a_rate_of_0():
    names = {known.candidate.id for known in KNOWN}
    assert mixed(Gold.of(KNOWN, examples=0, rate=1, seed=0), seen=names)[0] == "c0"
    assert mixed(Gold.of(KNOWN, examples=2, rate=0, seed=0)) == [each.id for each in CANDIDATES]


def test_too_few_known_answers_are_named():
    with pytest.raises(ContractError, match=r"at least 41 .* --examples 40 and --gold-rate 0\.1, found 40"):
        Gold.of(KNOWN, examples=40, rate=0.1, seed=0)
    assert Gold.of([], examples=0, rate=0, seed=0).mixed == {}


def test_labelled_stamps_that_are_no_candidates_are_known(study):
    review = open_review(study, stamps=None, gold=THE_LABELS)
    assert len(review.candidates) == 30
    # rows 0, 2, ... 60: "other<row>", real for odd row // 2
    assert [known.candidate.id for known in review.known[:3]] == ["other0", "other2", "other4"]
    assert [known.answer for known in review.known[:3]] == ["bogus", "real", "bogus"]
    assert len(review.known) == 31


def test_of_a_new_survey_the_few_labels_are_known_and_not_asked_about(tmp_path):
    stamps = write_new_survey(tmp_path, [255, 1, 255, 0])
    review = open_review(stamps, stamps=None, gold=THE_LABELS)
    assert [(known.candidate.id, known.answer) for known in review.known] == [("n1", "real"), ("n3", "bogus")]
    assert list(review.candidates) == ["n0", "n2"]
    assert list(review.labels) == ["n0", "n1", "n2", "n3"]
    assert review.fingerprint == open_review(stamps, stamps=None).fingerprint
    whole = open_review(write_new_survey(tmp_path, [1, 0]), stamps=None, gold=THE_LABELS)
    assert (whole.known, len(whole.candidates)) == ((), 2)


def test_a_table_of_answers_names_stamps_of_the_file(tmp_path):
    stamps, table = write_new_survey(tmp_path, [255] * 4), tmp_path / "gold.csv"
    table.write_text("id,label\nn3,bogus\nn1,real\n")
    review = open_review(stamps, stamps=None, gold=table)
    assert [(known.candidate.row, known.answer) for known in review.known] == [(3, "bogus"), (1, "real")]
    assert list(review.candidates) == ["n0", "n2"]
    table.write_text("id,label\nn3,artifact\n")
    with pytest.raises(ContractError, match=r"gold\.csv: expected the answers .* found 'artifact' for n3"):
        open_review(stamps, stamps=None, gold=table)
    table.write_text("id,label\nn9,real\n")
    with pytest.raises(ContractError, match=r"gold\.csv: New should hold candidate n9 once, found 0"):
        open_review(stamps, stamps=None, gold=table)
