"""What a file of the project or a raw archive holds, as text."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from stampshift.alerts.containers import units as alert_units
from stampshift.alerts.decoding import decode
from stampshift.alerts.dialects import UNKNOWN_SCHEMA, Alert, Images
from stampshift.core.errors import ArchiveError
from stampshift.formats.tables import names
from stampshift.stamps.file import CHANNELS, LABELS, UNLABELLED, UNLABELLED_CLASS, Stamps, is_stamps_file
from stampshift.stamps.raw_triplets import InvalidPixels, RawTriplet, Unusable
from stampshift.surveys import READERS, Reader

# marks of the four surveys' archives; what an archive really holds is for its config section to say
MARKS = {
    "not finite": InvalidPixels(),
    "-31415": InvalidPixels(equals=-31415.0),
    "beyond 1e30": InvalidPixels(magnitude_above=1e30),
    "non-zero below 1e-29": InvalidPixels(nonzero_below=1e-29),
}
LISTED_SHAPES = 5
TRIED_CANDIDATES = 20
COLUMN = 12


def describe(path: Path) -> str:
    """Describe a stamps file, a table, alert packets, or a raw archive of any survey that has a reader.

    Parameters
    ----------
    path
        A stamps file, a raw archive's file, or its folder. A raw archive is read as a whole; tables beside
        a file serve to label it.

    Raises
    ------
    ArchiveError
        If the file does not exist or no reader can read it.
    ContractError
        If it is a stamps file that breaks its contract.
    """
    if not path.exists():
        raise ArchiveError(
            f"{path}: no such file or folder. Give a stamps file, or a raw archive or its folder."
        )
    if path.is_file() and h5py.is_hdf5(path):
        return describe_stamps(path) if is_stamps_file(path) else describe_table(path)
    if path.suffix == ".npz":
        return describe_table(path)
    if path.suffix == ".parquet" and next(_alerts([path])).problem == UNKNOWN_SCHEMA:
        return describe_table(path)
    return describe_archive(path)


def describe_stamps(path: Path) -> str:
    """Tell how many stamps a file holds by label and class, what was dropped and filled, and their origin."""
    stamps = Stamps.open(path, unlabelled=True)
    codes = LABELS | ({UNLABELLED_CLASS: UNLABELLED} if (stamps.labels == UNLABELLED).any() else {})
    labels = {name: int((stamps.labels == label).sum()) for name, label in codes.items()}
    classes = dict(zip(*np.unique(stamps.classes, return_counts=True), strict=True))
    objects = len(set(stamps.groups.tolist()) - {""})
    rows = [
        (f"{path}: stamps of {stamps.survey}", ""),
        ("stamps", f"{len(stamps)}, each {' x '.join(map(str, stamps.stamps.shape[1:]))} float32"),
        ("channels", ", ".join(CHANNELS)),
        ("labels", _listed(labels)),
        ("classes", _listed(classes)),
        ("objects", str(objects) if objects else "not known"),
        *_preprocessing(stamps.attributes),
    ]
    return _table(rows)


def describe_archive(path: Path) -> str:
    """Tell an archive's format, its candidates by class, and the sizes and values of its images."""
    paths = [path] if path.is_dir() else [path, *sorted(path.parent.glob("*.csv"))]
    name, reader = _recognised(path, paths)
    files = reader.files(paths)
    total = sum(file.stat().st_size for file in files)
    rows = [
        (f"{path}: raw archive, read by '{name}'", ""),
        ("files", f"{len(files)}, {total / 1e6:.1f} MB"),
        *(_of_packets(paths) if name == "packets" else _of_triplets(reader, paths)),
    ]
    return _table(rows)


def describe_table(path: Path) -> str:
    """Tell what a table holds, for the survey's section `table` to name."""
    rows = [(f"{path}: table; name what counts in the survey's `table` (reader: table)", "")]
    found = names(path)
    width = max(COLUMN, *(len(name) + 1 for name in found))
    return _table([*rows, *((f"{name:<{width}}", text) for name, text in found.items())])


def _of_triplets(reader: Reader, paths: list[Path]) -> list[tuple[str, str]]:
    classes: Counter[str] = Counter()
    images = _Images()
    for unit in reader.units(paths):
        for triplet in reader.decode(unit):
            if isinstance(triplet, RawTriplet):
                classes[triplet.survey_class] += 1
                images.add(triplet.images)
    return [
        ("candidates", str(classes.total())),
        ("classes", _listed(dict(sorted(classes.items())))),
        *images.rows(),
    ]


def _of_packets(paths: list[Path]) -> list[tuple[str, str]]:
    found: dict[str, Counter[str]] = {"surveys": Counter(), "problems": Counter()}
    identifiers, scored, count = set(), 0, 0
    images = _Images()
    for alert in _alerts(paths):
        count += 1
        found["surveys"][alert.survey or "not known"] += 1
        if alert.images is None:
            found["problems"][alert.problem] += 1
        else:
            images.add(alert.images)
        identifiers.add(alert.identifier)
        scored += alert.survey_score == alert.survey_score
    return [
        ("packets", f"{count}, {len(identifiers - {''})} different"),
        *((name, _listed(counts) or "none") for name, counts in found.items()),
        ("scored", f"{scored} by the survey itself"),
        *images.rows(),
    ]


