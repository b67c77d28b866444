"""The law of the house: imports go one way, private names stay in their module, light rooms without torch."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import stampshift

ROOT = Path(stampshift.__file__).parent
# from the ground floor up: a room imports only rooms before it
ROOMS = (
    *("core", "config", "formats", "stamps", "alerts", "downloads", "simulation", "surveys"),
    *("networks", "methods", "metrics", "training", "tables", "figures", "review", "des_study"),
    *("release", "adapting", "scoring", "streaming", "brokers", "planning", "cli"),
)
LIGHT = (*ROOMS[:8], "metrics", "tables")  # usable without torch
LARGEST_MODULE = 300


def imports(path: Path):
    """Every import of the package in one of its modules: the module imported from, and the name."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names if alias.name.startswith("stampshift"))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("stampshift"):
            yield from ((node.module, alias.name) for alias in node.names)


def modules():
    return {path.relative_to(ROOT): path for path in sorted(ROOT.rglob("*.py"))}


def test_imports_go_one_way_through_the_rooms():
    loose = [str(name) for name in modules() if len(name.parts) == 1 and name.name != "__init__.py"]
    assert not loose, f"modules outside of any room: {loose}"
    for name, path in modules().items():
        if len(name.parts) == 1:
            continue  # the package's face
        for module, imported in imports(path):
            room = [*module.split("."), imported][1]
            assert room in ROOMS, f"{name} imports {imported} of the package's face"
            assert ROOMS.index(room) <= ROOMS.index(name.parts[0]), f"{name} imports {module}"


def test_no_private_name_crosses_a_module():
    for name, path in modules().items():
        private = [
            f"{module}.{what}" for module, what in imports(path) if what.startswith("_") and what[1] != "_"
        ]
        assert not private, f"{name} imports {private}"


def test_modules_are_small():
    large = {str(name): len(path.read_text().splitlines()) for name, path in modules().items()}
    assert not {name: lines for name, lines in large.items() if lines > LARGEST_MODULE}


def test_light_rooms_do_not_import_torch():
    names = [".".join(name.with_suffix("").parts) for name in modules() if name.parts[0] in LIGHT]
    code = f"""
import importlib, sys
for name in {names}:
    importlib.import_module(f"stampshift.{{name}}")
    if "torch" in sys.modules:
        sys.exit(f"{{name}} imports torch")
"""
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_what_the_rules_import_is_light():
    """Snakemake parses the rules again in every job: a table library there costs each half a second."""
    rules = (ROOT.parent / "rules" / "common.smk").read_text()
    lines = [line for line in rules.splitlines() if line.startswith("from stampshift")]
    assert lines
    code = "\n".join(["import sys", *lines, "sys.exit(bool({'torch', 'pandas'} & set(sys.modules)))"])
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_page_on_the_architecture_lists_the_rooms_in_their_order():
    page = (ROOT.parents[1] / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` ?(°?) \|", page, re.MULTILINE)
    assert [room for room, _ in rows] == list(ROOMS)
    assert {room for room, light in rows if light} == set(LIGHT)
