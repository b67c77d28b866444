import json
import re
from dataclasses import replace
from io import BytesIO
from unittest.mock import Mock

import httpx
import pytest
from PIL import Image

from review_server import ACCESS, COOKIES, ONE, TWO, serving, write_new_survey
from stampshift.core.errors import WriteError
from stampshift.review.app import PAGE, make_app
from stampshift.review.gold import Gold
from stampshift.review.known_answers import THE_LABELS
from stampshift.review.reviewed import open_review
from stampshift.review.tags import TAGS
from stampshift.review.vote_store import VoteStore


@pytest.fixture(scope="module")
def clients(review, tmp_path_factory):
    """Clients with the token of a server on loopback and without that of a public one, and their store."""
    path = tmp_path_factory.mktemp("app") / "votes.sqlite"
    with VoteStore.open(path, review) as store:
        apps = [
            make_app(review, store, asking=TWO, access=access)
            for access in (ACCESS, replace(ACCESS, loopback=False))
        ]
        with (
            serving(apps[0]) as one,
            serving(apps[1]) as other,
            httpx.Client(base_url=one, cookies=COOKIES) as opened,
            httpx.Client(base_url=other) as closed,
        ):
            yield opened, closed, store


@pytest.fixture
def client(clients):
    return clients[0]


@pytest.fixture
def closed(clients):
    clients[1].cookies.clear()
    return clients[1]


@pytest.fixture
def store(clients):
    return clients[2]


def body(review, **changes):
    return {
        "review": review.fingerprint,
        "key": "k" * 16,
        "id": "c0",
        "rater": "ann",
        "vote": "real",
    } | changes


def post(client, content, **headers):
    usual = {"Origin": str(client.base_url).rstrip("/"), "Content-Type": "application/json"}
    # escapes what UTF-8 cannot hold
    return client.post("api/votes", content=json.dumps(content), headers=usual | headers)


def test_a_vote_is_saved_and_then_the_model_speaks(client, review, store):
    answer = post(client, body(review, id="c7", key="a" * 16, rater=" vera "))
    assert answer.status_code == 200
    told = {"id": "c7", "row": 15, "vote": "real", "label": "real", "score": 0.07}
    assert answer.json()["candidate"] == told
    assert answer.json()["progress"]["mine"] == 1
    (saved,) = [vote for vote in store.after(0) if vote.rater == "vera"]
    assert (saved.id, saved.vote, saved.time) == ("c7", "real", answer.json()["time"])
    again = post(client, body(review, id="c7", key="a" * 16, rater="vera"))
    assert again.json()["time"] == saved.time
    assert client.get("api/last", params={"rater": "vera"}).json() == [told]


def test_before_the_vote_the_model_is_silent_unless_asked(client):
    ask = {"rater": "new", "count": 2}
    for blind in client.get("api/queue", params=ask).json()["candidates"]:
        assert set(blind) == {"id", "row"}
    told = client.get("api/queue", params=ask | {"reveal": True, "held": ["c0", "c1"]}).json()["candidates"]
    assert told[0] == {"id": "c2", "row": 5, "label": "bogus", "score": 0.02}


@pytest.mark.parametrize("vote", ["skip", "undo"])
def test_without_a_vote_the_model_stays_silent(client, review, vote):
    if vote == "undo":
        post(client, body(review, key=f"undone-{'b' * 16}", rater="shy", id="c9"))
    answer = post(client, body(review, key=f"{vote}-{'b' * 16}", rater="shy", id="c9", vote=vote))
    assert set(answer.json()["candidate"]) == {"id", "row", "vote"}


@pytest.mark.parametrize(
    ("changes", "status", "detail"),
    [
        ({"id": "other0"}, 404, "other0 is not a candidate"),
        ({"review": "0" * 16}, 409, "Another review runs at this address"),
        ({"vote": "maybe"}, 422, ""),
        ({"rater": "   "}, 422, ""),
        ({"rater": "a\nb"}, 422, ""),
        ({"rater": "\u200b\ufeff\u3164"}, 422, "rater: a name has 1 to 40 visible characters."),
        ({"rater": "a\u2028b"}, 422, "no line breaks"),
        ({"rater": "\x9b31m"}, 422, "no line breaks or control characters"),
        ({"rater": "\ufdfa" * 3}, 422, "1 to 40"),  # 54 letters, written out
        ({"key": "short"}, 422, "key: "),
    ],
)
def test_an_invalid_vote_is_refused_and_not_saved(client, review, store, changes, status, detail):
    before = store.after(0)
    answer = post(client, body(review, key="c" * 16) | changes)
    assert answer.status_code == status
    assert detail in str(answer.json()["detail"])
    assert store.after(0) == before


