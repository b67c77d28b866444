"""The tutorial with other seeds: the same commands, on simulated stamps that no other seed has."""

import re
import runpy
from pathlib import Path

SCRIPT = Path(__file__).parents[3] / "benchmarks" / "tutorial.py"


def test_each_seed_walks_the_page_on_stamps_of_its_own(tmp_path):
    script = runpy.run_path(str(SCRIPT))
    page = (SCRIPT.parents[1] / script["PAGE"]).read_text()
    seeds, commands = [], []
    for seed in (0, 1):
        script["with_other_seeds"](tmp_path / str(seed), seed)
        commands.append(script["commands_of"](tmp_path / str(seed)))
        start = (tmp_path / str(seed) / script["START"]).read_text()
        seeds += re.findall(r"(?:--seed |, seed: )(\d+)", "\n".join(commands[-1]) + start)
    assert len(seeds) == 8 and len(set(seeds)) == 8  # two nights, the start, and DES beside it
    same, other = ([re.sub(r"--seed \d+", "", command) for command in each] for each in commands)
    assert same == other
    assert [command.split()[:2] for command in same if command.startswith("stampshift")] == [
        command.split() for command in re.findall(r"^(stampshift (?!review )[a-z-]+)", page, re.MULTILINE)
    ]
    assert same[-1].startswith("python docs/tutorial/before_and_after.py")


def test_a_line_of_the_result_is_what_the_page_printed():
    script = runpy.run_path(str(SCRIPT))
    printed = "labels      real 4, bogus 6, unlabelled 1490\nnot adapted, 1000 alerts  0.753  0.664\n"
    printed += "adapted, 1000 alerts  0.801  0.7\npromised, 20 labels  0.700  0.8\n"
    assert script["LABELS"].findall(printed) == [("4", "6")]
    assert script["LINE"].findall(printed) == [
        ("not adapted", "0.753"), ("adapted", "0.801"), ("promised", "0.700"),
    ]  # fmt: skip
