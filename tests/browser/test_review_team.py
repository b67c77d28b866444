"""What the review page offers a team: examples, known answers, reasons, metadata, wider views, results."""

from contextlib import contextmanager

import pytest

from review_page import HERE, expect, expect_saved, press, rows, shown
from review_server import ACCESS, ONE, TWO, serving, write_new_survey
from stampshift.review.app import make_app
from stampshift.review.drawing import EVERYTHING, Draw
from stampshift.review.gold import NO_GOLD, Gold
from stampshift.review.known_answers import THE_LABELS
from stampshift.review.reviewed import open_review
from stampshift.review.vote_store import VoteStore

ANSWERS = {"n0": "real", "n1": "bogus", "n2": "bogus", "n3": "real", "n4": "real", "n5": "bogus"}


@contextmanager
def page_of(review, path, *, asking=ONE, gold=NO_GOLD, carry_over=False):
    """A served review: the address of its page, and its store."""
    with (
        VoteStore.open(path, review, carry_over=carry_over) as store,
        serving(make_app(review, store, asking=asking, access=ACCESS, gold=gold)) as address,
    ):
        yield f"{address}/?token={ACCESS.token}", store


@pytest.fixture
def new(chromium, tmp_path):
    """A review of six stamps without labels, with metadata and wider cutouts, and its store."""
    review = open_review(write_new_survey(tmp_path, [255] * 6, wide=35), stamps=None)
    with page_of(review, tmp_path / "votes.sqlite") as (address, store):
        yield address, store


def test_reasons_by_key_and_click_go_with_the_vote(new, enter):
    address, store = new
    page = enter(address, "ann")
    dipole, trail = (page.get_by_role("button", name=name) for name in ("dipole", "trail"))
    press(page, "3", "4", "1", "4")  # the trail is taken back
    expect(dipole).to_have_attribute("aria-pressed", "true")
    expect(trail).to_have_attribute("aria-pressed", "false")
    press(page, "b")
    expect(page.locator("#last")).to_contain_text("bogus (dipole, saturated)")
    expect(dipole).to_have_attribute("aria-pressed", "false")
    trail.click()
    press(page, "b")
    expect_saved(page, mine="2 of 6")
    assert [vote.tags for vote in store.after(0)] == ["dipole;saturated", "trail"]
    assert all(0 <= vote.seconds < 60 for vote in store.after(0))
    press(page, "u")  # reasons come back with the candidate
    expect(trail).to_have_attribute("aria-pressed", "true")


def test_reals_and_bogus_are_counted(new, enter):
    page = enter(new[0], "ann")
    expect(page.locator("#counts")).to_have_text("0 real, 0 bogus")
    press(page, "r", "b", "s", "b")
    expect(page.locator("#counts")).to_have_text("1 real, 2 bogus")
    press(page, "u")
    expect(page.locator("#counts")).to_have_text("1 real, 1 bogus")


def test_metadata_come_with_links_that_open_elsewhere(new, enter):
    page = enter(new[0], "ann")
    press(page, "r")
    expect(shown(page).locator(".about")).to_have_text(
        "RA 11.00000\u00b0 Dec -1.00000\u00b0 \u00b7 r band \u00b7 20.50 mag \u00b7 S/N 7.2 \u00b7 CCD 42"
    )
    link = shown(page).get_by_role("link", name="Aladin")
    expect(link).to_have_attribute(
        "href", "https://aladin.cds.unistra.fr/AladinLite/?target=11.0+-1.0&fov=0.03"
    )
    expect(link).to_have_attribute("target", "_blank")
    expect(link).to_have_attribute("rel", "noopener noreferrer")
    page.context.route("https://aladin.cds.unistra.fr/**", lambda route: route.fulfill(body="the sky"))
    with page.context.expect_page() as opened:
        press(page, "o")
    expect(opened.value.locator("body")).to_have_text("the sky")


def test_without_metadata_nothing_is_said(address, enter):
    page = enter(address, "ann")
    expect(shown(page).locator(".about")).to_have_text("")
    expect(page.get_by_role("link")).to_have_count(0)


def test_the_wider_view_frames_the_stamp(new, enter):
    page = enter(new[0], "ann")
    width = "image => image.decode().then(() => image.naturalWidth)"
    image = page.get_by_alt_text("science of candidate n0")
    assert image.evaluate(width) == 3 * 21 + 4
    press(page, "w")
    expect(image).to_be_visible()  # once it has come
    assert image.evaluate(width) == 3 * 35 + 4
    frame = "sky => getComputedStyle(sky, '::after').width"
    stamp = page.locator(".sky").first
    drawn = float(stamp.evaluate(frame).removesuffix("px"))
    assert drawn == pytest.approx(stamp.bounding_box()["width"] * 21 / 35, abs=1)
    page.reload()
    expect(page.get_by_label("View")).to_have_value("wide")