@pytest.mark.parametrize("change", [{"id": "c21"}, {"rater": "bob"}, {"rater": "bob", "vote": "undo"}])
def test_a_key_used_for_another_vote_is_a_conflict(client, review, change):
    assert post(client, body(review, key="d" * 16, id="c20")).status_code == 200
    answer = post(client, body(review, key="d" * 16, id="c20") | change)
    assert answer.status_code == 409
    assert "another vote" in answer.json()["detail"]


@pytest.mark.parametrize("field", ["review", "key", "id", "rater", "vote"])
@pytest.mark.parametrize("half", ["\ud800", "x\udfff"])
def test_half_a_surrogate_pair_is_refused_in_a_sentence(client, review, store, field, half):
    before = store.after(0)
    answer = post(client, body(review, key="e" * 16) | {field: half * 16})
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith(f"{field}: ")
    assert store.after(0) == before


@pytest.mark.parametrize("place", ["a key", "a value"])
def test_half_a_surrogate_pair_beside_a_wrong_field_is_not_sent_back(client, review, place):
    beside = {"\ud800": 1} if place == "a key" else {"beside": "\ud800"}
    answer = post(client, body(review, vote="maybe") | beside)
    assert (answer.status_code, answer.json()["detail"][:6]) == (422, "vote: ")


@pytest.mark.parametrize(
    "content", [b'"caf\xe9"', b"[" * 100_000, b'{"review": ' + b"9" * 5000 + b"}", b"", b"null", b"{"]
)
def test_what_is_no_vote_is_refused_in_a_sentence(client, content):
    headers = {"Origin": str(client.base_url).rstrip("/"), "Content-Type": "application/json"}
    answer = client.post("api/votes", content=content, headers=headers)
    assert answer.status_code in {400, 422}
    assert isinstance(answer.json()["detail"], str)


def test_undo_withdraws_only_a_vote_of_ones_own(client, review, store):
    post(client, body(review, key=f"ann-{'u' * 16}", id="c12"))
    before = store.after(0)
    undo = body(review, key=f"bob-{'u' * 16}", id="c12", rater="bob", vote="undo")
    answer = post(client, undo)
    assert (answer.status_code, answer.json()["detail"]) == (
        404,
        "bob has no vote on c12 that could be undone.",
    )
    assert store.after(0) == before
    assert post(client, undo | {"rater": "ann"}).status_code == 200


def test_a_rater_is_one_however_the_name_is_typed(client, review, store):
    spellings = ("Zo\u00eb Li", "Zoe\u0308\u200b  Li", "\uff3a\uff4f\u00eb\u00a0\u202eLi", "ZO\u00cb LI")
    for number, name in enumerate(spellings):
        answer = post(client, body(review, key=f"{number}-{'z' * 16}", id=f"c{13 + number % 2}", rater=name))
        assert answer.status_code == 200
    assert {vote.rater for vote in store.after(0)} >= {"Zo\u00eb Li", "ZO\u00cb LI"}
    assert answer.json()["progress"]["mine"] == 2
    names = [name for name in client.get("api/review").json()["raters"] if name.startswith("Z")]
    assert names == ["Zo\u00eb Li"]
    for name in spellings:
        assert [vote["id"] for vote in client.get("api/last", params={"rater": name}).json()] == [
            "c14",
            "c13",
        ]
        waiting = client.get("api/queue", params={"rater": name, "count": 100}).json()["candidates"]
        assert not {"c13", "c14"} & {candidate["id"] for candidate in waiting}


def test_a_full_disk_is_told_in_a_sentence(client, review, store, monkeypatch):
    full = WriteError(f"{store.path}: cannot be used: the disk is full. Votes saved before are kept.")
    monkeypatch.setattr(VoteStore, "add", Mock(side_effect=full))
    answer = post(client, body(review, key="f" * 16))
    assert (answer.status_code, answer.json()["detail"]) == (507, str(full))


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8765", "192.168.1.2", "127.0.0.1.evil", "[", ""]
)
def test_on_loopback_other_host_names_are_refused(client, host):
    assert client.get("/", headers={"Host": host}).status_code == 421


