from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from stampshift.tables.page import summary_page
from stampshift.tables.significance import paired_comparisons

ROOT = Path(__file__).parents[3]
EMPTY = {"pairs": ["A-to-B"], "methods": ["finetune", "mme"]}


@pytest.fixture
def page(runs):
    def made(*, simulated):
        return summary_page(
            runs,
            paired_comparisons(runs, **EMPTY),
            published=pd.read_csv(ROOT / "resources/published/published_balanced_accuracy.csv"),
            panel=b"\x89PNG",
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


def test_it_holds_the_numbers_of_the_table_and_the_verdicts(page):
    text = page(simulated=False)
    for cell in ("<td>A to B</td>", "<td>0.970</td>", "<td>0.850</td>"):
        assert cell in text
    assert text.count('class="verdict"') == 6
    # 2 baselines, and 2 methods with 2 numbers of shots, on 3 splits each
    assert "18 trained" in text
