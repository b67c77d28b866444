"""Whatever is damaged in a file of any format: it is read, or refused by name."""

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import any_survey
from damaged_copies import damaged
from fake_surveys import write_survey
from stampshift.core.errors import StampshiftError
from stampshift.simulation import simulate_survey
from stampshift.surveys import des, hits, ztf
from stampshift.surveys.inspection import describe

DAMAGED_COPIES = 60
MADE_COPIES = 100
TESTS = Path(__file__).parents[1]
ARCHIVES = {
    "HiTS": hits.CLASSES.values(),
    "DES": des.CLASSES.values(),
    "ATLAS": ("burn", "cr", "kast", "noise", "scar", "spike", "streak"),
    "ZTF": ztf.CONVERTED_CLASSES.values(),
}
ARCHIVES["HDUs"] = ARCHIVES["ATLAS"]


@pytest.fixture
def written(simulated, survey_constants, tmp_path):
    """A function that gives the path of a sound file of a format."""

    def write(name):
        if name in ("HiTS", "DES", "ATLAS", "ZTF"):
            folder = simulated(name, 40)
            archives = [path for path in sorted(folder.iterdir()) if path.suffix != ".csv"]
            return archives[0]
        path = tmp_path / name
        if name == "HDUs":
            drawn = {"stamps": 40, "seed": 7, "constants": survey_constants("ATLAS"), "hdus": True}
            simulate_survey("ATLAS", folder=path, processes=1, **drawn)
            return next(path.iterdir())
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
    ["HiTS", "DES", "ATLAS", "HDUs", "ZTF", "packets", "fits", "a.h5", "a.npz", "a.parquet", "stamps.h5"],
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


@pytest.mark.parametrize(
    ("name", "options"),
    [
        *((name, {}) for name in (*ARCHIVES, "fits")),
        ("packets", {}),
        ("a.h5", {"stamps": "pixels", "axes": "channels_first", "id": "id", "label": "class"}),
        ("a.npz", {"stamps": "pixels", "axes": "channels_last", "id": "id", "label": "label"}),
        (
            "a.parquet",
            {"stamps": {"template": "t", "science": "s", "difference": "d"}, "id": "id", "label": "class"},
        ),
    ],
)
def test_stamps_of_a_damaged_archive_are_made_or_refused_in_bounded_memory(name, options, written, tmp_path):
    """No traceback, no crash and no end of the memory, whatever is damaged."""
    file = written(name)
    archive = file if name.startswith("a.") else file.parent
    classes = ARCHIVES.get(name, any_survey.CLASSES)
    labels = {each: ("real", "bogus")[number % 2] for number, each in enumerate(classes)}
    reader = {
        **{each: each.lower() for each in ARCHIVES},
        "HDUs": "atlas",
        "fits": "folder",
        "packets": "packets",
    }
    settings = {"name": name, "reader": reader.get(name, "table"), "options": options, "classes": labels}
    settings["copies"] = MADE_COPIES
    done = subprocess.run(
        [sys.executable, TESTS / "damaged_stamps.py", archive, file, json.dumps(settings)],
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert not found["wrong"], "\n".join(found["wrong"][:3])
    assert found["made"] + found["refusals"] == MADE_COPIES
