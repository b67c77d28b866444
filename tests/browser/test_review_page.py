"""People at the review page: real keys, a real browser, a server that is really killed."""

from review_page import expect, expect_saved, press, rows, shown
from review_server import ACCESS, ONE, TWO, serving, write_new_survey
from stampshift.review.app import make_app
from stampshift.review.reviewed import open_review
from stampshift.review.serve import private_page
from stampshift.review.vote_store import VoteStore


def test_votes_by_key_are_saved_and_then_the_model_speaks(address, enter, store):
    page = enter(address, "ann")
    expect(page).to_have_title("Review of DES (simulated)")
    expect(shown(page)).to_have_attribute("data-id", "c0")
    expect(page.locator("main")).not_to_contain_text("score")
    press(page, "r")
    expect(page.locator("#last")).to_have_text("last: c0, real; label bogus, score 0.000")
    press(page, "b", "s")
    expect(shown(page)).to_have_attribute("data-id", "c3")
    expect(page.locator("#last")).to_have_text("last: c2, skip")
    expect_saved(page, mine="3 of 30")
    assert rows(store) == [("ann", "c0", "real"), ("ann", "c1", "bogus"), ("ann", "c2", "skip")]


def test_a_held_key_and_shortcuts_of_the_browser_are_not_votes(address, enter, store):
    page = enter(address, "ann")
    page.keyboard.down("r")
    page.keyboard.down("r")  # the keyboard repeats a key that is held
    page.keyboard.up("r")
    press(page, "Control+b", "Alt+s", "x")
    expect_saved(page, mine="1 of 30")
    assert rows(store) == [("ann", "c0", "real")]


def test_undo_brings_the_candidate_back_and_keeps_the_row(address, enter, store):
    page = enter(address, "ann")
    press(page, "r", "r", "u")
    expect(shown(page)).to_have_attribute("data-id", "c1")
    press(page, "b")
    expect(shown(page)).to_have_attribute("data-id", "c2")
    expect_saved(page, mine="2 of 30")
    assert [vote for *_, vote in rows(store)] == ["real", "real", "undo", "bogus"]
    assert list(store.standing()["vote"]) == ["real", "bogus"]


def test_a_reload_keeps_name_votes_and_what_can_be_undone(address, enter, store):
    page = enter(address, "ann")
    press(page, "r", "b")
    expect_saved(page, mine="2 of 30")
    page.reload()
    expect(page.locator("#rater")).to_have_text("ann")
    expect(shown(page)).to_have_attribute("data-id", "c2")
    press(page, "u")
    expect(shown(page)).to_have_attribute("data-id", "c1")
    expect_saved(page, mine="1 of 30")
    assert rows(store)[-1] == ("ann", "c1", "undo")


def test_two_raters_at_once_reach_two_votes_on_every_candidate(address, enter, store):
    for number in range(60):
        if number // 2 >= 8:  # eight are left to do
            store.add(key=f"{number:016}", id=f"c{number // 2}", rater=f"early{number % 2}", vote="real")
    pages = [enter(address, name) for name in ("ann", "bob")]
    ann, bob = pages
    for _ in range(7):
        for page in pages:
            press(page, "r")
    press(bob, "r")
    expect_saved(ann, mine="7 of 8")
    expect_saved(bob, mine="8 of 8")
    press(ann, "r")
    for page in pages:
        expect(page.locator("#candidates")).to_have_text(
            "There is nothing left for you to vote on. Thank you!"
        )
        expect(page.locator("#all-text")).to_have_text("30 of 30")
    expect_saved(ann, mine="8 of 8")
    assert store.standing().groupby("id")["rater"].nunique().tolist() == [2] * 30


def test_whoever_is_done_gets_what_another_takes_back(address, enter, store):
    for number in range(60):
        if number >= 1:  # the first candidate waits for one vote
            store.add(key=f"{number:016}", id=f"c{number // 2}", rater=f"early{number % 2}", vote="real")
    page = enter(address, "ann")
    press(page, "r")
    expect(page.locator("#all-text")).to_have_text("30 of 30")
    store.add(key=f"{60:016}", id="c9", rater="early0", vote="undo")
    expect(shown(page)).to_have_attribute("data-id", "c9")
    expect(page.locator("#all-text")).to_have_text("29 of 30")


