from pathlib import Path

import yaml

from stampshift.config.configuration import read_experiment
from stampshift.config.experiment import ZERO_LABEL_METHODS, read_sections

ROOT = Path(__file__).parents[3]
SEARCH = {"choice": "search", "grid": [0.1, 1], "seed": 0, "without_labels": 0.1}
MME = {
    "labelled": ["source", "target"],
    "head": "random",
    "steps": "one",
    "epoch": "together",
    "temperature": 0.05,
}


def section(**own):
    variant = {"variant_of": "mme", "label": "another", **own}
    return read_sections({"mme": {**MME, "entropy_weight": SEARCH}, "other": variant})["other"]


def test_a_method_is_not_a_variant_and_searches_its_own_weight():
    sections = read_sections({"finetune": {}, "mme": {**MME, "entropy_weight": SEARCH}})
    assert not any(section.is_variant for section in sections.values())
    mme, finetune = sections["mme"], sections["finetune"]
    assert (mme.options, mme.search, mme.weights_of) == (MME, SEARCH, "mme")
    assert (finetune.options, finetune.search, finetune.weights_of) == ({}, None, None)


def test_a_variant_has_the_options_of_its_method_but_for_its_own():
    other = section(head="copied")
    assert other.is_variant
    assert (other.name, other.method, other.label) == ("other", "mme", "another")
    assert other.options == {**MME, "head": "copied"}


def test_a_variant_takes_its_methods_weight_of_the_pair_and_searches_none():
    other = section(steps="two")
    assert (other.weights_of, other.search) == ("mme", None)
    assert "entropy_weight" not in other.options


def test_a_variants_weight_may_be_a_number():
    other = section(entropy_weight=0)
    assert (other.options["entropy_weight"], other.weights_of, other.search) == (0, None, None)


def test_a_variant_may_search_for_itself():
    own = {"choice": "search", "grid": [3], "seed": 1}
    other = section(entropy_weight=own)
    assert (other.weights_of, other.search) == ("other", own)
    assert "entropy_weight" not in other.options


def test_where_the_methods_weight_is_a_number_its_variants_have_it_too():
    methods = {
        "mme": {**MME, "entropy_weight": 0.3},
        "other": {"variant_of": "mme", "label": "x", "steps": "two"},
    }
    other = read_sections(methods)["other"]
    assert (other.options["entropy_weight"], other.weights_of) == (0.3, None)


def overlaid(config, overlay):
    """Configuration with an overlay, section by section, as Snakemake lays it."""
    both = dict(config)
    for key, value in overlay.items():
        nested = isinstance(value, dict) and isinstance(config.get(key), dict)
        both[key] = overlaid(config[key], value) if nested else value
    return both


def profile(*names):
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    for name in names:
        config = overlaid(config, yaml.safe_load((ROOT / "workflow/profiles" / name).read_text()))
    return config, read_experiment(config)


def test_the_published_experiment_has_no_variants():
    _, published = profile()
    assert published.methods == ("finetune", "mme")
    assert published.variants == ()


def test_the_ablations_change_one_thing_each():
    _, ablations = profile("simulated/experiment.yaml", "ablations/experiment.yaml")
    assert ablations.methods == ("finetune", "mme", "scratch")
    mme = ablations.sections["mme"].options
    changes = {
        name: {key: value for key, value in ablations.sections[name].options.items() if mme.get(key) != value}
        for name in ablations.variants
    }
    assert changes == {
        "mme_source_labels": {"labelled": ["source"]},
        "mme_without_entropy": {"entropy_weight": 0},
        "mme_published_weight": {},
        "mme_copied_head": {"head": "copied"},
        "mme_two_steps": {"steps": "two"},
    }


def test_a_variant_may_have_the_published_weights():
    other = section(entropy_weight={"choice": "published"})
    assert (other.weights_of, other.search) == ("other", {"choice": "published"})
    _, ablations = profile("simulated/experiment.yaml", "ablations/experiment.yaml")
    assert ablations.sections["mme_published_weight"].search == {"choice": "published"}


def test_with_no_shots_a_weight_that_no_label_chose_is_used_where_one_is_chosen():
    assert section(steps="two").weight_without_labels == 0.1
    assert section(entropy_weight={"choice": "search", "grid": [3], "seed": 1}).weight_without_labels == 0.1
    assert section(entropy_weight={"choice": "published"}).weight_without_labels == 0.1
    assert section(entropy_weight=0).weight_without_labels is None  # the number holds


def test_only_what_trains_on_the_source_has_runs_with_no_shots():
    config, _ = profile("simulated/experiment.yaml", "ablations/experiment.yaml")
    targets = {"variant_of": "mme", "label": "target labels", "labelled": ["target"]}
    config = overlaid(config, {"splits": {"shots": [0, 1]}, "methods": {"mme_target_labels": targets}})
    experiment = read_experiment(config)
    shots = {name: experiment.shots_of(name) for name in experiment.sections}
    assert {name for name, numbers in shots.items() if 0 not in numbers} == {
        "finetune", "scratch", "mme_target_labels"
    }  # fmt: skip
    with_none = {run.method for run in experiment.adaptations() if run.shots == 0}
    assert with_none == set(shots) - {"finetune", "scratch", "mme_target_labels"}


def test_the_simulated_study_adapts_without_labels_too():
    _, study = profile("simulated/experiment.yaml")
    assert study.shots == (0, 1, 5, 20)


def test_the_thesis_class_map_of_atlas():
    real = {}
    for name, overlays in {"paper": [], "thesis": ["ablations/atlas_classes_of_the_thesis.yaml"]}.items():
        config, _ = profile(*overlays)
        classes = config["surveys"]["ATLAS"]["classes"]
        assert len(classes) == 7
        real[name] = {key for key, label in classes.items() if label == "real"}
    assert real == {"paper": {"kast", "streak"}, "thesis": {"cr", "kast"}}


def test_methods_without_labels_run_with_0_shots_alone_and_stand_apart():
    config, experiment = profile("simulated/experiment.yaml", "zero_label/experiment.yaml")
    assert experiment.methods == ("finetune", "mme")
    assert experiment.zero_label_methods == ZERO_LABEL_METHODS
    assert {experiment.shots_of(name) for name in ZERO_LABEL_METHODS} == {(0,)}
    assert (experiment.shots_of("mme"), experiment.shots_of("finetune")) == ((0, 1), (1,))
    runs = [run for run in experiment.adaptations() if run.method in ZERO_LABEL_METHODS]
    assert len(runs) == 5 * 12 * 3
    assert "mme_copied_head" not in config["methods"]
