"""Files that appear only when complete, outlive a power cut, and are read or refused by name."""

import errno
import glob
import json
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stampshift.core.columns import FINITE_OR_GAPS, check_columns
from stampshift.core.errors import ConfigError, ContractError, WriteError, system_fault, unreadable_now

if TYPE_CHECKING:  # Snakemake's rules import this module in every job, and pandas takes half a second
    import pandas as pd

TEMPORARY_NAME = ".{}.{}.part{}"  # stem, eight random characters, suffix
REFUSALS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "your disk quota is used up",
    errno.EROFS: "its file system is read-only",
    errno.EIO: "the disk reports a fault (input/output error)",
    errno.ENAMETOOLONG: "its name is too long, with what a temporary file adds to it",
    errno.ENOTDIR: "a file is in the place of its folder",
    errno.EISDIR: "it is a folder",
}
NO_SYNC_HERE = {errno.EINVAL, errno.EOPNOTSUPP, errno.EBADF}  # of folders on some network file systems
REMEDY = "Delete it; the workflow makes it again."


@contextmanager
def explained(final: Path) -> Iterator[None]:
    """Turn the system's refusal to write into a `WriteError` about the file or folder `final`."""
    try:
        yield
    except Exception as error:
        reason = _refusal(error, final.parent)
        if reason is None:
            raise
        raise WriteError(
            f"{final}: cannot be written: {reason}. No partial file remains; fix this and run the same "
            "command again."
        ) from error


def _refusal(error: BaseException | None, folder: Path) -> str | None:
    while error is not None:
        if isinstance(error, PermissionError) and not os.access(folder, os.W_OK):
            return "you have no permission to write to its folder"
        if isinstance(error, PermissionError) and _is_in(error, folder):
            return f"{error.filename} belongs to another user, or is protected"
        if isinstance(error, FileExistsError) and error.filename == str(folder):
            return REFUSALS[errno.ENOTDIR]
        if isinstance(error, OSError) and error.errno in REFUSALS:
            return REFUSALS[error.errno]
        error = error.__context__  # HDF5 fails again, in other words, when it closes what it could not write
    return None


def _is_in(error: OSError, folder: Path) -> bool:
    return any(
        name and Path(os.fsdecode(name)).parent == folder for name in (error.filename, error.filename2)
    )


@contextmanager
def atomic_path(path: Path | str, *, replace: bool = True) -> Iterator[Path]:
    """Path to write to, renamed to `path` when the block ends well and removed when it raises.

    A missing parent folder is made. The temporary file is in it, so that the rename is atomic, and keeps
    the final suffix, from which writers guess formats. A full disk or a folder that may not be written to
    raises a `WriteError`. The rename is durable, and raises FileExistsError where it may not `replace` a file
    (`rename_durably`).
    """
    final = Path(path)
    temporary = final.with_name(TEMPORARY_NAME.format(final.stem, uuid.uuid4().hex[:8], final.suffix))
    with explained(final):
        make_folder(final.parent)
        try:
            yield temporary
            rename_durably(temporary, final, replace=replace)
        finally:
            if temporary.is_dir():
                shutil.rmtree(temporary, ignore_errors=True)
            else:
                temporary.unlink(missing_ok=True)


@contextmanager
def atomic_paths(*paths: Path | str) -> Iterator[list[Path]]:
    """Paths to write to, as `atomic_path`, for files that belong together.

    None gets its name before all are written, and a new one never stands beside an old one: a writer that is
    killed between two renames leaves some files missing.
    """
    with ExitStack() as stack:
        yield [stack.enter_context(atomic_path(path)) for path in paths]
        for path in paths[:-1]:  # the last one is renamed first
            Path(path).unlink(missing_ok=True)


def rename_durably(path: Path, final: Path, *, replace: bool = True) -> None:
    """Rename a file or folder, so that after a power cut `final` is whole, or what it was before.

    The content reaches the disk before the rename, and the rename before this returns. All files and folders
    of stampshift get their final names here.
    """
    for inside in [*path.rglob("*"), path] if path.is_dir() else [path]:
        _sync(inside)
    if not replace and final.exists():
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(final))
    path.replace(final)
    _sync(final.parent)


def make_folder(folder: Path) -> None:
    """Make a folder and its parents where they are missing, durably."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        _sync(folder.parent)


def _sync(path: Path) -> None:
    """Wait until a file's content, or a folder's names, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if not path.is_dir() or error.errno not in NO_SYNC_HERE:
            raise
    finally:
        os.close(descriptor)