def test_the_grid_is_voted_with_arrows_and_keys(address, enter, store):
    page = enter(address, "ann", viewport={"width": 1280, "height": 800})
    press(page, "g")
    expect(page.locator(".card")).to_have_count(12)
    press(page, "ArrowRight", "ArrowDown", "b")
    voted = page.locator(".card[data-vote=bogus]")
    expect(voted).to_have_attribute("data-id", "c4")
    expect(voted.locator(".known")).to_have_text("label bogus, score 0.040")
    expect(page.locator(".card[aria-current]")).to_have_attribute("data-id", "c5")
    press(page, "ArrowLeft", "r")  # another mind on c4
    expect(page.locator(".card[data-id=c4]")).to_have_attribute("data-vote", "real")
    press(page, "n")
    expect(page.locator(".card")).to_have_count(12)
    expect(page.locator(".card[data-vote=real]")).to_have_count(0)
    expect_saved(page, mine="1 of 30")
    assert rows(store) == [("ann", "c4", "bogus"), ("ann", "c4", "real")]


def test_the_stretch_can_be_switched(address, enter):
    page = enter(address, "ann")
    image = page.get_by_alt_text("difference of candidate c0, stretched by zscale")
    loaded = "image => image.decode().then(() => [image.src.split('-').pop(), image.naturalWidth])"
    assert image.evaluate(loaded) == ["zscale.png", 157]
    press(page, "z")
    stretched = page.get_by_alt_text("difference of candidate c0, stretched by asinh")
    expect(stretched).to_be_visible()
    assert stretched.evaluate(loaded) == ["asinh.png", 157]
    page.reload()
    expect(page.get_by_label("Stretch")).to_have_value("asinh")


def test_stamps_that_are_not_there_get_no_vote(address, enter, store):
    page = enter(address, "ann")
    press(page, "r")
    page.context.set_offline(True)
    press(page, "z")  # the other stretch was not loaded
    expect(page.locator(".card[aria-busy]")).to_be_visible()
    expect(page.get_by_role("button", name="Real")).to_be_disabled()
    page.keyboard.press("r")
    expect(shown(page)).to_have_attribute("data-id", "c1")
    page.context.set_offline(False)
    expect(page.get_by_role("button", name="Real")).to_be_enabled()
    press(page, "b")
    expect_saved(page, mine="2 of 30")
    assert rows(store) == [("ann", "c0", "real"), ("ann", "c1", "bogus")]


def test_label_and_score_can_be_shown_before_or_never(address, enter):
    page = enter(address, "ann")
    setting = page.get_by_label("Label and score")
    setting.select_option("always")
    expect(shown(page).locator(".known")).to_have_text("label bogus, score 0.000")
    setting.select_option("never")
    expect(shown(page).locator(".known")).to_have_text("")
    press(page, "r")
    expect(page.locator("#last")).to_have_text("last: c0, real")


def test_the_page_says_that_a_stamp_has_no_label(chromium, tmp_path, enter):
    review = open_review(write_new_survey(tmp_path, [255, 1, 255]), stamps=None)
    with (
        VoteStore.open(tmp_path / "votes.sqlite", review) as store,
        serving(make_app(review, store, asking=ONE, access=ACCESS)) as address,
    ):
        page = enter(f"{address}/?token={ACCESS.token}", "ann")
        press(page, "r")
        expect(page.locator("#last")).to_have_text("last: n0, real; no label before")
        press(page, "r")
        expect(page.locator("#last")).to_have_text("last: n1, real; label real")
        page.get_by_label("Label and score").select_option("always")
        expect(shown(page).locator(".known")).to_have_text("no label before")
        press(page, "s")
        expect_saved(page, mine="3 of 3")
        expect(page.locator("#all-text")).to_have_text("2 of 3")


