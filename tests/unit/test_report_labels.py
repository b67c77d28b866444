"""The report's menu: Snakemake makes a switch of a second label of which two values are equally frequent.

The page then looks for every item under either value, and breaks where one has no counterpart.
"""

from collections import defaultdict

from snakemake.io import get_flag_value

from loaded_rules import loaded_rules


def sections() -> dict[str, dict[str, set[str]]]:
    """Items by section and kind."""
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for rule in loaded_rules().values():
        for item in filter(None, (get_flag_value(output, "report") for output in rule.output)):
            kinds = found[f"{item.category} / {item.subcategory}"]
            kinds[item.labels.get("kind", "no kind")].add(item.labels["what"])
    return found


def test_every_switch_of_the_report_has_both_sides():
    found = sections()
    assert len(found) >= 22
    for section, kinds in found.items():
        if len(kinds) < 2:
            continue
        assert "no kind" not in kinds, f"items of {section} have the same labels"
        matched = len({frozenset(items) for items in kinds.values()}) == 1
        fixed = not any("{" in what for items in kinds.values() for what in items)
        unequal = len({len(items) for items in kinds.values()}) > 1
        assert matched or (fixed and unequal), (
            section,
            {kind: sorted(items) for kind, items in kinds.items()},
        )
