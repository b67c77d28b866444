from copy import deepcopy
from pathlib import Path
from typing import get_args

import pytest
import yaml

from stampshift.config.configuration import NETWORK_MODULES, Network, read_experiment
from stampshift.config.experiment import Pair, Run, check_shots
from stampshift.config.schema import editor_schema
from stampshift.core.errors import ConfigError
from stampshift.core.provenance import script_closure
from stampshift.networks import network_module

ROOT = Path(__file__).parents[3]
PUBLISHED = yaml.safe_load((ROOT / "config.yaml").read_text())

NEW_SURVEY = {
    "survey": "ZTF",
    "votes": {"origin": "path", "path": "votes.csv"},
    "min_votes": 3,
    "margin": 2,
    "fractions": {"train": 0.5, "validation": 0.2, "test": 0.3, "reserve": 0.0},
    "training": PUBLISHED["des_study"]["training"],
}
SEVERAL = {"all": ["HiTS", "DES", "ATLAS", "ZTF"], "all-but-ZTF": ["HiTS", "DES", "ATLAS"]}
VARIANT = {"variant_of": "mme", "label": "other"}


def changed(**changes):
    config = deepcopy(PUBLISHED)
    for place, value in changes.items():
        section = config
        *parents, last = place.split("__")
        for parent in parents:
            section = section[parent]
        section[last] = value
    return config


def experiment(**changes):
    return read_experiment(changed(**changes))


def test_the_published_grid_has_the_published_size():
    published = experiment()
    assert len(published.pairs) == 12
    assert len(list(published.baseline_runs())) == 40
    assert len(list(published.baseline_runs())) + len(list(published.transfers())) == 160
    adaptations = list(published.adaptations())
    assert sum(run.method == "finetune" for run in adaptations) == 600
    assert sum(run.method == "mme" for run in adaptations) == 600
    assert len({run.folder for run in adaptations}) == 1200


def test_run_folders_are_the_documented_paths():
    assert Run("baseline", "HiTS", None, 0, 3).folder == "baseline/HiTS/seed-3"
    assert Run("mme", "HiTS", "ZTF", 5, 0).folder == "mme/HiTS-to-ZTF/shots-5/seed-0"


def test_variants_run_under_their_names_and_are_not_methods():
    one = experiment(methods__other=VARIANT, methods__scratch={}, splits__shots=[5], splits__seeds=[0])
    assert one.methods == ("finetune", "mme", "scratch")
    assert one.variants == ("other",)
    runs = [run for run in one.adaptations() if run.method == "other"]
    assert len(runs) == 12
    assert runs[0].folder == "other/HiTS-to-DES/shots-5/seed-0"


def test_a_list_of_pairs_limits_sources_and_targets():
    one = experiment(pairs=["ZTF-to-DES"])
    assert one.pairs == (Pair("ZTF", "DES"),)
    assert {run.source for run in one.baseline_runs()} == {"ZTF"}


def test_a_source_of_several_surveys_is_paired_with_every_survey_and_counts_as_one_source():
    one = experiment(sources=SEVERAL, splits__seeds=[0])
    several = [str(pair) for pair in one.pairs if pair.source in SEVERAL]
    assert len(one.pairs) == 12 + 8
    assert several[:4] == ["all-to-HiTS", "all-to-DES", "all-to-ATLAS", "all-to-ZTF"]
    assert one.surveys_of("all-but-ZTF") == ("HiTS", "DES", "ATLAS")
    assert one.surveys_of("ZTF") == ("ZTF",)
    assert one.surveys_in(Pair("all", "DES")) == ("DES", "HiTS", "ATLAS", "ZTF")
    assert Run("mme", "all-but-ZTF", "ZTF", 5, 0).folder == "mme/all-but-ZTF-to-ZTF/shots-5/seed-0"
    assert Pair.parse("all-but-ZTF-to-ZTF") == Pair("all-but-ZTF", "ZTF")
    assert [run.source for run in one.baseline_runs()] == ["HiTS", "DES", "ATLAS", "ZTF", *SEVERAL]
    assert {str(run) for run in one.adaptations()} > {"mme/all-to-ZTF/shots-40/seed-0"}