def test_a_file_without_a_wider_view_says_so(address, enter):
    page = enter(address, "ann")
    expect(page.get_by_label("View")).to_be_disabled()
    expect(page.get_by_label("View")).to_have_attribute("title", "The stamps file holds no wider cutout.")
    press(page, "w")
    expect(page.get_by_label("View")).to_have_value("stamp")


def test_one_stretch_is_shared_by_the_three_images(address, enter):
    page = enter(address, "ann")
    page.get_by_label("Stretch").select_option("zscale-shared")
    image = page.get_by_alt_text("difference of candidate c0, stretched by zscale-shared")
    expect(image).to_be_visible()  # once it has come
    assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") == 157


def test_stamps_are_enlarged_by_keys_wheel_and_two_fingers(address, enter):
    page = enter(address, "ann", viewport={"width": 1280, "height": 800}, has_touch=True)
    box, sky = page.locator("#candidates"), page.locator(".sky").first
    before = sky.bounding_box()["width"]
    press(page, "+", "+", "-")
    assert sky.bounding_box()["width"] == pytest.approx(1.25 * before, rel=0.01)
    press(page, "r")
    expect(box).to_have_attribute("data-zoom", "1.25")  # the next candidate is as large
    press(page, "0")
    expect(box).to_have_attribute("data-zoom", "1.00")
    page.locator(".window").first.hover()
    page.mouse.wheel(0, -100)
    expect(box).to_have_attribute("data-zoom", "1.25")
    press(page, "0")
    page.evaluate("""() => {
        const stamp = document.querySelector(".window");
        const frame = stamp.getBoundingClientRect();
        const at = (type, pointerId, x) => stamp.dispatchEvent(new PointerEvent(type, {
            bubbles: true, pointerType: "touch", pointerId, clientX: frame.left + x, clientY: frame.top + 50,
        }));
        at("pointerdown", 1, 50); at("pointerdown", 2, 100);
        at("pointermove", 2, 150); at("pointerup", 1, 50); at("pointerup", 2, 150);
    }""")
    expect(box).to_have_attribute("data-zoom", "2.00")


def test_help_lists_the_keys_and_takes_them(address, enter, store):
    page = enter(address, "ann")
    press(page, "?")
    help_box = page.get_by_role("dialog", name="Keys")
    expect(help_box).to_contain_text("vote real, vote bogus, skip")
    page.keyboard.press("r")  # no vote behind the dialog
    press(page, "Escape")
    expect(help_box).to_be_hidden()
    page.get_by_role("button", name="Help").click()
    help_box.get_by_role("button", name="Close").click()
    press(page, "b")
    expect_saved(page, mine="1 of 30")
    assert rows(store) == [("ann", "c0", "bogus")]


@pytest.fixture
def team(chromium, study, tmp_path):
    """A review with four examples and as many gold stamps as candidates, three of these; and its store."""
    review = open_review(study, stamps=None, draw=Draw("suspicion", 3, 0), gold=THE_LABELS)
    gold = Gold.of(review.known, examples=2, rate=1, seed=0)
    with page_of(review, tmp_path / "votes.sqlite", asking=TWO, gold=gold) as (address, store):
        yield address, store, gold


def test_examples_come_first_with_their_answers_and_take_no_vote(team, enter):
    address, _, gold = team
    page = enter(address, "ann")
    for known in gold.examples:
        expect(shown(page)).to_have_attribute("data-id", known.candidate.id)
        expect(shown(page).locator(".vote")).to_have_text(f"this is {known.answer}")
        expect(page.get_by_role("button", name="Real")).to_be_disabled()
        press(page, "x")
        page.keyboard.press("r")
        press(page, "n")
    expect(page.locator("#lesson")).to_be_hidden()
    press(page, "r")
    expect_saved(page, mine="1 of 4")
    page.reload()  # whoever has voted has seen them
    page.locator(HERE).wait_for()
    expect(page.locator("#lesson")).to_be_hidden()
    page.get_by_role("button", name="Help").click()
    page.get_by_role("button", name="See the examples again").click()
    expect(page.locator("#lesson")).to_have_text(
        "Examples with their answers, 2 to look at. They are not voted on."
    )


