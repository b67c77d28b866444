"""Every number of the published experiment, written out: config.yaml is that experiment and no other.

Sources: Cabrera-Vives et al. (2023) and Bolivar (2022); docs/choices.md says where they disagree or are
silent.
"""

from pathlib import Path

import pytest
import yaml

from stampshift.config.configuration import read_experiment

ROOT = Path(__file__).parents[3]
CONFIG = yaml.safe_load((ROOT / "config.yaml").read_text())

SECTIONS = {
    "pairs": "all",
    "stamps": {"size_pixels": 21, "normalisation": "channel"},
    "splits": {
        "seeds": [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
        "fractions": {"train": 0.8, "validation": 0.1, "test": 0.1},
        "grouped": True,
        "stratified": True,
        "shots": [1, 5, 10, 20, 40],
        "validation_shots": 10,
    },
    "network": "bolivar",
    "methods": {
        "finetune": {},
        "mme": {
            "labelled": ["source", "target"],
            "head": "random",
            "steps": "one",
            "epoch": "together",
            "temperature": 0.05,
            "entropy_weight": {
                "choice": "search",
                "grid": [0.01, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 10],
                "seed": 0,
                "without_labels": 0.1,
            },
        },
    },
    "training": {
        "optimiser": "sgd",
        "learning_rate": 0.01,
        "momentum": 0.9,
        "halve_every_iterations": 100_000,
        "batch_size": 50,
        "epoch_size": 10_000,
        "patience_epochs": 100,
        "stop_on": "validation_balanced_accuracy",
        "max_epochs": None,
        "augmentation": "none",
        "keep": "last_best",
    },
}
# reader, classes that are real, classes that are bogus, marks of invalid pixels
SURVEYS = {
    "HiTS": ("hits", {"real"}, {"bogus"}, {}),
    "DES": ("des", {"real"}, {"artifact"}, {"nonzero_below": 1e-29}),
    "ATLAS": ("atlas", {"kast", "streak"}, {"burn", "cr", "noise", "scar", "spike"}, {"equals": -31415.0}),
    "ZTF": ("ztf", {"AGN", "SN", "VS", "asteroid"}, {"bogus"}, {"magnitude_above": 1e30}),
}


@pytest.mark.parametrize("section", SECTIONS)
def test_the_configuration_is_the_published_experiment(section):
    assert CONFIG[section] == SECTIONS[section]


@pytest.mark.parametrize("name", SURVEYS)
def test_the_surveys_have_the_published_classes(name):
    survey, (reader, real, bogus, invalid) = CONFIG["surveys"][name], SURVEYS[name]
    assert survey["reader"] == reader
    assert {each for each, label in survey["classes"].items() if label == "real"} == real
    assert {each for each, label in survey["classes"].items() if label == "bogus"} == bogus
    assert survey["invalid"] == invalid


def test_there_are_four_surveys_and_as_many_trainings_as_published():
    experiment = read_experiment(CONFIG)
    assert experiment.surveys == ("HiTS", "DES", "ATLAS", "ZTF")
    assert len(experiment.pairs) == 12
    assert sum(1 for _ in experiment.baseline_runs()) == 40
    # with the baselines on their own survey these are 160 evaluations
    assert sum(1 for _ in experiment.transfers()) == 120
    adaptations = list(experiment.adaptations())
    # the thesis says 720, but 12 pairs x 5 numbers of shots x 10 splits are 600
    for method in ("finetune", "mme"):
        assert sum(run.method == method for run in adaptations) == 600
    assert len(experiment.pairs) * len(SECTIONS["methods"]["mme"]["entropy_weight"]["grid"]) * 5 == 480