def test_a_baseline_is_scored_on_its_own_surveys_in_its_own_run():
    one = experiment(sources=SEVERAL, pairs=["all-to-ZTF", "all-but-ZTF-to-ZTF"], splits__seeds=[0])
    assert [str(run) for run in one.transfers()] == ["baseline/all-but-ZTF-to-ZTF/shots-0/seed-0"]
    assert one.baseline_on("all", "ZTF", 0) == Run("baseline", "all", None, 0, 0)


def test_diagnostics_compare_two_surveys():
    assert {pair.source for pair in experiment(sources=SEVERAL).diagnosed} == set(PUBLISHED["surveys"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sources": {"a-to-b": ["HiTS", "DES"]}}, "config: sources: the name 'a-to-b' reads as a pair;"),
        ({"sources": {"HiTS": ["DES", "ZTF"]}}, "config: sources.HiTS has the name of a survey; give it"),
        ({"sources": {"all": ["HiTS"]}}, "config: sources.all must have at least 2 items, found ['HiTS']."),
        ({"sources": {"all": ["HiTS", "HiTS"]}}, "config: sources.all has 'HiTS' twice."),
        (
            {"sources": {"all": ["HiTS", "LSST"]}},
            "config: sources.all names the survey 'LSST', but the config has HiTS, DES, ATLAS, ZTF.",
        ),
        (
            {"sources": {"all": ["HiTS", "DES"]}, "pairs": ["HiTS-to-all"]},
            "pairs: 'HiTS-to-all' names the survey 'all', but the config has HiTS, DES, ATLAS, ZTF.",
        ),
        (
            {
                "sources": {"all": ["HiTS", "DES"]},
                "training__epoch_size": None,
                "methods": {"finetune": {}},
                "diagnostics__errors__method": "finetune",
            },
            "training.epoch_size is null, a pass over the train part, but a source of several surveys",
        ),
        (
            {"sources": {"all": ["HiTS", "DES"]}, "diagnostics__pairs": ["all-to-ZTF"]},
            "diagnostics.pairs: 'all-to-ZTF' is not one of the experiment's pairs of two surveys",
        ),
        (
            {"training__learning_rat": 1},
            "config: training has no key 'learning_rat'; did you mean 'learning_rate'?",
        ),
        ({"trainin": {}}, "config: the configuration has no key 'trainin'; did you mean 'training'?"),
        (
            {"training__learning_rate": -1},
            "config: training.learning_rate must be greater than 0, found -1. Meaning: Learning rate at",
        ),
        ({"training__batch_size": 15}, "config: training.batch_size must be a multiple of 2, found 15."),
        ({"splits__shots": [-1]}, "config: splits.shots.0 must be at least 0, found -1."),
        (
            {"pairs": "al"},
            "config: pairs must be 'all' or be a valid list, found 'al'. Meaning: Source",
        ),
        ({"pairs": ["ZTF"]}, "config: pairs.0 must match the pattern"),
        ({"pairs": []}, "config: pairs must be 'all' or have at least 1 item, found []."),
        ({"splits__seeds": [3, 3]}, "config: splits.seeds has 3 twice."),
        ({"splits__fractions": {"train": 0.8}}, "config: splits.fractions needs the key 'validation'."),
        ({"training": None}, "config: training must be a mapping, found None. Meaning: How networks are"),
        ({"training__max_epochs": True}, "config: training.max_epochs must be a valid integer, found True."),
        ({"surveys__ZTF__path": None}, "config: surveys.ZTF.path must be a valid string, found None."),
        (
            {"surveys__ZTF__classes": {1: "real", "b": "bogus"}},
            "config: surveys.ZTF.classes: the name 1 must be a valid string. Meaning: The label of",
        ),
        (
            {"methods__mme__entropy_weight": "much"},
            "config: methods.mme.entropy_weight must be a valid number or be a mapping, found 'much'.",
        ),
        ({"methods__finetune": {"x": 1}}, "config: methods.finetune has no key 'x'; known keys: none."),
        ({"pairs": ["ZTF-to-ZTF"]}, "config: pairs: 'ZTF-to-ZTF' has the same survey as source and target."),
        ({"pairs": ["ZTF-to-LSST"]}, "names the survey 'LSST', but the config has HiTS, DES, ATLAS, ZTF."),
        ({"splits__fractions__train": 0.7}, "config: splits.fractions sum to 0.9, not to 1."),
        ({"training__epoch_size": 130}, "epoch_size 130 is not a multiple of training.batch_size 50"),
        (
            {"methods__mme__entropy_weight__seed": 77},
            "entropy_weight.seed is 77, which is not among splits.seeds",
        ),
        (
            {"surveys__HiTS__sha256": {"chunks.tar.gz": "0" * 64}},
            "surveys.HiTS.sha256 names 'chunks.tar.gz', which is not a file of its url: all_chunks.tar.gz.",
        ),
        ({"surveys__ZTF__classes": {"bogus": "bogus"}}, "surveys.ZTF.classes has no class that is real."),
        (
            {"surveys__ZTF__origin": "url"},
            "surveys.ZTF.origin is 'url', but the section has no key of that name",
        ),
        ({"surveys__ZTF__reader": "sdss"}, "config: surveys.ZTF.reader must be 'hits', 'des', 'atlas',"),
        (
            {"diagnostics__operating_points__mdr": [1]},
            "config: diagnostics.operating_points.mdr.0 must be less than 1, found 1.",
        ),
        (
            {"execution__device": "tpu"},
            "config: execution.device must be 'auto', 'cpu' or 'cuda', found 'tpu'. Meaning: Where",
        ),
        (
            {"methods__mme__steps": "three"},
            "config: methods.mme.steps must be 'one' or 'two', found 'three'.",
        ),
        (
            {"methods__mme__labelled": []},
            "config: methods.mme.labelled: [] is not one of [['source'",
        ),
        (
            {"methods__mme__entropy_weight": -1},
            "mme.entropy_weight must be at least 0 or be a mapping, found -1.",
        ),
        (
            {"methods__fintune": {}},
            "config: methods.fintune needs the key 'variant_of'. Meaning: Methods are finetune, scratch and",
        ),
        (
            {"methods__other": {"variant_of": "mme", "label": "other", "labeled": ["source"]}},
            "config: methods.other has no key 'labeled'; did you mean 'labelled'?",
        ),
        (
            {"methods__other": {"variant_of": "finetune", "label": "other"}},
            "config: methods.other.variant_of must be 'mme', found 'finetune'. Meaning: Methods are",
        ),
        (
            {"methods__other": {"variant_of": "mme", "label": "$x^2$"}},
            "found '$x^2$'. Meaning: Name in tables and figures, of letters, digits and common signs.",
        ),
        (
            {"methods__stamps": {"variant_of": "mme", "label": "other"}},
            "config: methods.stamps: results/stamps is a folder of the workflow; give the variant another",
        ),
        (
            {"methods": {"other": {"variant_of": "mme", "label": "other"}}},
            "config: methods.other is a variant of 'mme', whose options it takes over, but there is no",
        ),
        (
            {"methods__other": VARIANT | {"entropy_weight": {"choice": "search", "grid": [1], "seed": 77}}},
            "config: methods.other.entropy_weight.seed is 77, which is not among splits.seeds",
        ),
        (
            {"splits__shots": [0]},
            "config: splits.shots is [0], adaptation without labels alone; add a number",
        ),
        (
            {"splits__shots": [0, 1], "methods__mme__labelled": ["target"]},
            "config: splits.shots has 0, but no method adapts without labels of the target; add methods.mme",
        ),
        (
            {"network": "network_2"},
            "config: network must be 'bolivar', 'bolivar_as_listed', 'network_1' or 'residual', found",
        ),
        (
            {"compared_networks": ["residual", "bolivar"]},
            "config: compared_networks has 'bolivar', which is the network of the study; leave it out.",
        ),
        (
            {"network": "network_1", "methods__mme__head": "copied"},
            "config: methods.mme.head is 'copied', but the baseline of network_1 has one logit and no row",
        ),
        (
            {"training__augmentation": "rotations"},
            "config: training.augmentation must be 'none' or 'rotations_and_flips', found 'rotations'.",
        ),
        (
            {"methods__coral": {"weight": 1.0}},
            "config: methods.coral uses no label of the target, but splits.shots [1, 5, 10, 20, 40] has no 0",
        ),
        (
            {"methods__dann": {"weight": 0}, "splits__shots": [0, 1]},
            "config: methods.dann.weight must be greater than 0, found 0.",
        ),
        (
            {
                "methods__coral": {"weight": 1.0},
                "splits__shots": [0, 1],
                "diagnostics__errors__method": "coral",
            },
            "config: diagnostics.errors.method is 'coral', which is not among the methods finetune, mme.",
        ),
        (
            {"methods__mme__entropy_weight": {"choice": "search", "grid": [1], "seed": 0}},
            "config: methods.mme.entropy_weight needs the key 'without_labels'. Meaning: The weight with 0",
        ),
        (
            {"methods__other": VARIANT | {"entropy_weight": {"choice": "search", "grid": [1]}}},
            "methods.other.entropy_weight.choice is 'search', which needs the keys 'grid' and 'seed'.",
        ),
        (
            {"diagnostics__pairs": ["HiTS-to-ZTF"], "pairs": ["ZTF-to-DES", "DES-to-ZTF"]},
            "diagnostics.pairs: 'HiTS-to-ZTF' is not one of the experiment's pairs of two surveys "
            "DES-to-ZTF, ZTF-to-DES.",
        ),
        (
            {"diagnostics__errors__method": "mne"},
            "diagnostics.errors.method is 'mne', which is not among the methods finetune, mme.",
        ),
        ({"methods__2nd": VARIANT}, "config: methods: the name '2nd' must match the pattern"),
        ({"training__momentum": None}, "config: training.momentum is null, but training.optimiser is 'sgd'"),
        (
            {"des_study__training__momentum": 0.9},
            "config: des_study.training.momentum is 0.9, but des_study.training.optimiser is 'adam', which",
        ),
        (
            {"training__epoch_size": None},
            "config: training.epoch_size is null, a pass over the train part, but methods.mme trains on more",
        ),
        (
            {"training__halve_every_epochs": 10},
            "config: training has halve_every_iterations 100000 and halve_every_epochs 10; give one of them",
        ),
        (
            {"training__stop_on": "accuracy"},
            "training.stop_on",
        ),
        (
            {"execution__precision": "float16"},
            "execution.precision",
        ),
        ({"des_study__training__epoch_size": 100}, "des_study.training.epoch_size 100 is not a multiple of"),
        (
            {"des_study__survey": "LSST"},
            "config: des_study.survey is 'LSST', but the config has HiTS, DES, ATLAS, ZTF.",
        ),
        (
            {"des_study__fractions__first__reserve": 0.3},
            "config: des_study.fractions.first sum to 0.9, not to 1.",
        ),
        (
            {
                "des_study__fractions__second": {
                    "train": 0.705,
                    "validation": 0.1,
                    "test": 0.195,
                    "reserve": 0,
                }
            },
            "config: des_study.fractions.second.train is 0.705, not a whole percentage.",
        ),
        (
            {"des_study__networks": ["network_2"]},
            "des_study.search.network is 'network_1', which is not among des_study.networks ['network_2'].",
        ),
        (
            {"des_study__networks": ["network_5"]},
            "networks.0 must be 'network_1', 'network_2', 'network_3' or 'network_4', found 'network_5'.",
        ),
        (
            {"des_study__search__networks": ["network_2", "network_3"]},
            "config: des_study.search.network is 'network_1', which is not among des_study.search.networks "
            "['network_2', 'network_3'].",
        ),
        (
            {"des_study__search__validation": 0.125},
            "config: des_study.search.validation is 0.125, not a whole percentage.",
        ),
        (
            {"des_study__relabels__path": None},
            "config: des_study.relabels.origin is 'review', but des_study.relabels.path is null; name the",
        ),
        (
            {"des_study__new_survey": NEW_SURVEY | {"survey": "LSST"}},
            "config: des_study.new_survey.survey is 'LSST', but the config has HiTS, DES, ATLAS, ZTF.",
        ),
        (
            {"des_study__new_survey": NEW_SURVEY | {"votes": {"origin": "simulate"}}},
            "config: des_study.new_survey.votes.origin is 'simulate', but the section has no key of that",
        ),
    ],
)
def test_an_impossible_config_stops_with_one_sentence(changes, message):
    with pytest.raises(ConfigError) as error:
        experiment(**changes)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_pass_over_the_train_part_suits_methods_of_one_survey():
    """Without MME, a pass is no contradiction."""
    one = experiment(
        training__epoch_size=None,
        methods={"finetune": {}},
        diagnostics__enabled=False,
        des_study__new_survey=NEW_SURVEY,
    )
    assert one.methods == ("finetune",)