def _alerts(paths: list[Path]) -> Iterator[Alert]:
    for unit in alert_units(paths):
        yield from decode(unit)


class _Images:
    """Sizes and values of triplets."""

    def __init__(self) -> None:
        self.shapes: Counter[str] = Counter()
        self.channels = [_Values() for _ in CHANNELS]

    def add(self, images: Images) -> None:
        self.shapes[" / ".join(dict.fromkeys(" x ".join(map(str, image.shape)) for image in images))] += 1
        for values, image in zip(self.channels, images, strict=True):
            values.add(image)

    def rows(self) -> list[tuple[str, str]]:
        texts = [
            (name, values.text())
            for name, values in zip(CHANNELS, self.channels, strict=True)
            if values.pixels
        ]
        return [("shapes", _listed(dict(self.shapes.most_common(LISTED_SHAPES)))), *texts]


class _Values:
    """Range of a channel's pixels and how many of them look like marks."""

    def __init__(self) -> None:
        self.lowest, self.highest, self.pixels = np.inf, -np.inf, 0
        self.marks: Counter[str] = Counter()

    def add(self, image: np.ndarray[Any, Any]) -> None:
        finite = np.isfinite(image)
        if finite.any():
            self.lowest = min(self.lowest, float(image[finite].min()))
            self.highest = max(self.highest, float(image[finite].max()))
        self.pixels += image.size
        for name, rule in MARKS.items():
            marked = ~finite if name == "not finite" else rule.mask(image) & finite
            self.marks[name] += int(marked.sum())

    def text(self) -> str:
        found = {name: count for name, count in self.marks.items() if count}
        marks = f"marked as invalid: {_listed(found)}" if found else "no mark of an invalid pixel"
        return f"{self.lowest:.6g} to {self.highest:.6g} in {self.pixels} pixels; {marks}"


def _first_unit(reader: Reader, paths: list[Path]) -> Iterator[RawTriplet | Unusable]:
    for unit in islice(reader.units(paths), 1):
        yield from reader.decode(unit)


def _recognised(path: Path, paths: list[Path]) -> tuple[str, Reader]:
    """Find the first reader that can read one of the first candidates."""
    reasons = []
    for name, build in READERS.items():
        if name == "table":
            continue  # it needs to be told what the table's names mean
        reader = build({}, InvalidPixels())
        try:
            # packets here may be of several telescopes, of which that reader takes one
            every = _alerts(paths) if name == "packets" else _first_unit(reader, paths)
            first = list(islice(every, TRIED_CANDIDATES))
            if any(isinstance(each, RawTriplet) or each.identifier for each in first):
                return name, reader
            found = [each.detail for each in first if not isinstance(each, RawTriplet)]
            reasons.append(f"{name}: {found[0] if found else 'no candidate in it'}")
        except ArchiveError as error:
            reasons.append(f"{name}: {error}")
    raise ArchiveError(
        f"{path}: neither a stamps file nor a raw archive that one of the readers can read.\n  "
        + "\n  ".join(reasons)
    )


def _preprocessing(attributes: Mapping[str, Any]) -> list[tuple[str, str]]:
    rows = []
    if "counts" in attributes:
        counts = attributes["counts"]
        pixels, stamps = counts["filled_pixels"], counts["filled_stamps"]
        rows += [
            ("read", f"{counts['read']}, of which {_listed(counts['classes_read'])}"),
            ("dropped", _listed(counts["dropped"])),
            (
                "filled",
                "; ".join(f"{name} {pixels[name]} pixels in {stamps[name]} stamps" for name in CHANNELS),
            ),
            ("constant", _listed({name: counts["constant"][name] for name in CHANNELS})),
            ("empty", _listed({name: counts["empty"][name] for name in CHANNELS})),
        ]
    if "invalid" in attributes:
        rules = {name: value for name, value in attributes["invalid"].items() if value is not None}
        rows.append(
            ("invalid", ", ".join(["NaN", "inf", *(f"{name} {value:g}" for name, value in rules.items())]))
        )
    if "origin" in attributes:
        rows.append(("origin", ", ".join(f"{name} {value}" for name, value in attributes["origin"].items())))
    if "raw" in attributes:
        raw = attributes["raw"]
        rows.append(
            ("archive", f"{raw['files']} files, {raw['bytes'] / 1e6:.1f} MB, SHA-256 {raw['sha256']}")
        )
    return rows


def _listed(counts: Mapping[Any, Any]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())


def _table(rows: Iterable[tuple[str, str]]) -> str:
    return "\n".join(f"{name:<{COLUMN}}{text}".rstrip() for name, text in rows)
