"""The rules of the workflow as Snakemake reads them, without a job, and what their scripts import."""

import os
import re
from contextlib import chdir
from functools import cache
from pathlib import Path

from snakemake.api import SnakemakeApi
from snakemake.rules import Rule
from snakemake.settings.types import ConfigSettings, OutputSettings, Quietness, ResourceSettings
from snakemake.workflow import Workflow

from tiny_project import ROOT

PACKAGE = ROOT / "workflow" / "stampshift"
SCRIPTS = ROOT / "workflow" / "scripts"
VERSION = PACKAGE / "core" / "version.py"  # a new one makes nothing run again
NOT_FOLLOWED = {"methods", "networks", "surveys"}  # registries: a rule names the module that it picks
IMPORT = re.compile(r"^ *(?:from ([\w.]+) import (\([^)]*\)|[^\n]*)|import ([\w.]+))", re.MULTILINE)
SEVERAL = {
    "sources": {"both": ["HiTS", "DES"]},
    "pairs": ["HiTS-to-ZTF", "both-to-ZTF", "both-to-DES"],
    # the profile zero_label has one weight for all pairs
    "methods": {
        "mme": {"entropy_weight": {"choice": "search", "grid": [0.1], "seed": 0, "without_labels": 0.1}}
    },
}
# of archives, not simulated, and one training job for all targets of a source
PUBLISHED = {
    "methods": {"mme": {"entropy_weight": {"choice": "published"}}},
    "execution": {"together": True},
}


@cache
def loaded_rules() -> dict[str, Rule]:
    """Rules by name, of two configurations that between them switch everything on."""
    return {rule.name: rule for workflow in loaded_workflows() for rule in workflow.rules}


@cache
def loaded_workflows(**default_resources: int) -> list[Workflow]:
    """The two workflows, with the resources that a profile gives every rule."""
    before = os.environ.get("PYTHONPATH", "")
    found: list[Workflow] = []
    for profiles, config in ((("des_study", "ablations", "zero_label"), SEVERAL), ((), PUBLISHED)):
        files = [ROOT / f"workflow/profiles/{profile}/experiment.yaml" for profile in profiles]
        with chdir(ROOT), SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as api:
            workflow = api.workflow(
                resource_settings=ResourceSettings(default_resources=default_resources),
                config_settings=ConfigSettings(configfiles=files, config=config),
                snakefile=ROOT / "Snakefile",
            )
            found.append(workflow._workflow)
    os.environ["PYTHONPATH"] = before  # the rules change it
    return found


def imports(path: Path) -> set[Path]:
    """Files of ours that a file's text imports, found by its lines and not by its syntax tree."""
    found: set[Path] = set()
    for module, names, plain in IMPORT.findall(path.read_text(encoding="utf-8")):
        words = re.sub(r"#.*", "", names).strip("()").split(",")
        attributes = [word.split(" as ")[0].strip() for word in words]
        for name in [plain or module, *(f"{module}.{attribute}" for attribute in attributes)]:
            parts = name.split(".")
            root = PACKAGE.parent if parts[0] == "stampshift" else SCRIPTS
            if root == SCRIPTS and path.parent != SCRIPTS:
                continue
            base = root.joinpath(*parts)
            package = base / "__init__.py"
            found |= {file for file in (base.with_suffix(".py"),) if file.is_file()} - {VERSION}
            if package.is_file() and base != PACKAGE and base.name not in NOT_FOLLOWED:
                found.add(package)
    return found


def closure(path: Path) -> set[Path]:
    """Files of ours that a file executes, registries apart."""
    found: set[Path] = set()
    pending = imports(path)
    while pending:
        found |= pending
        pending = set().union(*map(imports, pending)) - found
    return found
