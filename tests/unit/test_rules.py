"""What holds for every rule: its caption, the function that it names, the code that makes it run again."""

import inspect
from pkgutil import resolve_name

import pytest
from snakemake.io import get_flag_value
from snakemake.iocontainers import Wildcards

from loaded_rules import IMPORT, SCRIPTS, closure, loaded_rules, loaded_workflows
from stampshift.core.provenance import script_closure
from tiny_project import ROOT

NO_ARGUMENTS = {"function", "simulated", "code", "caption"}


def with_function():
    return {name: rule for name, rule in loaded_rules().items() if rule.params.get("function")}


def test_every_script_belongs_to_a_rule_or_to_scripts():
    of_rules = {rule.script.rpartition("/")[2] for rule in loaded_rules().values() if rule.script}
    shared = {path.name for path in SCRIPTS.glob("*.py")} - of_rules
    imported = {match[1] for path in SCRIPTS.glob("*.py") for match in IMPORT.finditer(path.read_text())}
    assert {name.removesuffix(".py") for name in shared} <= imported


def test_every_function_that_a_rule_names_takes_its_inputs_and_parameters():
    assert len(with_function()) >= 13
    for name, rule in with_function().items():
        function = resolve_name(f"stampshift.{rule.params.function}")
        arguments = {*rule.input.keys(), *rule.params.keys()} - NO_ARGUMENTS
        try:
            inspect.signature(function).bind(**dict.fromkeys(arguments))
        except TypeError as error:
            pytest.fail(f"{name}: {error}")


def test_every_item_of_the_report_has_a_caption():
    for name, rule in loaded_rules().items():
        for item in filter(None, (get_flag_value(output, "report") for output in rule.output)):
            path = str(item.caption)
            assert (ROOT / "workflow" / "report" / path.rpartition("/")[2]).exists(), (name, path)
            if path.endswith("/caption.rst"):
                assert rule.params.caption.endswith("."), name


def test_light_jobs_run_where_the_workflow_runs_whatever_a_profile_gives_every_rule():
    """SLURM's profile gives every rule minutes and memory; a table's job still is none of the queue's."""
    plain, with_defaults = (
        {name for workflow in loaded_workflows(**given) for name in workflow._localrules}
        for given in ({}, {"runtime": 60, "mem_mb": 2000})
    )
    assert plain == with_defaults
    assert {"table1", "pair_figure", "gather_pair", "retention"} <= plain
    assert not {"stamps", "baseline", "adapt", "diagnostics", "preprocessing_figure"} & plain


def test_candidates_are_searched_by_every_network_of_the_second_study():
    files = loaded_rules()["des_study_candidates"].input
    networks = [f"network_{number}" for number in range(1, 5)]
    assert {*files.keys()} == {*networks, "stamps"}
    for network in networks:
        assert [path.split("/")[-3:-1] for path in files[network]] == [
            [network, "fold-0"],
            [network, "fold-1"],
        ]


@pytest.mark.parametrize("script", sorted(SCRIPTS.glob("*.py")), ids=lambda path: path.stem)
def test_a_script_is_followed_to_all_that_it_imports(script):
    assert script_closure(script) == closure(script)


def test_no_training_runs_again_for_a_table_a_figure_or_a_reader():
    others = {"tables", "figures", "surveys", "simulation", "review", "release", "planning"}
    for script in ("baseline.py", "adapt.py", "select_lambda.py", "transfer.py", "des_study_network.py"):
        assert others.isdisjoint(file.parent.name for file in script_closure(SCRIPTS / script))


@pytest.mark.parametrize(
    ("rule", "wildcards", "module"),
    [
        ("adapt", {"method": "mme"}, "methods.mme"),
        ("baseline", {}, "methods.baseline"),
        ("transfer", {}, "networks.bolivar"),
        ("des_study_further", {}, "methods.further"),
        ("des_study_network", {}, "networks.ayyar"),
        ("stamps", {"survey": "DES"}, "surveys.des"),
        ("preprocessing_figure", {"survey": "ATLAS"}, "surveys.atlas"),
        ("table1_figure", {}, "figures.baseline_figures"),
    ],
)
def test_what_a_job_picks_by_name_counts_too(rule, wildcards, module, monkeypatch):
    """Its digest is that of its script with the module, whichever way the rule names it."""
    asked = []
    code = loaded_rules()[rule].params.code
    monkeypatch.setitem(code.__globals__, "script_digest", lambda script, *modules: asked.extend(modules))
    code(Wildcards(fromdict=wildcards))
    assert module in asked


def test_the_job_of_a_sources_first_target_trains_together_the_runs_of_all():
    rule = loaded_rules()["adapt"]
    first, other = (
        Wildcards(fromdict={"method": "mme", "source": "HiTS", "target": target}) for target in ("DES", "ZTF")
    )
    assert rule.params.neighbours(first) == ["ATLAS", "ZTF"]
    stamps, splits, weights = (rule.input[f"ahead_{kind}"](first) for kind in ("stamps", "splits", "weights"))
    assert [path.rpartition("/")[2] for path in stamps] == ["ATLAS.h5", "ZTF.h5"]
    assert [path.split("/")[-2] for path in splits] == ["ATLAS"] * 10 + ["ZTF"] * 10
    assert [path.rpartition("/")[2] for path in weights] == ["HiTS-to-ATLAS.json", "HiTS-to-ZTF.json"]
    assert rule.input["first"](first) == []
    assert rule.params.neighbours(other) == []
    (awaited,) = rule.input["first"](other)
    assert "mme/HiTS-to-DES/" in awaited
    for path in (*stamps, *splits, *weights, awaited):
        assert get_flag_value(path, "ancient"), "a change there makes this job run again"
