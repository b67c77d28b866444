"""What a file of the project or a raw archive holds, as text."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from stampshift.alerts.containers import units as alert_units
from stampshift.alerts.decoding import decode
from stampshift.alerts.dialects import UNKNOWN_SCHEMA, Alert
from stampshift.core.errors import ArchiveError, ContractError, reading_archive
from stampshift.formats.archives import passed_over
from stampshift.formats.tables import names
from stampshift.stamps.contents import REMEDY, check_attributes
from stampshift.stamps.file import CHANNELS, LABELS, UNLABELLED, UNLABELLED_CLASS, Stamps, is_stamps_file
from stampshift.stamps.groups import identical, remarks_on
from stampshift.stamps.raw_triplets import InvalidPixels, RawTriplet, Triplet
from stampshift.surveys import READERS, Reader

# marks of the four surveys' archives; its config section says what an archive really holds
MARKS = {
    "not finite": InvalidPixels(),
    "-31415": InvalidPixels(equals=-31415.0),
    "beyond 1e30": InvalidPixels(magnitude_above=1e30),
    "non-zero below 1e-29": InvalidPixels(nonzero_below=1e-29),
}
LISTED_SHAPES = 5
TRIED_CANDIDATES = 20
COLUMN = 12
Lines = list[tuple[str, str]]


def describe(path: Path) -> str:
    """Describe a stamps file, a table, alert packets, or a raw archive of any survey that has a reader.

    The path is that of a file or an archive's folder. A raw archive is read as a whole; tables beside a file
    serve to label it. Raises an `ArchiveError` if the file does not exist or no reader can read it, a
    `ContractError` if it is a stamps file that breaks its contract.
    """
    if not path.exists():
        raise ArchiveError(
            f"{path}: no such file or folder. Give a stamps file, or a raw archive or its folder."
        )
    with reading_archive():
        return _describe(path)


def _describe(path: Path) -> str:
    if path.is_file():
        path.open("rb").close()  # h5py takes a file that may not be read for one of another format
    if path.is_file() and h5py.is_hdf5(path):
        return describe_stamps(path) if is_stamps_file(path) else _describe_table(path)
    if path.suffix.lower() == ".npz":
        return _describe_table(path)
    if path.suffix.lower() == ".parquet" and next(_alerts([path])).problem == UNKNOWN_SCHEMA:
        return _describe_table(path)
    return _describe_archive(path)


def describe_stamps(path: Path) -> str:
    """How many stamps a file holds by label and class, what was dropped and filled, and their origin."""
    stamps = Stamps.open(path, unlabelled=True)
    codes = LABELS | ({UNLABELLED_CLASS: UNLABELLED} if (stamps.labels == UNLABELLED).any() else {})
    classes = dict(zip(*np.unique(stamps.classes, return_counts=True), strict=True))
    objects = len(set(stamps.groups.tolist()) - {""})
    check_attributes(stamps.attributes, path)
    missing = {"counts", "raw", "invalid", "origin"} - set(stamps.attributes)
    if missing:
        raise ContractError(f"{path}: does not state its {' or its '.join(sorted(missing))}. {REMEDY}")
    counts, raw = stamps.attributes["counts"], stamps.attributes["raw"]
    pixels, in_stamps = counts["filled_pixels"], counts["filled_stamps"]
    filled = (f"{name} {pixels[name]} pixels in {in_stamps[name]} stamps" for name in CHANNELS)
    marks = stamps.attributes["invalid"].items()
    rules = (f"{name} {value:g}" for name, value in marks if value is not None)
    copies, looks = identical(stamps)
    return _text(
        [
            (f"{path}: stamps of {stamps.survey}", ""),
            ("stamps", f"{len(stamps)}, each {' x '.join(map(str, stamps.stamps.shape[1:]))} float32"),
            ("channels", ", ".join(CHANNELS)),
            ("labels", _listed({name: int((stamps.labels == code).sum()) for name, code in codes.items()})),
            ("classes", _listed(classes)),
            ("objects", str(objects) if objects else "not known"),
            ("identical", f"{copies} stamps, {looks} different" if copies else "none"),
            *(("remark", remark) for remark in remarks_on(stamps)),
            *_for_people(stamps.attributes.get("shown")),
            ("read", f"{counts['read']}, of which {_listed(counts['classes_read'])}"),
            ("dropped", _listed(counts["dropped"])),
            ("filled", "; ".join(filled)),
            ("constant", _listed({name: counts["constant"][name] for name in CHANNELS})),
            ("empty", _listed({name: counts["empty"][name] for name in CHANNELS})),
            ("invalid", ", ".join(["NaN", "inf", *rules])),
            ("origin", _listed(stamps.attributes["origin"])),
            ("archive", f"{raw['files']} files, {raw['bytes'] / 1e6:.1f} MB, SHA-256 {raw['sha256']}"),
        ]
    )


def _for_people(shown: Mapping[str, Any] | None) -> Lines:
    if shown is None:
        return []
    wide = shown["context_pixels"]
    kept = ["metadata"] * shown["metadata"] + [f"cutouts of {wide} x {wide} pixels"] * (wide > 0)
    return [("for people", ", ".join(kept))]


def _describe_table(path: Path) -> str:
    """What a table holds, for the survey's section `table` to name."""
    head = f"{path}: table; give the names to read in the survey's `table` (reader: table)"
    found = names(path)
    width = max(COLUMN, *(len(name) + 1 for name in found))
    return "\n".join([head, *(f"{name:<{width}}{text}" for name, text in found.items())])