def test_a_phone_has_room_and_buttons(address, enter, store):
    page = enter(address, "ann", viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    for name in ("Real", "Bogus", "Skip", "Undo"):
        button = page.get_by_role("button", name=name)
        expect(button).to_be_in_viewport(ratio=1)
        assert button.bounding_box()["height"] >= 44
    page.get_by_role("button", name="Bogus").tap()
    page.get_by_role("button", name="Real").tap()
    page.get_by_role("button", name="Undo").tap()
    expect(shown(page)).to_have_attribute("data-id", "c1")
    expect_saved(page, mine="1 of 30")
    for layout in ("one", "grid"):
        page.get_by_label("Page").select_option(layout)
        expect(page.locator(".card")).to_have_count({"one": 1, "grid": 12}[layout])
        assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert rows(store) == [("ann", "c0", "bogus"), ("ann", "c1", "real"), ("ann", "c1", "undo")]


def test_a_killed_server_loses_no_vote(chromium, server, enter):
    page = enter(server.start(), "ann")
    press(page, "r")
    expect_saved(page, mine="1 of 30")
    server.kill()
    press(page, "b", "b", "u")
    expect(page.locator("#saving")).to_have_text("3 votes waiting: the server cannot be reached")
    server.start()
    expect(page.locator("#saving")).to_have_text("all votes saved")
    expect_saved(page, mine="2 of 30")
    server.kill()
    with VoteStore.read(server.votes) as store:
        assert [(name, vote) for _, name, vote in rows(store)] == [
            ("c0", "real"),
            ("c1", "bogus"),
            ("c2", "bogus"),
            ("c2", "undo"),
        ]


def test_a_vote_made_offline_survives_the_closing_of_the_page(address, enter, store):
    page = enter(address, "ann")
    page.context.set_offline(True)
    press(page, "r")
    expect(page.locator("#saving")).to_have_text("1 vote waiting: the server cannot be reached")
    assert rows(store) == []
    page.close()
    page.context.set_offline(False)
    again = page.context.new_page()
    again.goto(address)
    expect_saved(again, mine="1 of 30")
    assert rows(store) == [("ann", "c0", "real")]
    expect(shown(again)).to_have_attribute("data-id", "c1")


def test_another_rater_takes_over_and_a_given_up_change_changes_nothing(address, enter, store):
    page = enter(address, "ann")
    press(page, "r")
    page.locator("#rater").click()
    page.get_by_label("Name", exact=True).fill("an")
    press(page, "Escape")
    expect(page.locator("#rater")).to_have_text("ann")
    page.locator("#rater").click()
    page.get_by_label("Name", exact=True).fill("bob")
    press(page, "Enter")
    expect(shown(page)).to_have_attribute("data-id", "c0")
    expect(page.locator("main")).not_to_contain_text("score")
    press(page, "b")
    expect_saved(page, mine="1 of 30")
    assert rows(store) == [("ann", "c0", "real"), ("bob", "c0", "bogus")]


def test_the_printed_address_opens_the_page_once_and_for_all(chromium, study, store, enter):
    review = open_review(study, stamps=None)
    with serving(make_app(review, store, asking=TWO, access=ACCESS)) as address:
        with chromium.new_context() as context:
            assert context.new_page().goto(address).status == 403
        page = enter(f"{address}/?token={ACCESS.token}", "ann")
        expect(page).to_have_url(f"{address}/")
        press(page, "r")
        expect_saved(page, mine="1 of 30")
        page.reload()
        expect(shown(page)).to_have_attribute("data-id", "c1")
        page.goto(address)
        expect(shown(page)).to_have_attribute("data-id", "c1")


def test_the_file_that_the_browser_is_given_opens_the_page(address, enter, store, tmp_path):
    with private_page(address, tmp_path) as file:
        page = enter(file, "ann")
    press(page, "r")
    expect_saved(page, mine="1 of 30")
    page.reload()
    expect(shown(page)).to_have_attribute("data-id", "c1")


def test_another_token_asks_for_the_new_address_and_loses_no_vote(server, enter):
    page = enter(server.start(), "ann")
    server.kill()
    press(page, "r")
    server.token = "that-of-the-second-start"
    address = server.start()
    expect(page.locator("#saving")).to_have_text(
        "1 vote waiting: Open the address that `stampshift review` printed, with its token."
    )
    page.goto(address)
    expect_saved(page, mine="1 of 30")


def test_an_undo_of_a_vote_that_was_taken_back_elsewhere_keeps_no_vote_waiting(address, enter, store):
    page = enter(address, "ann")
    press(page, "r")
    expect_saved(page, mine="1 of 30")
    store.add(key="undone-elsewhere", id="c0", rater="ann", vote="undo")
    press(page, "u", "b")
    expect_saved(page, mine="1 of 30")
    assert [vote for *_, vote in rows(store)] == ["real", "undo", "bogus"]
