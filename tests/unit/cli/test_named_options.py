"""Every option that a message names is one of the commands that can print the message."""

import ast
import inspect
import re
import textwrap
from functools import cache
from pathlib import Path

import pytest
import typer

import stampshift
from stampshift.cli import app
from stampshift.core.provenance import script_closure

ROOT = Path(stampshift.__file__).parent
COMMANDS = typer.main.get_command(app).commands
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
OF_SNAKEMAKE = ("planning", "tables")  # rooms whose messages name options of Snakemake
# modules that other commands import too, but whose messages only these print
PRINTED_BY = {
    "review/drawing.py": ["review"],
    "review/known_answers.py": ["review"],
    "review/reviewed.py": ["review"],
    "review/vote_format.py": ["review"],
    "release/run_files.py": ["export"],
    "release/threshold.py": ["threshold", "score"],
}


@cache
def options(command):
    return {
        option
        for parameter in COMMANDS[command].params
        for option in parameter.opts + parameter.secondary_opts
    }


@cache
def modules_of(command):
    """Files of the modules that a command's function imports, and of all that these import."""
    function = ast.parse(textwrap.dedent(inspect.getsource(COMMANDS[command].callback)))
    names = [node.module for node in ast.walk(function) if isinstance(node, ast.ImportFrom) and node.module]
    own = [name.removeprefix("stampshift.") for name in names if name.startswith("stampshift.")]
    return script_closure(ROOT / "core" / "version.py", *own)


def messages(path):
    """Texts of a module that name an option, without docstrings; those of one expression together."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    joined = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            joined.add(id(node.value))
        elif isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and id(node) not in joined):
            parts = node.values if isinstance(node, ast.JoinedStr) else [node]
            text = "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in parts)
            if OPTION.search(text):
                yield text


def advising():
    for path in sorted(ROOT.rglob("*.py")):
        room = path.relative_to(ROOT).parts[0]
        if room not in ("cli", *OF_SNAKEMAKE):
            yield from ((path, text) for text in messages(path))


def test_there_is_something_to_check():
    assert len(list(advising())) > 30


@pytest.mark.parametrize("path, text", [pytest.param(*each, id=each[1][:60]) for each in advising()])
def test_an_option_in_a_message_is_one_of_every_command_that_prints_it(path, text):
    """A message that names commands, such as `stampshift review`, may name the options of these too."""
    of_named = set[str]().union(*map(options, re.findall(r"`stampshift ([a-z-]+)", text)))
    printing = [command for command in COMMANDS if path in modules_of(command)]
    for command in PRINTED_BY.get(str(path.relative_to(ROOT)), printing):
        unknown = set(OPTION.findall(text)) - options(command) - of_named
        assert not unknown, f"stampshift {command} prints {text!r}, but has no {', '.join(unknown)}"
