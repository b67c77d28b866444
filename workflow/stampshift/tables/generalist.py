"""Sources of several surveys: beside the specialists, on a new survey, and what they keep of their own.

The questions, each a paired comparison over splits as in `tables.significance`:

- ``specialist``: a source's baseline on one of its surveys, against that survey's own baseline there;
- ``new``: a source's baseline on a survey that is none of its own, against the best of the baselines of its
  surveys there;
- ``adapted``: the same after adaptation by a method with a number of shots;
- ``kept``: an adapted model on each survey of its source but the target, against the source's baseline there;
- ``keeping``: the same against another method.

The best single source has the highest mean on the test parts of the target. Nobody without the target's
labels could choose it: it is an oracle, which favours the single sources.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from stampshift.config.experiment import BASELINE
from stampshift.tables.decisions import won
from stampshift.tables.run_table import EVALUATION, summarise
from stampshift.tables.significance import PAIRED_RULE, Comparison, Key, Question, compare_runs
from stampshift.tables.wording import counted, method_name
from stampshift.tables.writing import DASH, Table, format_mean, most_splits

Sources = Mapping[str, Sequence[str]]  # surveys of each source of several, by its name
SIDES = ["mean", "std", "against_mean", "against_std"]
BEYOND = "*"  # marks a difference beyond chance
RULE = f"A star marks a difference beyond chance: {PAIRED_RULE}."
ORACLE = (
    "The best single source is the one of the source's surveys with the highest mean on the target's test "
    "parts, which nobody could choose without labels."
)


def generalist_comparisons(runs: pd.DataFrame, *, sources: Sources, methods: Sequence[str]) -> pd.DataFrame:
    """Ask every question of the runs: columns as `significance.paired_comparisons`, and `SIDES`.

    ``mean`` and ``std`` (sample, over splits) are of the source of several surveys, the others of what it is
    compared with.
    """
    numbers = summarise(runs, by=EVALUATION).set_index(EVALUATION)
    means: dict[Any, float] = numbers["mean"].to_dict()
    questions = list(_questions(means, sources=sources, methods=methods))
    compared = compare_runs(runs, questions)
    keys = {subject: sides for subject, *sides in questions}
    lines = [keys[Comparison(*line)] for line in compared[list(Comparison._fields)].itertuples(index=False)]
    for name, side in (("", 0), ("against_", 1)):
        for number in ("mean", "std"):
            values = numbers[number].to_dict()
            compared[name + number] = pd.Series([values[line[side]] for line in lines], dtype=float)
    return compared


def generalist_tables(compared: pd.DataFrame, *, methods: Sequence[str]) -> dict[str, Table]:
    """The answers of `generalist_comparisons` in print, by their titles."""
    return {
        "A source of several surveys beside the specialist of each": _specialist_table(compared),
        "A new survey without a label": _new_table(compared),
        "A new survey with a few labels": _adapted_table(compared, methods=methods),
        "What the surveys of the source keep": _kept_table(compared, methods=methods),
    }


def of_question(compared: pd.DataFrame, question: str) -> pd.DataFrame:
    """Comparisons of one question."""
    return compared[compared["question"] == question]


def _questions(means: Mapping[Any, float], *, sources: Sources, methods: Sequence[str]) -> Iterator[Question]:
    """Every question of the runs whose mean accuracies are these, by `Key`."""
    for source, members in sources.items():
        for survey in members:
            subject = Comparison("specialist", source, survey, survey, 0, BASELINE, survey)
            yield subject, _baseline(source, survey), _baseline(survey, survey)
    for key in means:
        method, source, target, shots, on = key
        members = sources.get(source, ())
        if on == target and target not in (source, *members):
            singles = {name: (method, name, target, shots, on) for name in members}
            known = {name: means[single] for name, single in singles.items() if single in means}
            if known:
                best = max(known, key=lambda name: known[name])
                question = "new" if method == BASELINE else "adapted"
                yield Comparison(question, source, target, on, shots, method, best), key, singles[best]
        if method in methods and on in members and on != target:
            yield Comparison("kept", source, target, on, shots, method, BASELINE), key, _baseline(source, on)
            for other in methods[: methods.index(method)]:
                subject = Comparison("keeping", source, target, on, shots, method, other)
                yield subject, key, (other, source, target, shots, on)


def _baseline(source: str, on: str) -> Key:
    return BASELINE, source, on, 0, on


def _specialist_table(compared: pd.DataFrame) -> Table:
    numbers = of_question(compared, "specialist")
    cells: dict[str, dict[str, str]] = {}
    for line in _lines(numbers):
        row = cells.setdefault(line["target"], {"survey": line["target"]})
        row["specialist"] = format_mean(line["against_mean"], line["against_std"])
        row[line["source"]] = f"{format_mean(line['mean'], line['std'])} ({line['change']})"
    caption = (
        "Balanced accuracy of baselines on the test parts of each survey: of the specialist, trained on it "
        "alone, and of sources of several surveys that it belongs to; mean ± sample standard deviation"
        f"{_splits(numbers)}, in brackets the difference from the specialist. {RULE}"
    )
    sources = dict.fromkeys(numbers["source"])  # a survey that is missing in one puts it not last
    printed = _printed(cells)
    order = ["survey", "specialist", *sources] if cells else printed.columns
    return Table(numbers, printed[list(order)], caption, "tab:generalist-specialist")


def _new_table(compared: pd.DataFrame) -> Table:
    numbers = of_question(compared, "new")
    cells = {
        number: {
            "source": line["source"],
            "new survey": line["target"],
            "several surveys": format_mean(line["mean"], line["std"]),
            "best single source": format_mean(line["against_mean"], line["against_std"])
            + f" ({line['against']})",
            "difference": line["change"] + _interval(line),
        }
        for number, line in enumerate(_lines(numbers))
    }
    caption = (
        "Balanced accuracy without adaptation on a survey that is none of the source's, mean ± sample "
        f"standard deviation{_splits(numbers)}, and the difference with its 95% bootstrap interval over "
        f"splits. {ORACLE} {RULE}"
    )
    return Table(numbers, _printed(cells), caption, "tab:generalist-new")


def _adapted_table(compared: pd.DataFrame, *, methods: Sequence[str]) -> Table:
    numbers = of_question(compared, "adapted")
    caption = (
        "Balanced accuracy on a survey that is none of the source's after adaptation with a number of "
        f"labelled stamps per class (shots), mean{_splits(numbers)}, in brackets the difference from the "
        f"best single source, adapted in the same way. {ORACLE} {RULE}"
    )
    cells = _by_method(numbers, methods, place=("source", "target"), headings=("source", "new survey"))
    return Table(numbers, cells, caption, "tab:generalist-adapted")


def _kept_table(compared: pd.DataFrame, *, methods: Sequence[str]) -> Table:
    numbers = of_question(compared, "kept")
    caption = (
        "Balanced accuracy of adapted models on the surveys of their source but the target, by number of "
        f"labelled stamps of the target per class (shots), mean{_splits(numbers)}, in brackets the "
        f"difference from the source's baseline there. {RULE}"
    )
    place = ("source", "target", "evaluated_on")
    cells = _by_method(numbers, methods, place=place, headings=("source", "adapted to", "on"))
    return Table(numbers, cells, caption, "tab:generalist-kept")


def _by_method(
    numbers: pd.DataFrame, methods: Sequence[str], *, place: Sequence[str], headings: Sequence[str]
) -> pd.DataFrame:
    """A line per place, a column per method and number of shots."""
    cells: dict[tuple[str, ...], dict[str, str]] = {}
    for method in methods:
        for line in _lines(numbers[numbers["method"] == method].sort_values("shots", kind="stable")):
            names = tuple(line[name] for name in place)
            row = cells.setdefault(names, dict(zip(headings, names, strict=True)))
            column = f"{method_name(method)}, {counted(line['shots'], 'shot')}"
            row[column] = f"{line['mean']:.3f} ({line['change']})"
    return _printed(cells)


def _lines(numbers: pd.DataFrame) -> list[dict[Any, Any]]:
    """Comparisons as mappings, with ``change``: the difference, and its mark where it is beyond chance."""
    beyond = won(numbers, sign=1) | won(numbers, sign=-1)
    marks = beyond.map({True: BEYOND, False: ""})
    texts = [f"{value:+.3f}{mark}" for value, mark in zip(numbers["difference"], marks, strict=True)]
    return numbers.assign(change=texts).to_dict("records")


def _interval(line: Mapping[str, Any]) -> str:
    return "" if pd.isna(line["low"]) else f", {line['low']:+.3f} to {line['high']:+.3f}"


def _splits(numbers: pd.DataFrame) -> str:
    return f" over {most_splits(numbers)}" if len(numbers) else ""


def _printed(cells: Mapping[Any, Mapping[str, str]]) -> pd.DataFrame:
    """Lines of cells by heading; a line that says so where there is none."""
    rows = list(cells.values()) or [{"source": "no such run in this experiment"}]
    return pd.DataFrame(rows).astype(object).fillna(DASH)
