"""The site of the documentation: `make docs`. Its pages are the Markdown files, as GitHub shows them."""

from pathlib import Path
from typing import Any

import fastapi  # noqa: F401  # autodoc imports modules with TYPE_CHECKING set, which pydantic refuses
import torch.utils.flop_counter  # noqa: F401  # it refuses the mock of triton below

import stampshift

project = "stampshift"
author = "The stampshift authors"
version = release = stampshift.__version__

extensions = ["myst_nb", "sphinx.ext.apidoc", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]

# the source folder is the repository's root, so that a link from file to file is the same on GitHub
root_doc = "README"
include_patterns = ["*.md", "benchmarks/README.md", "config/README.md", "docs/**"]
exclude_patterns = [".*", "results", "site", "tests", "workflow"]
exclude_patterns += ["docs/api/modules.rst", "docs/api/stampshift.rst"]  # docs/api.rst is in their place
CONTENTS = """
```{toctree}
:hidden:
:caption: Use

docs/tutorial
docs/packets-to-scores
docs/tutorial-votes
docs/commands/README
docs/new-survey
docs/python
docs/api
```
```{toctree}
:hidden:
:caption: Reproduce

docs/running
config/README
docs/slurm
docs/results
docs/generalist
docs/choices
docs/des-study
docs/faults
benchmarks/README
```
```{toctree}
:hidden:
:caption: Develop

CONTRIBUTING
docs/architecture
docs/adding-a-method
docs/adding-a-figure
CHANGELOG
```
"""
COMMANDS = """
```{toctree}
:hidden:
:glob:

[a-z]*
```
"""

myst_heading_anchors = 4  # those of GitHub
nb_execution_mode = "off"  # the notebook is committed with its output; a test runs it

default_role = "literal"
suppress_warnings = ["ref.python"]  # a type that is named without its module may be that of two
autodoc_member_order = "bysource"
toc_object_entries = False  # with every name, the navigation on every page would be a third of the build
autodoc_typehints = "description"
autodoc_use_type_comments = False  # there are none, and the search for them takes time
autodoc_mock_imports = ["triton"]  # only Linux has it
napoleon_google_docstring = False
apidoc_modules = [
    {
        "path": "../workflow/stampshift",
        "destination": "docs/api",
        "module_first": True,
        "automodule_options": {"members"},
    }
]
# public names are imported at first use, where autodoc would not find them
vars(stampshift).update({name: getattr(stampshift, name) for name in stampshift.__all__})

EMPTY_HEADING = "Submodules\n----------\n"  # of apidoc's template

html_theme = "furo"
html_title = f"stampshift {release}"
html_copy_source = False


def add_contents(_app: Any, page: str, source: list[str]) -> None:
    """Give a page the list of those below it, which GitHub need not see."""
    source[0] += {"README": CONTENTS, "docs/commands/README": COMMANDS}.get(page, "")


def drop_empty_heading(_app: Any, page: str, source: list[str]) -> None:
    """Take out of a room's page a heading of apidoc's: those of the modules, on the same level, follow it."""
    if page.startswith("docs/api/"):
        source[0] = source[0].replace(EMPTY_HEADING, "")


def write_start_page(app: Any, error: Exception | None) -> None:
    """Write the page that a browser opens first."""
    if error is None:
        page = '<meta http-equiv="refresh" content="0; url=README.html">\n'
        Path(app.outdir, "index.html").write_text(page, encoding="utf-8")


def setup(app: Any) -> None:
    """Connect all with Sphinx."""
    app.connect("source-read", add_contents)
    app.connect("source-read", drop_empty_heading)
    app.connect("build-finished", write_start_page)
