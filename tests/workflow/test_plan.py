"""Jobs and trainings of a plan against what Snakemake and the experiment say."""

import os
import re
from collections import Counter
from copy import deepcopy
from pathlib import Path

import pytest
import yaml

from loaded_rules import SCRIPTS, loaded_rules
from stampshift.core.errors import ConfigError
from stampshift.planning.dry_run import read_workflow
from stampshift.planning.planned_trainings import expected_epochs, trainings_by_job
from tiny_project import TINY

TORCH = r"from stampshift\.training\.(jobs|finished_models)"


@pytest.fixture
def here(fresh, monkeypatch):
    """A checkout in which nothing has run, as the current folder."""
    monkeypatch.chdir(fresh.folder)
    monkeypatch.setenv("PYTHONPATH", os.environ.get("PYTHONPATH", ""))  # the rules change it: put back
    (fresh.folder / "tiny.yaml").write_text(yaml.safe_dump(TINY))
    return fresh


def planned(here, **options):
    asked = {"workflow_profile": None, "cores": 2, "targets": [], "everything": False} | options
    return read_workflow(configfiles=[here.folder / "tiny.yaml"], **asked)


def jobs_by_rule(workflow):
    return dict(Counter(job.rule for job in workflow.jobs))


def test_the_jobs_are_those_of_snakemake(here):
    workflow = planned(here)
    assert jobs_by_rule(workflow) == here.jobs()
    assert workflow.config["splits"]["shots"] == TINY["splits"]["shots"]
    assert workflow.config["splits"]["fractions"]["train"] == 0.8  # of config.yaml, which the overlay leaves


def test_the_trainings_are_the_runs_of_the_experiment(here):
    workflow = planned(here)
    counts = Counter()
    for job, own in zip(workflow.jobs, trainings_by_job(workflow), strict=True):
        counts.update(dict.fromkeys([job.rule], len(own)) if own else {})
    # 2 sources x 2 seeds; 2 pairs x 2 weights x 2 shots; 2 pairs x 2 methods x 2 shots x 2 seeds
    assert counts == {"baseline": 4, "select_lambda": 8, "adapt": 16}
    experiment = workflow.experiment
    assert counts["baseline"] == len(list(experiment.baseline_runs()))
    assert counts["adapt"] == len(list(experiment.adaptations()))
    assert workflow.stamps == dict.fromkeys(TINY["surveys"], 150)


def test_a_job_whose_script_imports_torch_has_a_model_among_its_files(here):
    """By which a plan knows it: the start of a process with torch takes twice that of one without."""
    jobs = planned(here).jobs
    with_model = {
        job.rule for job in jobs if any(path.endswith("/model.pt") for path in job.inputs | job.outputs)
    }
    with_torch = {
        name
        for name, rule in loaded_rules().items()
        if rule.script and re.search(TORCH, (SCRIPTS / Path(rule.script).name).read_text())
    }
    assert with_model == with_torch & {job.rule for job in jobs}
    assert with_model >= {"baseline", "select_lambda", "adapt", "transfer", "calibrate", "features"}


def test_the_second_study_is_another_target(here):
    rules = jobs_by_rule(planned(here, targets=["results/des_study/first/network_1/model.pt"]))
    assert rules == {"simulate": 1, "des_study_stamps": 1, "des_study_splits": 1, "des_study_network": 1}


def test_the_whole_second_study_has_its_trainings_of_the_epochs_configured(here):
    """Two networks, before and after relabelling, on old and corrected labels; folds; and the new survey.

    The two folds of a network are one job.
    """
    demo = yaml.safe_load((here.folder / "workflow/profiles/des_study/experiment.yaml").read_text())
    config = deepcopy(TINY)
    config["surveys"]["DES"]["simulate"]["flipped"] = 0.05
    config["surveys"]["DECAT"] = demo["surveys"]["DECAT"]
    config["des_study"] = {
        "networks": ["network_1", "network_4"],
        "relabels": demo["des_study"]["relabels"],
        "training": {"patience_epochs": 15, "stop_on": "validation_loss", "halve_every_epochs": 10},
        "new_survey": deepcopy(demo["des_study"]["new_survey"]),
    }
    config["des_study"]["new_survey"]["training"] |= {"patience_epochs": 3, "max_epochs": 4}
    (here.folder / "tiny.yaml").write_text(yaml.safe_dump(config))
    workflow = planned(here, targets=["des_study"])
    assert jobs_by_rule(workflow) == here.jobs("des_study", config=config)
    trainings = trainings_by_job(workflow)
    counts = Counter(job.rule for job, own in zip(workflow.jobs, trainings, strict=True) if own)
    assert counts == {"des_study_network": 6, "des_study_search": 2, "des_study_further": 1}
    assert {(job.rule, len(own)) for job, own in zip(workflow.jobs, trainings, strict=True) if own} == {
        ("des_study_network", 1),
        ("des_study_search", 2),
        ("des_study_further", 1),
    }
    assert {job.threads for job, own in zip(workflow.jobs, trainings, strict=True) if own} == {1}
    epochs = {part.recipe.name: expected_epochs(part.recipe, {}) for own in trainings for part in own}
    assert {name: each["high"] for name, each in epochs.items()} == {
        "network_1": 50,
        "network_4": 50,
        "further": 4,
    }
    assert epochs["network_4"]["low"] == 16  # the patience after the first epoch


def test_an_archive_that_is_not_there_yet_does_not_stop_a_plan(here):
    absent = {**TINY, "surveys": {**TINY["surveys"], "ATLAS": {"origin": "path"}}}
    (here.folder / "tiny.yaml").write_text(yaml.safe_dump(absent))
    assert planned(here).absent == {"ATLAS": "resources/raw/ATLAS"}


def test_refusals_are_one_sentence(here, monkeypatch, tmp_path_factory):
    with pytest.raises(ConfigError, match="nonsense"):
        planned(here, targets=["nonsense"])
    with pytest.raises(ConfigError, match=r"no\.yaml: no such configuration file"):
        read_workflow(
            configfiles=[here.folder / "no.yaml"],
            workflow_profile=None,
            cores=1,
            targets=[],
            everything=False,
        )
    (here.folder / "tiny.yaml").write_text("shots: 3\n")
    with pytest.raises(ConfigError, match="has no key 'shots'"):
        planned(here)
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    with pytest.raises(ConfigError, match="run from the project's folder"):
        planned(here)