def _describe_archive(path: Path) -> str:
    """An archive's format, its candidates by class, and the sizes and values of its images."""
    paths = [path] if path.is_dir() else [path, *sorted(path.parent.glob("*.csv"))]
    name, reader = _recognised(path, paths)
    files = reader.files(paths)
    megabytes = sum(file.stat().st_size for file in files) / 1e6
    lines = [(f"{path}: raw archive, read by '{name}'", ""), ("files", f"{len(files)}, {megabytes:.1f} MB")]
    left = passed_over([path], files)
    lines += [("remark", left)] if left else []
    return _text(lines + (_of_packets(paths) if name == "packets" else _of_triplets(reader, paths)))


def _recognised(path: Path, paths: list[Path]) -> tuple[str, Reader]:
    """The first reader that can read one of the first candidates."""
    reasons = []
    for name, build in READERS.items():
        if name == "table":
            continue  # only the config says what the table's names mean
        # of ATLAS a template is computed, which would hide the mark
        reader = build({}, MARKS["-31415"] if name == "atlas" else InvalidPixels())
        try:
            # packets here may be of several telescopes, of which that reader takes one
            candidates = _alerts(paths) if name == "packets" else reader.candidates(paths)
            first = list(islice(candidates, TRIED_CANDIDATES))
            # packets whose images cannot be read are still packets
            known = name == "packets" and any(each.identifier for each in first)
            if known or any(isinstance(each, RawTriplet) for each in first):
                return name, reader
            found = [each.detail for each in first if not isinstance(each, RawTriplet)]
            reasons.append(f"{name}: {found[0] if found else 'no candidate in it'}")
        except ArchiveError as error:
            reasons.append(f"{name}: {str(error).splitlines()[0]}")
    raise ArchiveError(
        f"{path}: neither a stamps file nor a raw archive that one of the readers can read.\n  "
        + "\n  ".join(reasons)
    )


def _of_triplets(reader: Reader, paths: list[Path]) -> Lines:
    classes, unusable, pixels = Counter[str](), Counter[str](), _Pixels()
    for triplet in reader.candidates(paths):
        if isinstance(triplet, RawTriplet):
            classes[triplet.survey_class] += 1
            pixels.add(triplet.images)
        else:
            unusable[triplet.reason] += 1
    by_class = _listed(dict(sorted(classes.items())))
    wrong = [("unusable", _listed(unusable))] if unusable else []
    return [("candidates", str(classes.total())), ("classes", by_class), *wrong, *pixels.lines()]


def _of_packets(paths: list[Path]) -> Lines:
    surveys, problems = Counter[str](), Counter[str]()
    identifiers, scored, pixels = set(), 0, _Pixels()
    for alert in _alerts(paths):
        surveys[alert.survey or "not known"] += 1
        if alert.images is None:
            problems[alert.problem] += 1
        else:
            pixels.add(alert.images)
        identifiers.add(alert.identifier)
        scored += alert.survey_score == alert.survey_score
    return [
        ("packets", f"{surveys.total()}, {len(identifiers - {''})} different"),
        ("surveys", _listed(surveys) or "none"),
        ("problems", _listed(problems) or "none"),
        ("scored", f"{scored} by the survey itself"),
        *pixels.lines(),
    ]


def _alerts(paths: list[Path]) -> Iterator[Alert]:
    return chain.from_iterable(map(decode, alert_units(paths)))


class _Pixels:
    """Sizes of triplets; by channel the range of values, and how many pixels look like marks."""

    def __init__(self) -> None:
        self._shapes: Counter[str] = Counter()
        self._counts = {name: Counter[str]() for name in CHANNELS}
        self._range = dict.fromkeys(CHANNELS, (np.inf, -np.inf))

    def add(self, images: Triplet) -> None:
        self._shapes[" / ".join(dict.fromkeys(" x ".join(map(str, image.shape)) for image in images))] += 1
        for channel, image in zip(CHANNELS, images, strict=True):
            finite = np.isfinite(image)
            if finite.any():
                low, high = self._range[channel]
                values = image[finite]
                self._range[channel] = min(low, float(values.min())), max(high, float(values.max()))
            self._counts[channel]["pixels"] += image.size
            for name, rule in MARKS.items():
                marked = ~finite if name == "not finite" else rule.mask(image) & finite
                self._counts[channel][name] += int(marked.sum())

    def lines(self) -> Lines:
        lines = [("shapes", _listed(dict(self._shapes.most_common(LISTED_SHAPES))))]
        for channel, counts in self._counts.items():
            found = {name: counts[name] for name in MARKS if counts[name]}
            marks = f"marked as invalid: {_listed(found)}" if found else "no mark of an invalid pixel"
            low, high = self._range[channel]
            if counts["pixels"]:
                lines.append((channel, f"{low:.6g} to {high:.6g} in {counts['pixels']} pixels; {marks}"))
        return lines


def _listed(counts: Mapping[Any, Any]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())


def _text(lines: Iterable[tuple[str, str]]) -> str:
    return "\n".join(f"{name:<{COLUMN}}{text}".rstrip() for name, text in lines)
