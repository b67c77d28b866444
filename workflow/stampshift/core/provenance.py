"""What made a result: the code, the inputs and the versions behind it."""

import ast
import hashlib
import json
import os
import platform
from collections.abc import Iterable
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

from stampshift.core.files import files_below
from stampshift.core.version import __version__

PACKAGE_ROOT = Path(__file__).parents[1]
REGISTRIES = ("methods", "networks", "surveys")  # their `__init__` imports all that may be picked by name
REPORTED_PACKAGES = ("numpy", "torch", "h5py", "pandas", "snakemake")
ABSENT = "absent"  # version of a package that is not installed


def code_digest(*modules: str) -> str:
    """Digest of modules of this package and of all that they import from it, as sixteen hexadecimal digits.

    Comments, docstrings and layout do not count. Registries are not followed, so that editing one method or
    one reader leaves the digests of the others as they are; a step names the method or reader that it uses
    as a separate module. Names are relative to the package, such as ``"methods.mme"``.
    """
    return _digest_of(_closure(_source(name) for name in modules))


def script_digest(script: Path, *modules: str) -> str:
    """Digest of all that a script imports from this package, and of modules that it picks by name.

    The script's own code does not count here: Snakemake itself reruns a job whose script was edited.
    """
    return _digest_of(script_closure(script, *modules))


def script_closure(script: Path, *modules: str) -> set[Path]:
    """Files of this package that a script, or the scripts beside it that it imports, may execute."""
    return _closure([*_read(script).imports, *(_source(name) for name in modules)])


def digest(content: Any) -> str:
    """Sixteen hexadecimal digits of any JSON content."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def file_digest(path: Path | str) -> str:
    """SHA-256 of a file, hexadecimal."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def listing_digest(paths: Iterable[Path | str]) -> str:
    """Digest of names, sizes, times and inodes of files, those below folders included, and of no content.

    A file that is added, removed or replaced changes it, whatever its time is. Links are followed.
    """
    found: list[tuple[str | int, ...]] = []
    for path in map(Path, paths):
        for file in files_below(path) if path.is_dir() else [path]:
            try:
                state = file.stat()
            except OSError:  # a link to nowhere, or no such file
                found.append((str(file),))
            else:
                found.append((str(file), state.st_size, state.st_mtime_ns, state.st_ino))
    return digest(found)


def versions() -> dict[str, str]:
    """Versions of Python and of the packages behind a result; `ABSENT` for one that is not installed."""
    own = {"python": platform.python_version(), "stampshift": __version__}
    return own | {name: _version_of(name) for name in REPORTED_PACKAGES}


def _version_of(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # Snakemake starts trainings, but takes no part in them
        return ABSENT


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


def _digest_of(files: Iterable[Path]) -> str:
    return digest([[f"{file.parent.name}/{file.name}", _read(file).digest] for file in sorted(files)])


def _closure(sources: Iterable[Path]) -> set[Path]:
    found: set[Path] = set()
    pending = list(sources)
    while pending:
        source = pending.pop()
        if source not in found:
            found.add(source)
            pending.extend(_read(source).imports)
    return found


class _Source(NamedTuple):
    """What counts of a file of code: what it imports of ours, anywhere in it, and the rest of the code."""

    imports: tuple[Path, ...]
    digest: str


@cache
def _read(source: Path) -> _Source:
    """Read a file of this package, or a script, in one pass: every start of Snakemake reads most of them."""
    tree = ast.parse(source.read_text(encoding="utf-8"))
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                node.body = node.body[1:]  # the docstring
    files = {_imported(name.split("."), beside=source.parent) for name in names}
    imports = tuple(sorted(file for file in files if file is not None))
    return _Source(imports, digest(ast.dump(tree)))


def _imported(parts: list[str], *, beside: Path) -> Path | None:
    """File of an imported name; None for the version, a registry, what is not ours or no module."""
    if parts[0] == "stampshift":
        base = PACKAGE_ROOT.joinpath(*parts[1:])
    elif beside.name == "scripts":
        base = beside.joinpath(*parts)
    else:
        return None
    if base.is_dir():
        return None if base == PACKAGE_ROOT or base.name in REGISTRIES else base / "__init__.py"
    file = base.with_suffix(".py")
    return file if file.is_file() and base != PACKAGE_ROOT / "core" / "version" else None
