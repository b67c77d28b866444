"""A folder's list of the digests of its files, `SHA256SUMS`, in the format that `sha256sum -c` checks too."""

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from stampshift.core.errors import ContractError
from stampshift.core.files import atomic_path
from stampshift.core.provenance import file_digest

DIGESTS = "SHA256SUMS"


def write_digests(folder: Path, names: Iterable[str] | None = None) -> None:
    """List the digests of some files of a folder, or of all files in it."""
    if names is None:
        names = (path.name for path in folder.iterdir() if path.is_file() and path.name != DIGESTS)
    lines = [f"{file_digest(folder / name)}  {name}\n" for name in sorted(names)]
    with atomic_path(folder / DIGESTS) as temporary:
        temporary.write_text("".join(lines), encoding="utf-8")


def read_digests(folder: Path) -> dict[str, str]:
    """SHA-256 by name of the files that a folder's list names; a `ContractError` if there is no such list."""
    path = folder / DIGESTS
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError as error:
        raise ContractError(f"{path}: missing; copy the whole folder again, or make it again.") from error
    except (OSError, ValueError) as error:
        raise ContractError(f"{path}: not readable ({error}); make the folder again.") from error
    digests = {}
    for number, line in enumerate(lines, start=1):
        sha256, _, name = line.partition("  ")
        parts = PurePosixPath(name).parts
        if len(sha256) != 64 or not parts or ".." in parts or name.startswith("/"):
            raise ContractError(
                f"{path}, line {number}: expected `<sha256>  <file>`, found {line!r}; make the folder again."
            )
        digests[name] = sha256
    if not digests:
        raise ContractError(f"{path}: lists no file; make the folder again.")
    return digests


def check_digest(path: Path, expected: str) -> None:
    """Compare a file with its digest; a `ContractError` if it is missing or has changed."""
    if not path.is_file():
        raise ContractError(f"{path}: missing; copy the whole folder again, or make it again.")
    found = file_digest(path)
    if found != expected:
        raise ContractError(
            f"{path}: has changed since it was written, expected SHA-256 {expected}, found {found}; copy "
            "the folder again, or make it again."
        )


def check_folder(folder: Path, *, needed: Iterable[str] = ()) -> dict[str, str]:
    """Compare all listed files of a folder with their digests, which are returned.

    Raises
    ------
    ContractError
        If the list is missing or damaged, does not name one of the `needed` files, or a file is missing or
        has changed.
    """
    digests = read_digests(folder)
    for name in needed:
        if name not in digests:
            raise ContractError(f"{folder / DIGESTS}: does not list {name}; make the folder again.")
    for name, expected in digests.items():
        check_digest(folder / name, expected)
    return digests
