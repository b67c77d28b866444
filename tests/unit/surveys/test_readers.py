"""One test over all readers: each reads what the simulator writes in its survey's raw format."""

from pathlib import Path

import numpy as np
import pytest
import yaml

from stampshift.config.surveys import ANY_SURVEY
from stampshift.simulation import class_counts, read_constants, simulate_survey
from stampshift.stamps.file import Stamps
from stampshift.stamps.preprocessing import Preprocessing
from stampshift.stamps.raw_triplets import InvalidPixels
from stampshift.surveys import READERS
from stampshift.surveys.making import make_stamps

ROOT = Path(__file__).parents[3]
SURVEYS = yaml.safe_load((ROOT / "config.yaml").read_text())["surveys"]
COUNT = 60


def test_every_reader_has_a_survey_in_the_published_experiment_or_reads_any():
    assert {section["reader"] for section in SURVEYS.values()} | set(ANY_SURVEY) == set(READERS)


@pytest.mark.parametrize("survey", list(SURVEYS))
def test_simulated_archive_is_read_by_the_surveys_reader(survey, tmp_path):
    section = SURVEYS[survey]
    constants = read_constants(survey)
    simulate_survey(survey, stamps=COUNT, seed=1, constants=constants, folder=tmp_path / "raw", processes=1)
    make_stamps(
        [tmp_path / "raw"],
        survey=survey,
        reader=section["reader"],
        options={},
        preprocessing=Preprocessing(
            classes=section["classes"],
            invalid=InvalidPixels(**section["invalid"]),
            size_pixels=21,
            normalisation="channel",
            unlabelled="drop",
        ),
        processes=1,
        unit_minutes=10,
        origin={"simulate": {"stamps": COUNT, "seed": 1}},
        checksums={},
        tolerated=0.001,
        output=tmp_path / "stamps.h5",
    )
    stamps = Stamps.open(tmp_path / "stamps.h5")
    counts = stamps.attributes["counts"]
    drawn = class_counts(COUNT, constants=constants)
    assert counts["classes_read"] == {name: count for name, count in drawn.items() if count}
    assert counts["read"] == COUNT == len(stamps) + sum(counts["dropped"].values())
    assert counts["dropped"]["ragged"] == counts["dropped"]["too_small"] == 0
    assert stamps.stamps.shape == (len(stamps), 3, 21, 21)
    assert len(set(stamps.ids)) == len(stamps)
    for name, label in (("real", 1), ("bogus", 0)):
        members = np.isin(stamps.classes, [key for key, value in section["classes"].items() if value == name])
        np.testing.assert_array_equal(stamps.labels[members], label)
    # a candidate is at the centre: the brightest or faintest pixel of a mean real difference is near it
    real = np.abs(stamps.stamps[stamps.labels == 1, 2]).mean(axis=0)
    peak = np.unravel_index(real.argmax(), real.shape)
    assert max(abs(int(axis) - 10) for axis in peak) <= 2
