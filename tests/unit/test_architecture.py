"""The law of the house: one direction of imports, small modules, torch only where it is needed."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import stampshift

ROOT = Path(stampshift.__file__).parent
MODULES = sorted(path.relative_to(ROOT) for path in ROOT.rglob("*.py"))
FOUNDATION = {"__init__", "errors", "files", "joblog", "parallel", "provenance", "experiment", "variants"}
FOUNDATION |= {"stamps", "consistency", "label_settings", "reader_settings", "run_folder"}
DATA = {
    "counts",
    "formats",
    "surveys",
    "preprocess",
    "making",
    "splits",
    "simulation",
    "inspection",
    "downloads",
    "alerts",
    "differencing",
    "filtering",
    "tally",
    "one_survey",
    "triplets",
}
DATA |= {"autoscan", "stamp_features", "measuring", "label_file"}
LAYERS = [FOUNDATION, DATA, {"networks"}, {"methods"}, {"training", "forest"}, {"evaluation", "relabelling"}]
LAYERS += [{"figures"}, {"adapting"}, {"release"}, {"scoring"}, {"cli", "planning", "review"}]
# plain numpy, below everything that scores: named with experiment and stamps as free of torch
SHARED = {"evaluation.metrics"}


def layer(module: str) -> int:
    top = module.split(".")[0]
    (found,) = [index for index, names in enumerate(LAYERS) if top in names] or [None]
    assert found is not None, f"stampshift.{module} has no layer: add it to the layout"
    return 0 if module in SHARED else found


def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("stampshift."):
            names.add(node.module.removeprefix("stampshift."))
    return names


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_imports_go_one_way(path):
    module = ".".join(path.with_suffix("").parts).removesuffix(".__init__")
    for name in imported(path):
        assert layer(name) <= layer(module), f"{module} imports {name} from a layer above it"


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_modules_are_small(path):
    assert len((ROOT / path).read_text().splitlines()) <= 300


@pytest.mark.parametrize(
    "module",
    ["experiment", "stamps", "splits", "preprocess", "surveys", "alerts", "simulation", "evaluation.metrics"],
)
def test_light_modules_do_not_import_torch(module):
    code = f"import sys, stampshift.{module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_what_the_rules_import_is_light():
    """Snakemake parses the rules again in every job: a table library there costs each half a second."""
    rules = (ROOT.parent / "rules" / "common.smk").read_text()
    lines = [line for line in rules.splitlines() if line.startswith("from stampshift")]
    assert lines
    code = "\n".join(["import sys", *lines, "sys.exit(bool({'torch', 'pandas'} & set(sys.modules)))"])
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
