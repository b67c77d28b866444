"""The report's menu: Snakemake makes a switch of a second label of which two values are equally frequent.

The page then looks for every item under either value, and breaks where one has no counterpart.
"""

import re
from collections import defaultdict
from pathlib import Path

import pytest

import stampshift

RULES = Path(stampshift.__file__).parents[1] / "rules"
ITEM = re.compile(
    r'category="(?P<category>[^"]+)",\s*(subcategory="(?P<subcategory>[^"]+)",\s*)?'
    r'labels=\{"what": "(?P<what>[^"]+)"(, "kind": "(?P<kind>[^"]+)")?\}'
)


def sections() -> dict[str, dict[str, set[str]]]:
    """Items by section and kind."""
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for path in RULES.rglob("*.smk"):
        for item in ITEM.finditer(path.read_text()):
            section = f"{item['category']} / {item['subcategory']}"
            found[section][item["kind"] or "no kind"].add(item["what"])
    return found


@pytest.mark.parametrize("section", sorted(sections()))
def test_every_switch_of_the_report_has_both_sides(section):
    kinds = sections()[section]
    if len(kinds) < 2:
        return
    assert "no kind" not in kinds, "items of one section have the same labels"
    matched = len({frozenset(items) for items in kinds.values()}) == 1
    fixed = not any("{" in what for items in kinds.values() for what in items)
    unequal = len({len(items) for items in kinds.values()}) > 1
    assert matched or (fixed and unequal), {kind: sorted(items) for kind, items in kinds.items()}
