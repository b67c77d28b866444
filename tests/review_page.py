"""What tests do on the review page in a browser."""

import pytest

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
expect = sync_api.expect
expect.set_options(timeout=15_000)  # of patience with a busy machine; it is no pause
HERE = ".card[aria-current]:not([aria-busy])"  # the card that gets the next vote, with its stamps


def press(page, *keys):
    """Press keys, votes as soon as the stamps that they are on are there."""
    for key in keys:
        if key in "rbs":
            page.locator(HERE).wait_for()
        page.keyboard.press(key)


def shown(page):
    return page.locator(".card").first


def expect_saved(page, *, mine):
    expect(page.locator("#saving")).to_have_text("all votes saved")
    expect(page.locator("#mine-text")).to_have_text(mine)


def rows(store):
    return [(vote.rater, vote.id, vote.vote) for vote in store.after(0)]
