"""What made a result: the code, the inputs and the versions behind it."""

import ast
import hashlib
import json
import os
import platform
from collections.abc import Iterable
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from stampshift import __version__

PACKAGE_ROOT = Path(__file__).parents[1]
REPORTED_PACKAGES = ("numpy", "torch", "h5py", "pandas", "snakemake")


def code_digest(*modules: str) -> str:
    """Digest of the code of modules of this package and of all that they import from it.

    Comments, docstrings and layout do not count. Imported sub-packages' `__init__` files are
    registries and are not followed, so that editing one method or one reader leaves the digests of the
    others as they are; a step names the method or reader that it uses as a module of its own.

    Parameters
    ----------
    modules
        Names relative to the package, such as ``"methods.mme"``.

    Returns
    -------
    str
        Sixteen hexadecimal digits.
    """
    files = sorted(_closure(tuple(_source(name) for name in modules)))
    return digest([[file.relative_to(PACKAGE_ROOT).as_posix(), _normalised(file)] for file in files])


def digest(content: Any) -> str:
    """Sixteen hexadecimal digits of any JSON content."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def file_digest(path: Path | str) -> str:
    """SHA-256 of a file, hexadecimal."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that decide a result."""
    own = {"python": platform.python_version(), "stampshift": __version__}
    return own | {name: version(name) for name in REPORTED_PACKAGES}


def offer_package_to_subprocesses() -> None:
    """Let the Python processes that this one starts import this very package.

    Jobs in Snakemake's own conda environments have no installed copy, and an installed copy must never
    stand in for the checkout whose digests the rules carry.
    """
    inherited = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(PACKAGE_ROOT.parent), inherited]))


def _source(name: str) -> Path:
    base = PACKAGE_ROOT.joinpath(*name.split("."))
    source = base / "__init__.py" if base.is_dir() else base.with_suffix(".py")
    if not source.is_file():
        raise ModuleNotFoundError(f"stampshift.{name}")
    return source


def _closure(sources: Iterable[Path]) -> set[Path]:
    found: set[Path] = set()
    pending = list(sources)
    while pending:
        source = pending.pop()
        if source not in found:
            found.add(source)
            pending.extend(_imports(source))
    return found


@cache
def _imports(source: Path) -> tuple[Path, ...]:
    """Modules of this package that a module imports, packages' `__init__` files left out."""
    names: set[str] = set()
    for node in ast.walk(_parse(source)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    parts = (name.split(".") for name in names if name.startswith("stampshift."))
    candidates = {PACKAGE_ROOT.joinpath(*tail).with_suffix(".py") for _, *tail in parts}
    return tuple(sorted(path for path in candidates if path.is_file()))


@cache
def _normalised(source: Path) -> str:
    tree = _parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                node.body = node.body[1:]
    return ast.dump(tree)


def _parse(source: Path) -> ast.Module:
    return ast.parse(source.read_text(encoding="utf-8"))