def files_below(folder: Path) -> Iterator[Path]:
    """Files in a folder and all folders below it, through links too; each real folder once, loops or not.

    A link to nowhere counts as a file. The order is that of the names, folder by folder.
    """
    seen: set[tuple[int, int]] = set()
    for parent, folders, names in os.walk(folder, followlinks=True):
        state = Path(parent).stat()
        if (state.st_dev, state.st_ino) in seen:
            folders.clear()
            continue
        seen.add((state.st_dev, state.st_ino))
        folders.sort()
        yield from (Path(parent, name) for name in sorted(names))


def remove_leftovers(path: Path | str) -> None:
    """Remove what killed writers of `path` left under temporary names.

    For large files, of which one process at a time is the writer: a running one would lose its file.
    """
    final = Path(path)
    for leftover in final.parent.glob(TEMPORARY_NAME.format(glob.escape(final.stem), "?" * 8, final.suffix)):
        leftover.unlink(missing_ok=True)


def write_json(path: Path | str, content: Any) -> None:
    """Write `content` as indented JSON with sorted keys, atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(json_text(content))


def json_text(content: Any) -> str:
    """Content of a JSON file, indented and with sorted keys."""
    return json.dumps(content, indent=2, sort_keys=True) + "\n"


def read_json(path: Path | str, *, remedy: str = REMEDY) -> Any:
    """Content of a JSON file; one that cannot be read raises a `ContractError` with the remedy."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        if system_fault(error):
            raise ContractError(_unreadable(path, error, remedy)) from error
        raise ContractError(f"{path}: not readable as JSON ({error}). {remedy}") from error


def read_text(path: Path | str, *, remedy: str) -> str:
    """Text of a file in UTF-8; one that cannot be read raises a `ContractError` with the remedy."""
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        if system_fault(error):
            raise ContractError(_unreadable(path, error, remedy)) from error
        raise ContractError(f"{path}: not a text in UTF-8 ({error}). {remedy}") from error


def read_yaml(path: Path) -> dict[str, Any]:
    """Sections of a YAML file; one that cannot be read, or holds none, raises a `ConfigError`."""
    import yaml  # which a training on a machine without the rest of the project can do without

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        if system_fault(error):
            raise ConfigError(unreadable_now(path, error)) from error
        raise ConfigError(f"{path}: not a readable YAML file ({error}).") from error
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: expected sections of YAML, found {type(content).__name__}.")
    return content


def read_table(
    path: Path | str, *, remedy: str = REMEDY, kinds: Mapping[str, str] | None = None, **options: Any
) -> "pd.DataFrame":
    """Content of a table, Parquet or CSV by its suffix; `options` are those of pandas' reader.

    A table that cannot be read, or lacks a column that the options name, raises a `ContractError` with the
    remedy; so does a column of another kind than that in `kinds` (`columns.check_columns`).
    """
    import pandas as pd

    try:
        Path(path).open("rb").close()  # pandas takes a folder for a table, and says less of a missing file
        if Path(path).suffix == ".parquet":
            table = read_parquet(path, **options)
        else:
            table = pd.read_csv(path, **options)
    # of a table that was written with a wrong description of itself, pandas raises anything
    except (OSError, ValueError, TypeError, KeyError, NotImplementedError, MemoryError) as error:
        if system_fault(error):
            raise ContractError(_unreadable(path, error, remedy)) from error
        raise ContractError(f"{path}: not a readable table ({error}). {remedy}") from error
    kinds = kinds or {}
    check_columns(table, kinds, path=path, remedy=remedy)
    # a column of numbers that holds gaps alone has no type of its own, and its gaps are no NaN
    gaps = [name for name, kind in kinds.items() if kind == FINITE_OR_GAPS and table[name].dtype == object]
    return table.astype(dict.fromkeys(gaps, float))


def _unreadable(path: Path | str, error: BaseException, remedy: str) -> str:
    """A sentence on a file that the system did not give, with the remedy if it is missing."""
    missing = isinstance(error, FileNotFoundError) and remedy != REMEDY  # which deletes what is there
    return unreadable_now(path, error) + (f" {remedy}" if missing else "")


def read_parquet(path: Path | str, **options: Any) -> "pd.DataFrame":
    """Content of a Parquet file, its pages compared with their checksums; an `OSError` where one differs."""
    import pandas as pd

    return pd.read_parquet(path, page_checksum_verification=True, **options)


def write_parquet(path: Path | str, table: "pd.DataFrame") -> None:
    """Write a table as Parquet, atomically, without its index and with a checksum of each page."""
    with atomic_path(path) as temporary:
        table.to_parquet(temporary, index=False, write_page_checksum=True)
