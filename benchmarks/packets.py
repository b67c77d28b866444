"""Alerts per second and core of decoding packets into images, by survey and container.

By default the packets are synthetic, like ZTF's and Rubin's, with as many fields and as long a history of
detections as real alerts. With --samples the real packets in a folder are decoded as well, one line per
sub-folder. Next to each rate is that of the ordinary way: every field decoded by fastavro's reader, every
image opened by astropy. Both must agree on the pixels; the number of such images is given. Rates are per
second of processor time of one process; files come from the page cache. Run: python benchmarks/packets.py
"""

import argparse
import gzip
import io
import tarfile
import tempfile
import time
from pathlib import Path

import fastavro
import numpy as np
import pyarrow.parquet as pq
from astropy.io import fits

from stampshift import alerts
from stampshift.alerts.dialects import DIALECTS

HEADER = ("packets", "container", "alerts", "KB/alert", "alerts/s per core", "ordinary way", "ratio")
FIELDS = 95  # of a detection
CUTOUTS = ("cutoutTemplate", "cutoutScience", "cutoutDifference")


def fits_bytes(image, hdus):
    file = io.BytesIO()
    further = [fits.ImageHDU(image), fits.ImageHDU(np.zeros((41, 41)))][: hdus - 1]
    fits.HDUList([fits.PrimaryHDU(image), *further]).writeto(file)
    return file.getvalue()


def record(name, fields):
    return {"type": "record", "name": name, "fields": [{"name": key, "type": kind} for key, kind in fields]}


def made_by_hand(survey, history, count):
    """Schema and packets of a survey's form; half of a detection's fields are floats that may be null."""
    generator = np.random.default_rng(0)
    numbers = [(f"f{number}", ["null", "float"] if number % 2 else "double") for number in range(FIELDS)]
    values = {key: float(number) for number, (key, _) in enumerate(numbers)}
    side, hdus = (63, 1) if survey == "ZTF" else (30, 3)
    packets = []
    for number in range(1, count + 1):
        images = [generator.normal(100, 10, (side, side)).astype(">f4") for _ in CUTOUTS]
        contents = [fits_bytes(image, hdus) for image in images]
        if survey == "ZTF":
            contents = [
                {"fileName": "a.fits.gz", "stampData": gzip.compress(content)} for content in contents
            ]
            own = {"objectId": f"o{number}", "candid": number}
            own |= {"candidate": values | {"rcid": 1, "rb": 0.5}, "prv_candidates": [values] * history}
        else:
            source = values | {"diaSourceId": number, "diaObjectId": number, "reliability": 0.5}
            own = {"diaSourceId": number, "diaSource": source, "prvDiaSources": [source] * history}
        packets.append(own | dict(zip(CUTOUTS, contents, strict=True)))
    if survey == "ZTF":
        cutout = record("cutout", [("fileName", "string"), ("stampData", "bytes")])
        fields = [("objectId", "string"), ("candid", "long")]
        fields += [("candidate", record("candidate", [*numbers, ("rcid", "int"), ("rb", ["null", "float"])]))]
        fields += [("prv_candidates", {"type": "array", "items": record("previous", numbers)})]
        kinds = [cutout, "cutout", "cutout"]
    else:
        own = [("diaSourceId", "long"), ("diaObjectId", ["null", "long"]), ("reliability", ["null", "float"])]
        fields = [("diaSourceId", "long"), ("diaSource", record("diaSource", [*own, *numbers]))]
        fields += [("prvDiaSources", ["null", {"type": "array", "items": "diaSource"}])]
        kinds = ["bytes"] * 3
    fields += [(name, ["null", kind]) for name, kind in zip(CUTOUTS, kinds, strict=True)]
    return fastavro.parse_schema(record(f"{survey.lower()}.alert", fields)), packets


