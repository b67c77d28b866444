"""Whatever is damaged in a file of any format: it is read, or refused by name."""

import warnings

import numpy as np
import pytest

import any_survey
from fake_surveys import write_survey
from stampshift.core.errors import StampshiftError
from stampshift.surveys.inspection import describe

DAMAGED_COPIES = 60
ENDS_BYTES = 3000  # headers and directories are at either end of a file


def damaged(content: bytes, generator: np.random.Generator, *, only_cut: bool) -> bytes:
    """A copy cut short, with wrong bytes anywhere or in either end, with zeros in it, or doubled."""
    length = len(content)
    if only_cut or generator.random() < 0.3:
        return content[: generator.integers(length)]
    if generator.random() < 0.1:
        return content + content
    changed = bytearray(content)
    places = {
        "anywhere": (0, length),
        "first": (0, min(ENDS_BYTES, length)),
        "last": (max(0, length - ENDS_BYTES), length),
    }
    low, high = places[generator.choice(list(places))]
    if generator.random() < 0.2:
        start = generator.integers(low, high)
        stop = min(length, start + generator.integers(1, 2000))
        changed[start:stop] = bytes(stop - start)
    else:
        for place in generator.integers(low, high, size=generator.choice([1, 3, 20])):
            changed[place] = generator.integers(256)
    return bytes(changed)


@pytest.fixture
def written(simulated, tmp_path):
    """A function that gives the path of a sound file of a format."""

    def write(name):
        if name in ("HiTS", "DES", "ATLAS", "ZTF"):
            folder = simulated(name, 40)
            archives = [path for path in sorted(folder.iterdir()) if path.suffix != ".csv"]
            return archives[0]
        path = tmp_path / name
        if name == "stamps.h5":
            return write_survey(tmp_path, "stamps", width=1.5, count=20)
        if name == "fits":
            any_survey.write_folder(path, 2)
            return sorted(path.rglob("*.fits*"))[0]
        if name == "packets":
            any_survey.write_packets(path, 6)
            return path / "night.avro"
        writers = {
            "a.h5": any_survey.write_hdf5,
            "a.npz": any_survey.write_npz,
            "a.parquet": any_survey.write_parquet,
        }
        writers[name](path, 6)
        return path

    return write


@pytest.mark.parametrize(
    "name",
    ["HiTS", "DES", "ATLAS", "ZTF", "packets", "fits", "a.h5", "a.npz", "a.parquet", "stamps.h5"],
)
def test_a_damaged_file_is_read_or_refused_by_name(name, written, tmp_path):
    sound = written(name)
    describe(sound.parent if name == "fits" else sound)
    content, generator = sound.read_bytes(), np.random.default_rng(len(name))
    path = tmp_path / "damaged" / sound.name
    path.parent.mkdir()
    for beside in sound.parent.glob("*.csv"):
        (path.parent / beside.name).write_bytes(beside.read_bytes())
    refusals = 0
    for _ in range(DAMAGED_COPIES):
        # wrong bytes can make the HDF5 library itself loop for ever
        path.write_bytes(damaged(content, generator, only_cut=sound.suffix == ".h5"))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of astropy and numpy, about what they find in it
                describe(path)
        except StampshiftError as error:
            refusals += 1
            assert sound.name in str(error)
    assert refusals > 0