@pytest.mark.parametrize("host", ["localhost", "localhost:1234", "127.0.0.1:80", "[::1]:8765"])
def test_on_loopback_its_own_names_are_served(client, host):
    assert client.get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "", "http://[", "http://localhost:1"])
def test_votes_from_other_sites_are_refused(client, review, store, origin):
    before = store.after(0)
    assert post(client, body(review, key="e" * 16), Origin=origin).status_code == 403
    assert store.after(0) == before


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST", "PUT"])
@pytest.mark.parametrize("address", ["", "page/page.js", "api/review", "api/votes", "nowhere"])
def test_on_loopback_other_users_of_the_machine_are_refused(client, method, address):
    with httpx.Client(base_url=client.base_url) as other:
        upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
        for headers in ({}, {"Origin": str(client.base_url).rstrip("/")}, upgrade):
            assert other.request(method, f"/{address}", headers=headers).status_code == 403


def test_without_the_token_nothing_is_served(closed, review, store):
    image = f"images/{review.fingerprint}/1-zscale.png"
    before = store.after(0)
    for address in ("/", "page/page.js", "api/review", "api/queue?rater=ann&count=1", image, "/?token=wrong"):
        assert closed.get(address).status_code == 403
    assert post(closed, body(review, key="f" * 16)).status_code == 403
    assert "`stampshift review` printed" in closed.get("/").json()["detail"]
    closed.cookies.set("stampshift", "much-too-secreT")
    assert closed.get("/").status_code == 403
    assert store.after(0) == before


def test_the_token_opens_and_its_cookie_keeps_open(closed, review):
    first = closed.get("/", params={"token": "much-too-secret"})
    assert first.status_code == 200
    cookie = first.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert closed.get("api/review").status_code == 200
    assert post(closed, body(review, key="g" * 16)).status_code == 200


def test_images_are_of_this_review_and_kept_by_the_browser(client, review):
    address = f"images/{review.fingerprint}/1-asinh.png"
    answer = client.get(address)
    assert answer.headers["content-type"] == "image/png"
    assert "immutable" in answer.headers["cache-control"]
    for wrong in (
        f"images/{'0' * 16}/1-asinh.png",
        address.replace("1-", "1000-"),
        address.replace("asinh", "log"),
    ):
        assert client.get(wrong).status_code == 404


def test_the_page_loads_nothing_from_elsewhere(client):
    assert "default-src 'self'" in client.get("/").headers["content-security-policy"]
    for file in PAGE.iterdir():
        elsewhere = set(re.findall(r"https?://[^\s\"']+", file.read_text())) - {"http://www.w3.org/2000/svg"}
        assert not elsewhere, file


def test_no_page_of_documentation(client):
    for address in ("docs", "redoc", "openapi.json"):
        assert client.get(address).status_code == 404


@pytest.fixture
def team(study, tmp_path):
    """A client of a review with examples and gold stamps, and its store."""
    review = open_review(study, stamps=None, gold=THE_LABELS)
    gold = Gold.of(review.known, examples=4, rate=0.5, seed=0)
    with (
        VoteStore.open(tmp_path / "votes.sqlite", review) as store,
        serving(make_app(review, store, asking=TWO, access=ACCESS, gold=gold)) as address,
        httpx.Client(base_url=address, cookies=COOKIES) as client,
    ):
        yield client, store


