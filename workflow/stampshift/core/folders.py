"""Folders that appear whole or not at all, and replace others as a whole."""

import glob
import shutil
import uuid
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from stampshift.core.errors import ContractError
from stampshift.core.files import TEMPORARY_NAME, atomic_path
from stampshift.core.temporary import abandoned, held

ASIDE_NAME = ".{}.{}.old"  # of a folder that is replaced: its name, eight random characters


@contextmanager
def atomic_folder(path: Path | str) -> Iterator[Path]:
    """Folder to fill, as `atomic_path` for a file; an `OSError` if `path` is then a folder with content.

    What killed writers of it left is removed first.
    """
    _tidy(Path(path))
    with _filled(path) as temporary:
        yield temporary


@contextmanager
def _filled(path: Path | str) -> Iterator[Path]:
    with atomic_path(path) as temporary:
        temporary.mkdir()
        with held(temporary):
            yield temporary


@contextmanager
def new_folder(path: Path, *, advice: str, replaced: Collection[str] = ()) -> Iterator[Path]:
    """Folder to fill, as `atomic_folder`; refused by `refuse_existing`, before the block and after it.

    One that is replaced is set aside until the new one has its name: a killed writer leaves the old folder or
    the new one, never a mixture. If it leaves none, the next call puts the old one back.
    """
    _tidy(path)
    refuse_existing(path, advice=advice, replaced=replaced)
    with ExitStack() as stack, _filled(path) as temporary:
        yield temporary
        refuse_existing(path, advice=advice, replaced=replaced)
        if path.is_dir():
            stack.enter_context(_set_aside(path))


@contextmanager
def _set_aside(folder: Path) -> Iterator[None]:
    """Give a folder a hidden name; at the end it is removed, or put back if nothing has its name."""
    aside = folder.with_name(ASIDE_NAME.format(folder.name, uuid.uuid4().hex[:8]))
    with held(folder):
        folder.rename(aside)
        try:
            yield
        finally:
            _settle(aside, folder)


def _settle(aside: Path, folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(aside, ignore_errors=True)
    else:
        aside.rename(folder)


def _tidy(path: Path) -> None:
    """Remove what killed writers of a folder left, and put back the old one if they left no new one."""
    name, random = glob.escape(path.name), "?" * 8
    for aside in path.parent.glob(ASIDE_NAME.format(name, random)):
        with abandoned(aside) as gone:
            if gone:
                _settle(aside, path)
    pattern = TEMPORARY_NAME.format(glob.escape(path.stem), random, path.suffix)
    for unfinished in filter(Path.is_dir, path.parent.glob(pattern)):
        with abandoned(unfinished) as gone:
            if gone:
                shutil.rmtree(unfinished, ignore_errors=True)


def refuse_existing(path: Path, *, advice: str, replaced: Collection[str] = ()) -> None:
    """Raise a `ContractError` with the advice if `path` exists.

    A folder may exist that is empty, or holds nothing but files that are to be replaced.
    """
    if path.is_dir():
        others = sorted({each.name for each in path.iterdir()} - set(replaced))
        if others and replaced:
            raise ContractError(
                f"{path}: cannot be overwritten: it holds {', '.join(others[:3])}, which this command does "
                "not write; give another folder."
            )
    else:
        others = [path.name] if path.exists() or path.is_symlink() else []
    if others:
        raise ContractError(f"{path}: already exists; {advice}.")
