from copy import deepcopy
from pathlib import Path

import pytest
import yaml
from snakemake.utils import update_config

from stampshift.config.configuration import read_experiment
from stampshift.config.des_study import FEATURES_OF
from stampshift.config.surveys import READERS_WITH_FEATURES
from stampshift.core.errors import ConfigError
from stampshift.des_study.forest import FORESTS
from stampshift.surveys.catalogue import FEATURES

ROOT = Path(__file__).parents[3]
PUBLISHED = yaml.safe_load((ROOT / "config.yaml").read_text())
NEW = {
    "survey": "HiTS",
    "votes": {
        "origin": "simulate",
        "simulate": {"raters": 4, "votes_per_candidate": 3, "error_rate": 0.1, "seed": 0},
    },
    "min_votes": 3,
    "margin": 2,
    "fractions": {"train": 0.5, "validation": 0.2, "test": 0.3, "reserve": 0.0},
    "training": PUBLISHED["des_study"]["training"],
}
HITS = PUBLISHED["surveys"]["HiTS"]


def changed(**changes):
    config = deepcopy(PUBLISHED)
    for place, value in changes.items():
        section = config
        *parents, last = place.split("__")
        for parent in parents:
            section = section[parent]
        section[last] = deepcopy(value)
    return config


PLANTED = {"surveys__DES__origin": "simulate", "surveys__DES__simulate__flipped": 0.02}
SIMULATED_HITS = {
    "surveys__HiTS__origin": "simulate",
    "surveys__HiTS__reader": "packets",
    "des_study__new_survey": NEW,
}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        PLANTED,
        PLANTED | {"des_study__relabels__origin": "planted"},
        SIMULATED_HITS,
        SIMULATED_HITS | {"des_study__new_survey": NEW | {"start": "first"}},
    ],
)
def test_a_consistent_configuration_passes(changes):
    read_experiment(changed(**changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"surveys__HiTS__simulate__hdus": True},
            "surveys.HiTS.simulate.hdus: only archives of reader 'atlas' can be of pickled HDUs, but "
            "surveys.HiTS.reader is 'hits'; remove the key.",
        ),
        (
            {"surveys__HiTS__simulate__flipped": 0.1},
            "surveys.HiTS.simulate.flipped: wrong labels can be planted only in archives of reader 'des', "
            "but surveys.HiTS.reader is 'hits'; remove the key.",
        ),
        (
            {"surveys__DES__simulate__flipped_by": "chance"},
            "surveys.DES.simulate.flipped_by is 'chance', but no share `flipped` is set.",
        ),
        (
            {"des_study__survey": "HiTS"},
            "des_study.forests has 'forest', which needs the 38 features of an archive's table, but HiTS has "
            "reader 'hits', whose archives have none; leave it out.",
        ),
        (
            {"des_study__forest__max_features": 20},
            "des_study.forest.max_features is 20, but 'forest_of_stamps' has 18 features.",
        ),
        (
            {
                "des_study__fractions__first": {
                    "train": 0.7,
                    "validation": 0.2,
                    "test": 0.1,
                    "reserve": 0.0,
                }
            },
            "des_study.fractions: the second split tests on 0.2 of the stamps, but the first one, which must "
            "not have seen them, trains and validates on 0.9; together they may be 1 at most.",
        ),
        (
            SIMULATED_HITS | {"des_study__new_survey": NEW | {"start": "second/old"}},
            "des_study.new_survey.start",
        ),
        (
            {"des_study__relabels__origin": "planted"},
            "'planted', but no wrong labels are planted in DES",
        ),
        (
            {"surveys__DES__simulate__flipped": 0.1, "des_study__relabels__origin": "planted"},
            "no wrong labels are planted in DES; simulate it with surveys.DES.simulate.flipped",
        ),
        (
            {"des_study__new_survey": NEW},
            "votes are simulated from the truth of HiTS, whose archive must be simulated packets",
        ),
        (
            {"des_study__new_survey": NEW, "surveys__HiTS__origin": "simulate"},
            "(reader 'packets', origin 'simulate'); or give people's votes, origin 'path'.",
        ),
        (
            SIMULATED_HITS | {"surveys__HiTS__packets": {"labels": "labels.csv"}},
            "surveys.HiTS.packets.labels is labels.csv, but votes alone label des_study.new_survey; leave it",
        ),
        (
            SIMULATED_HITS | {"des_study__new_survey": NEW | {"margin": 4}},
            "4 raters are to cast 3 votes per candidate, of which a label needs 3 and a lead of 4; there "
            "must be at least as many raters as votes per candidate",
        ),
    ],
)
def test_a_contradiction_is_one_sentence(changes, message):
    with pytest.raises(ConfigError) as caught:
        read_experiment(changed(**changes))
    assert message in str(caught.value)
    assert str(caught.value).startswith("config: ")


def test_the_light_names_are_those_of_the_modules():
    assert set(READERS_WITH_FEATURES) == set(FEATURES)
    assert {name: len(columns) for name, columns in FORESTS.items()} == FEATURES_OF


PAPERS = {
    "halve_every_iterations": None,
    "halve_every_epochs": 10,
    "patience_epochs": 15,
    "stop_on": "validation_loss",
    "keep": "last",
}


def test_the_settings_of_the_paper_are_an_overlay():
    overlay = yaml.safe_load((ROOT / "workflow/profiles/des_study/paper.yaml").read_text())
    training = PUBLISHED["des_study"]["training"] | overlay["des_study"]["training"]
    read_experiment(changed(des_study__training=training))
    assert {name: value for name, value in training.items() if name in PAPERS} == PAPERS
    assert (training["optimiser"], training["learning_rate"], training["batch_size"]) == ("adam", 2e-5, 64)


def test_the_larger_run_plants_flips_by_cause():
    config = deepcopy(PUBLISHED)
    for name in ("experiment", "larger"):
        overlay = (ROOT / f"workflow/profiles/des_study/{name}.yaml").read_text()
        update_config(config, yaml.safe_load(overlay))
    read_experiment(config)
    drawn = config["surveys"]["DES"]["simulate"]
    assert (drawn["stamps"], drawn["flipped"], drawn.get("flipped_by")) == (16000, 0.015, None)
