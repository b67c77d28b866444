"""The report's menu: sections in the order of reading, numbered without a gap, and switches.

Snakemake makes a switch of a second label of which two values are equally frequent. The page then looks for
every item under either value, and breaks where one has no counterpart.
"""

from collections import defaultdict

from snakemake.io import get_flag_value

from loaded_rules import loaded_rules, loaded_workflows


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


def menu(workflow) -> dict[str, list[str]]:
    """Sections of the report, as its menu sorts them, with their own sections."""
    found: dict[str, set[str]] = defaultdict(set)
    for rule in workflow.rules:
        for item in filter(None, (get_flag_value(output, "report") for output in rule.output)):
            found[item.category] |= {item.subcategory} if item.subcategory else set()
    return {name: sorted(found[name]) for name in sorted(found)}


def numbers(names: list[str]) -> list[int]:
    return [int(name.split()[0]) for name in names]


def test_sections_are_numbered_in_the_order_of_reading_without_a_gap():
    everything, plain = map(menu, loaded_workflows())
    assert [name[2:] for name in everything if name != "DES study"] == [
        "Claims",
        "Surveys",
        "Balanced accuracy",
        "Several sources",
        "Adaptation by pair",
        "Entropy weight",
        "Ablations",
        "Training",
        "Diagnostics",
    ]
    assert "Several sources" not in {name[2:] for name in plain}
    for found in (everything, plain):
        assert list(found)[-1] == "DES study"
        assert numbers(list(found)[:-1]) == list(range(1, len(found)))
        for sections in found.values():
            assert numbers(sections) == list(range(1, len(sections) + 1))