def test_shots_beyond_what_the_split_holds():
    classes = {"kast": "real", "cr": "bogus"}
    splits = {"fractions": {"train": 0.8, "validation": 0.1}, "shots": [1, 40], "validation_shots": 3}
    check_shots("ATLAS", counts={"kast": 50, "cr": 50}, classes=classes, splits=splits)
    with pytest.raises(
        ConfigError,
        match=r"40 shots per class from the train part of ATLAS .* about 24 real stamps \(30 in all\)",
    ):
        check_shots("ATLAS", counts={"kast": 30, "cr": 50}, classes=classes, splits=splits)
    with pytest.raises(ConfigError, match="3 shots per class from the validation part of ATLAS"):
        few = {**splits, "shots": [1], "fractions": {"train": 0.9, "validation": 0.04}}
        check_shots("ATLAS", counts={"kast": 60, "cr": 60, "x": 9}, classes=classes, splits=few)


def test_diagnosed_are_all_pairs_some_or_none():
    assert len(experiment().diagnosed) == 12
    assert experiment(diagnostics__pairs=["ZTF-to-DES"]).diagnosed == (Pair("ZTF", "DES"),)
    assert experiment(diagnostics__enabled=False).diagnosed == ()


def test_recall_by_snr_is_of_surveys_whose_archive_gives_it():
    assert experiment().surveys_with_snr == ("HiTS", "DES")
    assert experiment(diagnostics__snr_bins=None).surveys_with_snr == ()


def test_the_schema_for_editors_is_that_of_the_model():
    """Else: python -m stampshift.config.schema > workflow/schemas/config.schema.json."""
    assert (ROOT / "workflow/schemas/config.schema.json").read_text() == editor_schema()


def test_a_new_key_changes_the_code_of_no_script():
    for script in sorted((ROOT / "workflow/scripts").rglob("*.py")):
        imported = {path.name for path in script_closure(script) if path.parent.name == "config"}
        assert imported <= {"__init__.py", "experiment.py"}, script


def test_the_rules_know_the_module_of_every_network_without_torch():
    assert set(NETWORK_MODULES) == set(get_args(Network))
    assert {name: f"networks.{module}" for name, module in NETWORK_MODULES.items()} == {
        name: network_module(name) for name in NETWORK_MODULES
    }