def test_gold_is_told_from_candidates_by_nobody_and_the_result_comes_at_the_end(team, enter):
    address, store, gold = team
    page = enter(address, "ann")
    press(page, "n", "n")
    expect(page.get_by_label("Label and score").locator("[value=always]")).to_have_count(0)
    seen = []
    for _ in range(6):
        page.locator(HERE).wait_for()
        seen.append(shown(page).get_attribute("data-id"))
        expect(shown(page).locator(".known")).to_have_text("")
        press(page, "r")
    assert [name for name in seen if name.startswith("c")] == ["c0", "c1", "c2"]
    given = [gold.mixed[name] for name in seen if name in gold.mixed]
    right = sum(known.answer == "real" for known in given)
    assert len(given) == 3
    result = page.locator("#result")
    expect(result).to_contain_text(f"your first word was right on {right} ({round(100 * right / 3)}%)")
    expect(result).to_contain_text("3 votes, 0 of them skips, in ")
    missed = [known.candidate.id for known in given if known.answer == "bogus"]
    expect(result.locator(".card")).to_have_count(len(missed))
    for name in missed:
        card = result.locator(f".card[data-id={name}]")
        expect(card.locator(".vote")).to_have_text("you said real; it is bogus")
    assert [vote.id for vote in store.after(0)] == ["c0", "c1", "c2"]
    assert len(store.gold_votes()) == 3
    press(page, "e")
    expect(result).to_be_hidden()


def test_the_uncertain_come_first_and_so_many_of_them(chromium, study, tmp_path, enter):
    review = open_review(study, stamps=None, draw=Draw("uncertainty", 2, 0))
    with page_of(review, tmp_path / "votes.sqlite") as (address, store):
        page = enter(address, "ann")
        press(page, "r", "r")
        expect_saved(page, mine="2 of 2")
        assert [vote.id for vote in store.after(0)] == ["c29", "c28"]  # scores 0.29 and 0.28


def test_votes_of_another_list_are_on_the_page_after_they_were_carried_over(chromium, tmp_path, enter):
    first = open_review(write_new_survey(tmp_path, [255] * 3), stamps=None, draw=EVERYTHING)
    path = tmp_path / "votes.sqlite"
    with VoteStore.open(path, first) as store:
        store.add(key="k" * 16, id="n0", rater="ann", vote="real")
    more = open_review(write_new_survey(tmp_path, [255] * 5), stamps=None)
    with page_of(more, path, carry_over=True) as (address, store):
        page = enter(address, "ann")
        expect(page.locator("#mine-text")).to_have_text("1 of 5")
        expect(shown(page)).to_have_attribute("data-id", "n1")
        press(page, "b", "u", "u")
        expect(shown(page)).to_have_attribute("data-id", "n0")
        expect_saved(page, mine="0 of 5")


def test_a_vote_on_what_is_no_candidate_any_more_stays_and_holds_up_no_other(new, enter):
    address, store = new
    page = enter(address, "ann")
    fingerprint = page.evaluate("fetch('api/review').then((answer) => answer.json())")["fingerprint"]
    entry = {"review": fingerprint, "key": "z" * 16, "id": "gone", "rater": "ann", "vote": "real"}
    name = f"stampshift-vote-{fingerprint}-000000000000001-000000-{'z' * 16}"
    page.evaluate("([name, entry]) => localStorage.setItem(name, JSON.stringify(entry))", [name, entry])
    press(page, "r")
    expect(page.locator("#saving")).to_have_text("1 vote waiting: gone is not a candidate of this review.")
    assert rows(store) == [("ann", "n0", "real")]


def contrast(page, selector):
    """Contrast of the colours of an element's text and of the ground behind it (WCAG 2)."""
    return page.locator(selector).first.evaluate("""(node) => {
        const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
        const light = (colour) => parts(colour).slice(0, 3).reduce((sum, part, index) => {
            const share = part / 255;
            const linear = share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
            return sum + [0.2126, 0.7152, 0.0722][index] * linear;
        }, 0);
        let behind = node;
        while (parts(getComputedStyle(behind).backgroundColor)[3] === 0) behind = behind.parentElement;
        const both = [getComputedStyle(node).color, getComputedStyle(behind).backgroundColor].map(light);
        return (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05);
    }""")


def test_everything_has_a_name_and_is_read_with_enough_contrast(new, enter):
    page = enter(new[0], "ann")
    press(page, "3")
    reasons = [f"#tags [aria-pressed={pressed}]" for pressed in ("true", "false")]
    texts = [".id", ".about", "figcaption", ".links a", "#saving", "#counts", "label", "#rater"]
    for selector in (*texts, *reasons, "#real", "#bogus", "#skip"):
        assert contrast(page, selector) >= 4.5, selector
    nameless = page.evaluate("""() => Array.from(document.querySelectorAll("button, select, input, a, img"))
        .filter((node) => !(node.textContent.trim() || node.ariaLabel || node.alt || node.labels?.length))
        .map((node) => node.outerHTML)""")
    assert nameless == []
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.matches(':focus-visible')")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_fits_with_all_that_it_offers(new, enter, width):
    page = enter(new[0], "ann", viewport={"width": width, "height": 844})
    for layout in ("one", "grid"):
        page.get_by_label("Page").select_option(layout)
        page.locator(HERE).wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") == width
        for name in ("Real", "Bogus", "Skip"):
            expect(page.get_by_role("button", name=name)).to_be_in_viewport(ratio=1)