def write(schema, packets, folder):
    """The packets as a file each, and as a tar.gz of these; yields name and path of either."""
    for number, packet in enumerate(packets):
        path = folder / "files" / f"{number}.avro"
        path.parent.mkdir(exist_ok=True)
        with path.open("wb") as file:
            fastavro.writer(file, schema, [packet])
    yield "a file each", folder / "files"
    with tarfile.open(folder / "night.tar.gz", "w:gz") as tar:
        tar.add(folder / "files", "night")
    yield "tar.gz", folder / "night.tar.gz"
    with (folder / "night.avro").open("wb") as file:
        fastavro.writer(file, schema, packets)
    yield "one container", folder / "night.avro"


def decoded(path):
    return [alert for unit in alerts.units([path]) for alert in alerts.decode(unit) if alert.images]


def ordinarily_decoded(path):
    """Images by the libraries' own ways: all fields, all HDUs as astropy finds them."""
    found = []
    for file in alerts.files([path]):
        if file.suffix == ".parquet":
            records = pq.read_table(file).to_pylist()
        elif file.name.endswith("gz"):
            with tarfile.open(file) as tar:
                members = [tar.extractfile(member) for member in tar if member.isfile()]
                records = [each for member in members for each in fastavro.reader(member)]
        else:
            with file.open("rb") as stream:
                records = list(fastavro.reader(stream))
        for each in records:
            cells = [each.get(name) for name in CUTOUTS if each.get(name)]
            contents = [cell["stampData"] if isinstance(cell, dict) else cell for cell in cells]
            if contents:
                found.append([_opened(content) for content in contents])
    return found


def _opened(content):
    if content[:2] == b"\x1f\x8b":
        content = gzip.decompress(content)
    with fits.open(io.BytesIO(content), ignore_missing_simple=True) as file:
        return np.array(file[0].data, np.float32)


def seconds(function, path, least):
    """Processor seconds of one call, at least `least` seconds being measured; and what it returns."""
    result, calls, begin = function(path), 0, time.process_time()
    while time.process_time() - begin < least:
        function(path)
        calls += 1
    return (time.process_time() - begin) / calls, result


def line(name, container, path, least):
    own, found = seconds(decoded, path, least)
    ordinary, expected = seconds(ordinarily_decoded, path, least)
    assert len(found) == len(expected), (name, len(found), len(expected))
    for alert, images in zip(found, expected, strict=True):
        stored = alert.images[-len(DIALECTS[alert.survey].cutouts) :]
        for one, other in zip(stored, images, strict=True):
            np.testing.assert_array_equal(one, other)
    size = sum(file.stat().st_size for file in alerts.files([path])) / len(found) / 1000
    rates = len(found) / own, len(found) / ordinary
    row = (name, container, len(found), f"{size:.0f}", f"{rates[0]:.0f}", f"{rates[1]:.0f}")
    print("|", " | ".join(map(str, (*row, f"{rates[0] / rates[1]:.1f}"))), "|", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100, help="synthetic packets")
    parser.add_argument("--least", type=float, default=3.0, help="seconds of each measurement, at least")
    parser.add_argument("--samples", type=Path, help="folder of real packets")
    arguments = parser.parse_args()
    print("|", " | ".join(HEADER), "|")
    print("|---" * len(HEADER) + "|")
    for survey, history in (("ZTF", 30), ("Rubin", 0), ("Rubin", 100), ("Rubin", 700)):
        with tempfile.TemporaryDirectory() as temporary:
            schema, packets = made_by_hand(survey, history, arguments.count)
            for container, path in write(schema, packets, Path(temporary)):
                line(f"{survey}'s form, history of {history}", container, path, arguments.least)
    for folder in sorted(arguments.samples.rglob("*")) if arguments.samples else ():
        for suffix in (".avro", ".parquet"):
            files = sorted(folder.glob(f"*{suffix}")) if folder.is_dir() else []
            files = [file for file in files if decoded(file)]
            if files:
                name = f"real, {folder.relative_to(arguments.samples)}"
                container = f"{suffix[1:]}, {len(files)} files"
                with tempfile.TemporaryDirectory() as temporary:
                    for file in files:
                        (Path(temporary) / file.name).symlink_to(file.resolve())
                    line(name, container, Path(temporary), arguments.least)


if __name__ == "__main__":
    main()
