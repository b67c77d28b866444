"""The site of the documentation: `make docs`. Pages are the Markdown files, as GitHub shows them."""

from pathlib import Path
from typing import Any

import stampshift

project = "stampshift"
author = copyright = "The stampshift authors"
release = version = stampshift.__version__

extensions = ["myst_nb", "sphinx.ext.apidoc", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]

# the source folder is the repository's root, so that a link between two files is the same there and here
root_doc = "README"
include_patterns = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "docs/**", "benchmarks/README.md", "config/README.md"]
exclude_patterns = [".*", "results", "site", "workflow", "tests", "docs/api/modules.rst"]

myst_heading_anchors = 4  # as GitHub makes them
nb_execution_mode = "off"  # the notebook is committed executed; a test runs it

default_role = "py:obj"
autodoc_member_order = "bysource"
autodoc_typehints = "description"
napoleon_google_docstring = False
apidoc_modules = [
    {
        "path": "../workflow/stampshift",
        "destination": "docs/api",
        "module_first": True,
        "max_depth": 1,
        "automodule_options": {"members"},
    }
]
# public names are imported at first use, which hides them from autodoc
vars(stampshift).update({name: getattr(stampshift, name) for name in stampshift.__all__})

html_theme = "furo"
html_title = f"stampshift {release}"
html_additional_pages = {"index": "to-readme.html"}