def test_gold_stamps_look_like_candidates_and_are_judged_apart(team, review):
    client, store = team
    assert client.get("api/review").json()["gold"]
    asked = client.get("api/queue", params={"rater": "ann", "count": 20, "reveal": True}).json()
    gold = [each["id"] for each in asked["candidates"] if each["id"].startswith("other")]
    assert 4 <= len(gold) <= 16
    assert len(asked["candidates"]) == 20 + len(gold)
    assert len({frozenset(each) for each in asked["candidates"]}) == 1
    for number, name in enumerate(["c0", *gold[:2]]):
        sent = body(review, id=name, key=f"{number:016}", vote="real", seconds=2.0)
        assert post(client, sent).status_code == 200
    assert [vote.id for vote in store.after(0)] == ["c0"]
    assert client.get("api/queue", params={"rater": "ann", "count": 1}).json()["progress"]["mine"] == 3
    answers = {name: "real" if int(name.removeprefix("other")) // 2 % 2 else "bogus" for name in gold[:2]}
    result = client.get("api/result", params={"rater": "ANN"}).json()
    assert (result["votes"], result["gold_seen"], result["median_seconds"]) == (1, 2, 2.0)
    assert result["gold_right"] == list(answers.values()).count("real")
    missed = [(each["id"], each["answer"], each["vote"]) for each in result["missed"]]
    assert missed == [(name, "bogus", "real") for name in gold[:2] if answers[name] == "bogus"]
    again = client.get("api/queue", params={"rater": "ann", "count": 20}).json()["candidates"]
    assert not {each["id"] for each in again} & {"c0", *gold[:2]}


def test_examples_come_with_their_answers_and_are_asked_of_nobody(team):
    client, _ = team
    examples = client.get("api/examples").json()
    assert sorted(each["answer"] for each in examples) == ["bogus", "bogus", "real", "real"]
    asked = client.get("api/queue", params={"rater": "ann", "count": 100}).json()["candidates"]
    assert not {each["id"] for each in asked} & {each["id"] for each in examples}


def test_a_result_of_nobody(client):
    result = client.get("api/result", params={"rater": "never"}).json()
    assert result == {
        "rater": "never",
        **{"votes": 0, "skips": 0, "gold_seen": 0, "gold_right": 0, "median_seconds": None, "missed": []},
    }


def test_reasons_are_those_of_the_list(client, review, store):
    known = client.get("api/review").json()["tags"]
    assert known[:4] == ["saturated", "bad CCD", "dipole", "trail"]
    sent = body(review, key="r" * 16, id="c18", rater="tia", tags=["dipole", "trail"], seconds=1.5)
    assert post(client, sent).status_code == 200
    assert [(vote.tags, vote.seconds) for vote in store.after(0) if vote.rater == "tia"] == [
        ("dipole;trail", 1.5)
    ]
    for wrong in ({"tags": ["ugly"]}, {"tags": "dipole"}, {"seconds": -1}, {"seconds": "inf"}):
        assert post(client, body(review, key="w" * 16, rater="tia") | wrong).status_code == 422


def test_metadata_and_wider_cutouts_are_told_where_the_file_has_them(tmp_path):
    review = open_review(write_new_survey(tmp_path, [255] * 3, wide=35), stamps=None)
    with (
        VoteStore.open(tmp_path / "votes.sqlite", review) as store,
        serving(make_app(review, store, asking=ONE, access=ACCESS)) as address,
        httpx.Client(base_url=address, cookies=COOKIES) as client,
    ):
        about = client.get("api/review").json()
        assert (about["size"], about["wide"]["size"]) == (21, 35)
        (asked,) = client.get("api/queue", params={"rater": "ann", "count": 1}).json()["candidates"]
        assert {"ra": 10.0, "dec": 0.0, "band": "r", "ccd": "42"}.items() <= asked["about"].items()
        sizes = {}
        for kind in (review.fingerprint, about["wide"]["digest"]):
            image = client.get(f"images/{kind}/0-zscale-shared.png")
            assert image.status_code == 200
            sizes[kind] = Image.open(BytesIO(image.content)).size
        assert list(sizes.values()) == [(3 * 21 + 4, 21), (3 * 35 + 4, 35)]


def test_a_file_without_a_wider_cutout_says_so(client):
    about = client.get("api/review").json()
    assert (about["size"], about["wide"]) == (51, None)
    assert client.get("images//1-zscale.png").status_code == 404


def test_the_help_names_every_key_of_the_page_and_every_reason_has_one():
    script, page = ((PAGE / name).read_text() for name in ("page.js", "index.html"))
    actions = script[script.index("const ACTIONS") : script.index("function pressed")]
    keys = set(re.findall(r"^  \"?(.)\"?: \(\) =>", actions, re.MULTILINE))
    help_box = page[page.index('id="help"') :]
    named = set(re.findall(r"<kbd>(.)</kbd>", help_box))
    assert keys - {"="} == named - {"1", "8"}
    assert len(TAGS) == 8
