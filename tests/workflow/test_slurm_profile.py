"""What jobs ask of SLURM, without one: `tests/slurm` submits them."""

import re
from copy import deepcopy

import pytest
import yaml

from tiny_project import ROOT, TINY, Project, copy_of_the_project

Resources = dict[str, str]


def planned(project: Project, *arguments: str, **options) -> dict[str, Resources]:
    """Resources of every job to be submitted, by rule, as Snakemake prints them."""
    profile = ("--workflow-profile", "workflow/profiles/slurm")
    done = project.snakemake("--dry-run", *profile, *arguments, **options)
    assert done.returncode == 0, done.stderr[-5000:]
    jobs = re.findall(
        r"^rule (\w+):$.*?^    resources: (.*?)$", done.stdout + done.stderr, re.MULTILINE | re.DOTALL
    )
    return {rule: dict(one.split("=") for one in text.split(", ")) for rule, text in jobs}


def with_search_and_relabelling() -> dict:
    """Every rule that runs a network: a variant with its own search as well."""
    config = deepcopy(TINY)
    search = {"choice": "search", "grid": [0.2], "seed": 0}
    config["splits"]["shots"] = [0, 1]
    config["methods"]["mme_own"] = {"variant_of": "mme", "label": "own", "entropy_weight": search}
    return config


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    """A checkout in which nothing runs."""
    return copy_of_the_project(tmp_path_factory.mktemp("project"))


def every_job_of(project: Project, *, attempt: int) -> dict[str, Resources]:
    config = with_search_and_relabelling()
    return planned(project, "--attempt", str(attempt), "all", "des_study", config=config)


@pytest.fixture(scope="module")
def every_job(project) -> dict[str, Resources]:
    return every_job_of(project, attempt=1)


def test_jobs_with_a_gpu_and_no_others_go_to_its_partition(every_job):
    with_gpu = {rule for rule, resources in every_job.items() if resources.get("gpu") == "1"}
    assert {"baseline", "transfer", "select_lambda", "select_variant_lambda", "adapt", "features"} <= with_gpu
    assert "adapt_without_labels" in with_gpu
    assert {"des_study_network", "des_study_search", "calibrate", "calibrate_baseline"} <= with_gpu
    to_gpu = {rule for rule, resources in every_job.items() if resources["slurm_partition"] == "gpu"}
    assert to_gpu == with_gpu


def test_a_cpu_is_enough_if_the_experiment_asks_for_one(project):
    config = deepcopy(TINY)
    config["execution"]["device"] = "cpu"
    jobs = planned(project, "results/tables/runs.csv", config=config)
    assert {resources["gpu"] for resources in jobs.values() if "gpu" in resources} == {"0"}


def test_memory_and_time_double_with_every_retry(project, every_job):
    third = every_job_of(project, attempt=3)
    assert every_job["baseline"]["mem_mb"] == "8000"
    assert every_job.keys() == third.keys()
    for rule, resources in every_job.items():
        for name in ("mem_mb", "runtime"):
            assert int(third[rule][name]) == 4 * int(resources[name]), rule


# ---- the list of rules in the profile ---------------------------------------------------------------------

RULE = re.compile(r"^ *(?:use )?rule (\w+)(?: as (\w+))?", re.MULTILINE)
SCRIPT = re.compile(r'script:\s+"\.\./scripts/([^"]+)"')
OF_A_NETWORK = re.compile(r'\["execution"\]\["device"\]|job_of\(snakemake\)')  # what chooses a device


def rules() -> dict[str, str]:
    """Text of every rule, by name; after it that of the rule that it is made from."""
    found: dict[str, str] = {}
    made_from: dict[str, str] = {}
    for path in sorted((ROOT / "workflow/rules").glob("*.smk")):
        text = path.read_text()
        starts = list(RULE.finditer(text))
        ends = [*(rule.start() for rule in starts), len(text)][1:]
        for rule, end in zip(starts, ends, strict=True):
            name = rule[2] or rule[1]
            found[name], made_from[name] = text[rule.end() : end], rule[1]
    return {name: text + found[made_from[name]] for name, text in found.items()}


def of_networks() -> dict[str, str]:
    """Text of the rules whose script runs a network."""
    scripts = {path.name: path.read_text() for path in (ROOT / "workflow/scripts").glob("*.py")}
    named = {name: (text, SCRIPT.search(text)) for name, text in rules().items()}
    return {
        name: text
        for name, (text, script) in named.items()
        if script and OF_A_NETWORK.search(scripts[script[1]])
    }


def test_the_profile_names_every_rule_that_runs_a_network_and_no_other():
    profile = yaml.safe_load((ROOT / "workflow/profiles/slurm/config.yaml").read_text())
    assert len(of_networks()) >= 12
    assert set(profile["set-resources"]) == set(of_networks())
    assert {tuple(asked.items()) for asked in profile["set-resources"].values()} == {
        (("slurm_partition", "gpu"),)
    }


def test_every_rule_of_a_network_asks_for_a_gpu_and_grows():
    """In the files, whatever the configuration switches off: the further training on a new survey as well."""
    asking = re.compile(r"\*\*growing\(mem_mb=\d+, runtime=\d+\),\s+gpu=GPUS")
    assert {name for name, text in rules().items() if asking.search(text)} == set(of_networks())
