"""Every command in the README and the documentation exists, with the options that it is shown with."""

import re
from pathlib import Path

import pytest
import typer

from stampshift.cli import app

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), ROOT / "benchmarks" / "README.md"]
COMMANDS = typer.main.get_command(app).commands


def documented():
    for page in PAGES:
        text = page.read_text(encoding="utf-8").replace("\\\n", " ")
        shell = "\n".join(re.findall(r"```bash\n(.*?)```", text, re.DOTALL))
        calls = re.findall(r"^stampshift ([a-z-]+[^\n#]*)", shell, re.MULTILINE)
        for call in calls + re.findall(r"`stampshift ([a-z-]+[^`]*)`", text):
            yield page.relative_to(ROOT), call


def test_there_is_something_to_check():
    assert len(list(documented())) > 40


@pytest.mark.parametrize("page, call", sorted(set(documented())))
def test_a_documented_command_exists_with_its_options(page, call):
    name, *words = call.split()
    assert name in COMMANDS, f"{page} names the command {name}"
    known = {
        option for parameter in COMMANDS[name].params for option in parameter.opts + parameter.secondary_opts
    }
    unknown = {word.partition("=")[0] for word in words if word.startswith("--")} - known - {"--help"}
    assert not unknown, f"{page}: stampshift {name} has no {', '.join(sorted(unknown))}"


def test_every_command_has_a_page():
    table = (ROOT / "docs" / "commands" / "README.md").read_text()
    assert set(COMMANDS) <= set(re.findall(r"[a-z]+(?:-[a-z]+)?", table))


def test_links_between_the_pages_lead_somewhere():
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.relative_to(ROOT)} links to {target}"
