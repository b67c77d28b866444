"""Pages of the documentation: their links, their place on the site, and the notebook."""

import ast
import re
import runpy
from pathlib import Path

import nbformat
import pytest
from matplotlib import pyplot

from alert_packets import write_night
from fake_release import release_of, write_results, write_run
from stampshift import read_alerts
from stampshift.config.experiment import Run
from tiny_project import ROOT

NOTEBOOK = ROOT / "docs" / "packets-to-scores.ipynb"
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted(path for path in (ROOT / "docs").rglob("*.md") if "api" not in path.parts),
    *(ROOT / "benchmarks/README.md", ROOT / "config/README.md", NOTEBOOK),
]
FENCED = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")


def cells(kind: str) -> list[nbformat.NotebookNode]:
    return [cell for cell in nbformat.read(NOTEBOOK, as_version=4).cells if cell.cell_type == kind]


def prose(page: Path) -> str:
    """Text of a page without its blocks of code."""
    if page == NOTEBOOK:
        return "\n".join(cell.source for cell in cells("markdown"))
    return FENCED.sub("", page.read_text(encoding="utf-8"))


def anchors(page: Path) -> set[str]:
    """What GitHub makes of a page's headings."""
    headings = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_somewhere(page):
    for link in LINK.findall(prose(page)):
        if link.startswith(("https://", "http://", "mailto:")):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), f"{page.name} links to {name}, which is not there"
        assert not anchor or anchor in anchors(target), f"{page.name}: no heading {link}"


def test_the_site_has_every_page():
    contents = (ROOT / "docs" / "conf.py").read_text(encoding="utf-8")
    for page in PAGES:
        name = str(page.relative_to(ROOT).with_suffix(""))
        if name != "README" and page.parent != ROOT / "docs" / "commands":
            assert f"\n{name}\n" in contents, f"docs/conf.py: {name} is in no list of contents"
    assert "docs/commands/README" in contents


def test_the_empty_heading_that_the_site_leaves_out_is_the_one_that_apidoc_writes():
    sphinx = pytest.importorskip("sphinx", reason="the site's packages are not installed")
    template = Path(sphinx.__file__).parent / "templates" / "apidoc" / "package.rst.jinja"
    conf = (ROOT / "docs" / "conf.py").read_text(encoding="utf-8")
    heading = ast.literal_eval(re.search(r"^EMPTY_HEADING = (\".+?\")", conf, re.MULTILINE)[1])
    assert heading in template.read_text(encoding="utf-8")


def test_the_site_is_built_strictly_by_the_full_check():
    assert "--fail-on-warning" in (ROOT / "Makefile").read_text()
    assert "make docs\n" in (ROOT / ".ci" / "run").read_text()


def test_the_notebook_is_committed_executed_on_simulated_alerts():
    code = cells("code")
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error"]
    pictures = [output for output in outputs if "image/png" in output.get("data", {})]
    printed = [output.text for output in outputs if output.output_type == "stream"]
    assert len(pictures) == 3
    assert any("on this simulated night" in text for text in printed)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A released model and a night with its truth, where the quick start leaves them."""
    folder = tmp_path_factory.mktemp("notebook")
    write_results(folder / "results", "HiTS", "Rubin")
    run = write_run(folder / "results", Run("baseline", "HiTS", None, 0, 0))
    release_of(run, folder / "tutorial" / "rubin-model")
    night = folder / "tutorial" / "tonight"
    write_night(night, "Rubin", 12)
    names = [alert.identifier for alert in read_alerts(night)]
    lines = [f"{name},{('real', 'bogus')[number % 2]}" for number, name in enumerate(names)]
    (night / "labels.csv").write_text("\n".join(["id,label", *lines]) + "\n")
    (folder / "docs").mkdir()
    return folder


@pytest.mark.parametrize("own", [False, True], ids=["quick start", "own packets"])
def test_every_cell_of_the_notebook_runs(own, folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(folder / "docs")
    monkeypatch.setattr(pyplot, "show", lambda: None)
    for name, place in (("STAMPSHIFT_NIGHT", "tonight"), ("STAMPSHIFT_MODEL", "rubin-model")):
        monkeypatch.delenv(name, raising=False)
        if own:
            monkeypatch.setenv(name, str(folder / "tutorial" / place))
    script = tmp_path / "notebook.py"
    script.write_text("\n".join(cell.source for cell in cells("code")))
    runpy.run_path(str(script), {"display": print})
    assert len(pyplot.get_fignums()) == 3
    pyplot.close("all")
    printed = capsys.readouterr().out
    assert "12 of 12 alerts have a score" in printed
    assert ("on this simulated night" in printed) != own


def test_git_ignores_what_the_quick_start_leaves_behind():
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (quick,) = re.findall(r"## Quick start\n.*?```bash\n(.*?)```", readme, re.DOTALL)
    written = re.findall(r"(?:--output|>|simulate Rubin) (\S+)", quick) + re.findall(r" (results/\S+)", quick)
    assert len(written) > 6
    for path in written:
        assert f"/{Path(path).parts[0]}/" in ignored, path
