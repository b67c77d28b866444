"""Which jobs an edited module reruns, as Snakemake says where all files are there, and empty."""

import re
from pathlib import Path

import pytest
from snakemake.rules import Rule

from loaded_rules import PACKAGE, SCRIPTS, closure, loaded_rules
from tiny_project import Project, copy_of_the_project

TARGETS = ("all", "des_study")
CHANGED = "params have changed since last execution:\n"
# modules of every room, and the rules that pick by name the module, or a reader that imports it
EDITED = {
    "core/files": set(),
    "config/experiment": set(),
    "formats/fits": {
        "stamps",
        "preprocessing_figure",
        "des_study_stamps",
        "des_study_stamp_features",
        "signal_to_noise",
    },
    "stamps/splits": set(),
    "simulation/detector": set(),
    "surveys/atlas": {"stamps", "preprocessing_figure"},
    "networks/classifier": set(),
    "methods/mme": {"adapt", "select_lambda"},
    "metrics/calibration": set(),
    "training/sampler": set(),
    "tables/writing": set(),
    "figures/accuracy_figures": set(),
    "des_study/categories": set(),
}


@pytest.fixture(scope="module")
def touched(tmp_path_factory) -> tuple[Project, set[str]]:
    """A checkout of which Snakemake holds that its code made every file, and the rules of its jobs."""
    project = copy_of_the_project(tmp_path_factory.mktemp("touched"))
    planned = project.snakemake("--dry-run", "--forceall", *TARGETS)
    printed = planned.stdout + planned.stderr
    for line in re.findall(r"^    output: (.*)$", printed, re.MULTILINE):
        for path in (project.folder / name.removesuffix(" (directory)") for name in line.split(", ")):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.mkdir() if path.parent.name == "simulated" else path.touch()
    project.run("--touch", "--forceall", *TARGETS)
    return project, jobs_in(printed)


def rerun(project: Project) -> tuple[set[str], set[str]]:
    """Rules of jobs whose code changed, and of all jobs: the others wait for new inputs."""
    done = project.snakemake("--dry-run", *TARGETS)
    assert done.returncode == 0, done.stderr[-2000:]
    printed = done.stdout + done.stderr
    rules = printed.partition(CHANGED)[2].partition("\n")[0]
    return {name.strip() for name in rules.split(",")}, jobs_in(printed)


def jobs_in(printed: str) -> set[str]:
    return set(re.findall(r"^(?:local)?rule (\w+):$", printed, re.MULTILINE))


def files_of(rule: Rule) -> set[Path]:
    """What a rule's script imports, and the module of the function that the rule names."""
    module, _, _ = rule.params.get("function", "").partition(":")
    named = PACKAGE.joinpath(*module.split(".")).with_suffix(".py") if module else None
    files = closure(SCRIPTS / rule.script.rpartition("/")[2])
    return files | {named} | closure(named) if named else files


@pytest.mark.parametrize("edited", EDITED)
def test_an_edited_module_reruns_what_imports_it_and_nothing_else(touched, edited):
    project, planned = touched
    path = project.folder / f"workflow/stampshift/{edited}.py"
    text = path.read_text()
    path.write_text(text + "\nEXTRA = 1\n")
    changed, jobs = rerun(project)
    path.write_text(text)
    importing = {
        name
        for name, rule in loaded_rules().items()
        if rule.script and PACKAGE / f"{edited}.py" in files_of(rule)
    }
    expected = (importing | EDITED[edited]) & planned
    assert expected
    assert changed <= expected <= jobs
