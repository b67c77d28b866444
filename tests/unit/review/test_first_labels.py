"""From packets without a label to a stamps file with the labels that people gave them on the page."""

from pathlib import Path

import httpx
import pytest
import yaml
from typer.testing import CliRunner

from any_survey import write_packets
from review_server import ACCESS, COOKIES, ONE, serving
from stampshift.cli import app
from stampshift.core.errors import ArchiveError, ContractError
from stampshift.review.app import make_app
from stampshift.review.drawing import Draw
from stampshift.review.reviewed import open_review
from stampshift.review.vote_store import VoteStore
from stampshift.stamps.file import Stamps

SECTION = {
    "reader": "packets",
    "origin": "path",
    "path": "nights",
    "classes": {"real": "real", "bogus": "bogus"},
    "invalid": {},
}
VOTES = Path("resources/reviews/Rubin.sqlite")
ALONE = ("--margin", 1, "--min-votes", 1)
LABELS = VOTES.with_suffix(".csv")
# of packets 1 to 8: packet 4 is skipped, packet 6 never looked at
SAID = {1: "real", 2: "bogus", 3: "bogus", 4: "skip", 5: "real", 7: "bogus", 8: "real"}


def run(*arguments):
    done = CliRunner().invoke(app, list(map(str, arguments)), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def make_stamps(output, **changes):
    Path("my.yaml").write_text(yaml.safe_dump({"surveys": {"Rubin": SECTION | changes}}))
    return run("stamps", "--config", "my.yaml", "--survey", "Rubin", "--output", output)


@pytest.fixture
def unlabelled(tmp_path, monkeypatch):
    """A stamps file of eight packets, none of them labelled."""
    monkeypatch.chdir(tmp_path)
    write_packets(tmp_path / "nights", 8)
    assert "unlabelled 8" in make_stamps("to-label.h5")
    return Path("to-label.h5")


def vote(stamps, said):
    """Vote as the page does; the packets in the order in which they were shown."""
    review = open_review(stamps, stamps=None, draw=Draw("random", None, 1))
    shown = []
    with (
        VoteStore.open(VOTES, review) as store,
        serving(make_app(review, store, asking=ONE, access=ACCESS)) as address,
        httpx.Client(base_url=address, headers={"Origin": address}, cookies=COOKIES) as client,
    ):
        queue = client.get("api/queue", params={"rater": "ann", "count": 100}).json()
        for candidate in queue["candidates"]:
            shown.append(candidate["id"])
            word = said.get(int(candidate["id"]))
            if word is not None:
                body = {"review": review.fingerprint, "rater": "ann", "id": candidate["id"], "vote": word}
                key = f"key-of-{candidate['id']:0>16}"
                answer = client.post("api/votes", json=body | {"key": key}).raise_for_status().json()
                known = {"label": "unlabelled", "score": None} if word != "skip" else {}
                expected = {"id": candidate["id"], "row": candidate["row"], "vote": word} | known
                assert answer["candidate"] == expected
        progress = client.get("api/queue", params={"rater": "ann", "count": 1}).json()["progress"]
        assert (progress["mine"], progress["candidates"]) == (len(said), 8)
    return shown


def test_votes_on_unlabelled_packets_become_the_labels_of_their_stamps(unlabelled):
    vote(unlabelled, SAID)
    assert "6, of which 6 labelled for the first time (3 real, 3 bogus)" in run(
        "review-export", VOTES, *ALONE
    )
    told = make_stamps("Rubin.h5", packets={"labels": str(LABELS)})
    assert "real 3, bogus 3, unlabelled 2" in told
    stamps = Stamps.open("Rubin.h5", unlabelled=True)
    # stamps keep the order of the packets, whatever the order of the votes
    assert stamps.ids.tolist() == [str(number) for number in range(1, 9)]
    assert stamps.labels.tolist() == [1, 0, 0, 255, 1, 255, 0, 1]


def test_more_votes_on_the_same_stamps_make_more_labels(unlabelled):
    vote(unlabelled, {1: "real", 2: "bogus"})
    run("review-export", VOTES, *ALONE)
    make_stamps("Rubin.h5", packets={"labels": str(LABELS)})
    again = open_review(unlabelled, stamps=None)
    with VoteStore.open(VOTES, again) as store:
        store.add(key="k" * 16, id="6", rater="ann", vote="real")
    run("review-export", VOTES, *ALONE)
    make_stamps("Rubin.h5", packets={"labels": str(LABELS)})
    assert Stamps.open("Rubin.h5", unlabelled=True).labels.tolist() == [1, 0, 255, 255, 255, 1, 255, 255]


def test_votes_do_not_pass_to_the_file_that_they_labelled(unlabelled):
    vote(unlabelled, {1: "real"})
    run("review-export", VOTES, *ALONE)
    make_stamps("Rubin.h5", packets={"labels": str(LABELS)})
    partly = open_review(Path("Rubin.h5"), stamps=None)
    assert [kept.label for kept in partly.candidates.values()] == ["real"] + ["unlabelled"] * 7
    with pytest.raises(ContractError, match=r"votes are on other candidates(.|\n)*--votes"):
        VoteStore.open(VOTES, partly)


def test_a_seed_shuffles_what_nobody_has_labelled(unlabelled):
    shown = vote(unlabelled, {})
    assert sorted(shown) == [str(number) for number in range(1, 9)]
    assert shown != sorted(shown)


def test_a_map_without_real_and_bogus_says_what_to_add(unlabelled):
    vote(unlabelled, {1: "real"})
    run("review-export", VOTES, *ALONE)
    with pytest.raises(ArchiveError, match=r"found 'real' for 1\. Correct it, or add it to the survey's"):
        make_stamps("Rubin.h5", packets={"labels": str(LABELS)}, classes={"SN": "real", "ghost": "bogus"})


def test_what_trains_on_labels_still_refuses_stamps_without_one(unlabelled):
    open_review(unlabelled, stamps=None)
    with pytest.raises(ContractError, match="expected a label for every stamp, but 8 of 8 have none"):
        Stamps.open(unlabelled)
