"""Whatever is damaged in a file of any format: it is read, or refused by name."""

import json
import os
import subprocess
import sys
import warnings
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest

from damaged_cases import ARCHIVES, ENVIRONMENT, write_archive, write_cases
from damaged_copies import damaged
from stampshift.core.errors import StampshiftError
from stampshift.simulation import simulate_survey
from stampshift.surveys.inspection import describe

DAMAGED_COPIES = 20
# of each file; `benchmarks/fuzz.py` makes more
COPIES = {"stamps": 5, "export": 1, "adapt": 1, "drift": 1, "review": 1}
OTHER_COPIES = 2
TESTS = Path(__file__).parents[1]
COMMANDS = (
    *("stamps", "inspect", "score", "drift", "threshold", "export", "adapt", "review", "review-export"),
    *("summary", "verify"),
)


@pytest.fixture(scope="module")
def archives(survey_constants, tmp_path_factory):
    """Sound files by the name of their format."""

    def simulate(survey, **options):
        simulate_survey(survey, seed=7, constants=survey_constants(survey), processes=1, **options)

    folder = tmp_path_factory.mktemp("sound")
    return {name: write_archive(name, folder / f"of-{name}", simulate) for name in (*ARCHIVES, "stamps.h5")}


@pytest.mark.parametrize("name", [*ARCHIVES, "stamps.h5"])
def test_a_damaged_file_is_read_or_refused_by_name(name, archives, tmp_path):
    sound = archives[name]
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


@pytest.fixture(scope="module")
def found(archives, tmp_path_factory):
    """How every command ended on damaged copies of each of its files, by the command's name."""
    folder = tmp_path_factory.mktemp("damaged")
    cases = write_cases(folder, archives, copies=lambda name: COPIES.get(name, OTHER_COPIES), seed=0)
    (folder / "cases.json").write_text(json.dumps(cases))
    done = subprocess.run(
        [sys.executable, TESTS / "damaged_runs.py", folder / "cases.json"],
        env=os.environ | ENVIRONMENT | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True, text=True, timeout=1200, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    ends = [json.loads(line) for line in done.stdout.splitlines()]
    assert sum(end["copy"] >= 0 for end in ends) == sum(each["copies"] for each in cases)
    by_command = defaultdict(list)
    for end in ends:
        by_command[end["command"]].append(end)
    return by_command


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_ends_well_or_with_a_sentence_whatever_is_damaged_in_its_files(command, found):
    """No traceback, no crash, no end of the memory or the time, and nothing half-written.

    Its exit status is one that it documents, and an error names the file. `score` has a line for each packet
    that it counted, with a score or a reason. Without damage it ends with 0.
    """
    wrong = [f"{end['name']}, copy {end['copy']}: {end['fault']}" for end in found[command] if end["fault"]]
    assert found[command]
    assert not wrong, "\n".join(wrong[:3])


def test_the_damage_is_noticed(found):
    statuses = Counter(end["status"] for ends in found.values() for end in ends if end["copy"] >= 0)
    assert statuses["status 1"] > statuses["status 0"] > 0
    assert statuses["status 4"] > 0
