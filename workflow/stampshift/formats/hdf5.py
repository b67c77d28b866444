"""Data sets of an HDF5 file that are read as they were written.

HDF5 gives zeros in silence where the pixels of a data set lie in another file that is gone, and a data set
may name any file of the machine. Soft links and virtual data sets are followed; what else leads out of the
file is refused.
"""

import math
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

import h5py

from stampshift.core.errors import ArchiveError
from stampshift.formats.inflating import check_size

MOST_LINKS = 16  # soft links on the way to a data set, and virtual data sets behind one another
BLOCK = "%b"  # in the name of a source: one of a series, counted from 0


def find_dataset(file: h5py.File, name: str, *, path: Path, depth: int = 0) -> h5py.Dataset | None:
    """Data set of a name, through soft links, None if there is none; an `ArchiveError` if it is refused."""
    place: h5py.Group | h5py.Dataset = file
    waiting, followed = deque(name.split("/")), 0
    while waiting:
        part = waiting.popleft()
        if part in ("", "."):
            continue
        link = place.get(part, getlink=True) if isinstance(place, h5py.Group) else None
        if link is None and followed:
            raise ArchiveError(f"{path}: '{name}' is a link, and there is nothing where it leads.")
        if link is None:
            return None
        if isinstance(link, h5py.ExternalLink):
            raise ArchiveError(
                f"{path}: expected '{name}' within the file, found a link to '{link.path}' in another file, "
                f"{link.filename}. Copy the data set into the file, or name that file in the config."
            )
        if isinstance(link, h5py.SoftLink):
            followed += 1
            if followed > MOST_LINKS:
                raise ArchiveError(f"{path}: '{name}' is a link that leads in a circle. Correct the link.")
            place = file if link.path.startswith("/") else place
            waiting.extendleft(reversed(link.path.split("/")))
        else:
            place = place[part]
    if isinstance(place, h5py.Dataset):
        _check_storage(place, path, depth)
        return place
    return None


def _check_storage(dataset: h5py.Dataset, path: Path, depth: int) -> None:
    """Raise an `ArchiveError` unless all of a data set can be read, within the bounds of the memory."""
    place = f"{path}: '{dataset.name}'"
    if dataset.external:
        files = ", ".join(str(entry[0]) for entry in dataset.external)
        raise ArchiveError(
            f"{place} has its content in another file, {files}, which is refused. Copy it into the HDF5 "
            "file, for example with h5repack."
        )
    properties = dataset.id.get_create_plist()
    for number in range(properties.get_nfilters()):
        code, *_, label = properties.get_filter(number)
        if not h5py.h5z.filter_avail(code):
            raise ArchiveError(
                f"{place} is compressed by filter {code} ({label.decode('utf-8', 'replace') or 'no name'}), "
                "for which there is no plugin here. Install it (such as the package hdf5plugin and its "
                "HDF5_PLUGIN_PATH), or write the file again with gzip."
            )
    if dataset.chunks:
        check_size(math.prod(dataset.chunks) * dataset.dtype.itemsize, f"{place}: a chunk")
    for file_name, name in _sources(dataset):
        _check_source(place, path, file_name, name, depth)


def _sources(dataset: h5py.Dataset) -> list[tuple[str, str]]:
    """Files and data sets with the content of a virtual data set; none of an ordinary one."""
    sources = dataset.virtual_sources() if dataset.is_virtual else []
    return sorted({(source.file_name, source.dset_name) for source in sources})


def _source_file(path: Path, file_name: str) -> Path | None:
    """A file that a virtual data set of `path` names, where HDF5 looks for it; None if it is gone."""
    tried = [path.parent / file_name, path.parent / Path(file_name).name, Path(file_name)]
    return path if file_name == "." else next((each for each in tried if each.is_file()), None)


def source_files(path: Path, names: Sequence[str]) -> Iterator[Path]:
    """Other files with content of some data sets of a file, those behind virtual data sets there too.

    Raises an `ArchiveError` if one of the data sets is refused.
    """
    with h5py.File(path) as file:
        for name in names:
            dataset = find_dataset(file, name, path=path)
            for file_name, inner in _sources(dataset) if dataset is not None else ():
                for number in count() if BLOCK in file_name else (0,):
                    found = _source_file(path, file_name.replace(BLOCK, str(number)))
                    if found is None:
                        break
                    if found != path:
                        yield found
                    yield from source_files(found, [inner.replace(BLOCK, "0")])


def _check_source(place: str, path: Path, file_name: str, name: str, depth: int) -> None:
    """Raise an `ArchiveError` if a source of a virtual data set is gone or refused."""
    if depth > MOST_LINKS:
        raise ArchiveError(f"{place} is made of virtual data sets that lead in a circle. Correct it.")
    file_name, name = (each.replace(BLOCK, "0") for each in (file_name, name))
    found = _source_file(path, file_name)
    if found is None:
        raise ArchiveError(
            f"{place} is a virtual data set, and the file {file_name} with its content is not there. Put it "
            f"beside {path.name} again."
        )
    with h5py.File(found) as file:
        if find_dataset(file, name, path=found, depth=depth + 1) is None:
            raise ArchiveError(
                f"{place} is a virtual data set, and {found} holds no '{name}' with its content. Put the "
                f"right file beside {path.name}."
            )


def described(file: h5py.File) -> dict[str, str]:
    """Type and shape of every data set by name, and where links lead."""
    found: dict[str, str] = {}

    def describe(name: str, link: object) -> None:
        item = file.get(name) if isinstance(link, h5py.HardLink) else None
        if isinstance(item, h5py.Dataset):
            found[name] = shape_text(item.shape, item.dtype)
        elif isinstance(link, h5py.SoftLink):
            found[name] = f"link to {link.path}"
        elif isinstance(link, h5py.ExternalLink):
            found[name] = f"link to {link.path} in {link.filename}, which is not followed"

    file.visititems_links(describe)
    return found


def shape_text(shape: tuple[int, ...] | None, dtype: object) -> str:
    """Type and shape of an array as text."""
    return f"{dtype}, {' x '.join(map(str, shape or ())) or 'a scalar'}"
