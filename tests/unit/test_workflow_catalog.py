"""Beside the workflow: what Snakemake's catalog asks for, the test folder, GitHub's checks, images."""

import re
import subprocess
import sys
import tomllib

import yaml
from snakemake.utils import update_config

from stampshift.config.configuration import read_experiment
from tiny_project import ROOT


def loaded(name: str):
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def test_the_catalog_finds_what_it_asks_for():
    usage = loaded(".snakemake-workflow-catalog.yml")["usage"]
    assert usage["software-stack-deployment"] == {"conda": True, "apptainer": False, "apptainer+conda": False}
    assert usage["report"] is True
    assert (ROOT / "workflow" / "Snakefile").exists()
    assert (ROOT / "config" / "README.md").exists()
    assert (ROOT / "config" / "config.yaml").samefile(ROOT / "config.yaml")
    readme = (ROOT / "README.md").read_text(encoding="utf-8").lower()
    assert "snakemake" in readme and "workflow" in readme  # by which the catalog finds a repository


def test_the_test_folder_has_a_small_experiment_of_simulated_surveys():
    config = loaded("config.yaml")
    update_config(config, loaded(".test/experiment.yaml"))
    experiment = read_experiment(config)
    assert [str(pair) for pair in experiment.pairs] == ["HiTS-to-ATLAS", "ATLAS-to-HiTS"]
    assert all(section["origin"] == "simulate" for section in config["surveys"].values())
    assert (ROOT / ".test" / "config.yaml").samefile(ROOT / "config.yaml")


def test_nothing_is_missing_in_the_test_folder():
    command = [
        sys.executable,
        "-m",
        "snakemake",
        "--cores",
        "2",
        "--scheduler",
        "greedy",
        "--dry-run",
        "--quiet",
    ]
    command += ["--directory", ".test", "--configfile", ".test/experiment.yaml"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


def test_github_runs_the_full_check_and_every_supported_python():
    text = (ROOT / ".github/workflows/check.yml").read_text(encoding="utf-8")
    jobs = yaml.safe_load(text)["jobs"]
    assert {"run": ".ci/run"} in jobs["full"]["steps"]
    classifiers = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["classifiers"]
    pythons = [name.rpartition(" ")[2] for name in classifiers if re.search(r":: 3\.\d+$", name)]
    assert jobs["units"]["strategy"]["matrix"]["python"] == pythons
    assert all(
        re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v[\d.]+", used) for used in re.findall(r"uses: (.*)", text)
    )


def test_both_images_are_made_by_the_same_commands():
    docker = (ROOT / "Dockerfile").read_text().replace("RUN ", "")
    apptainer = (ROOT / "stampshift.def").read_text().replace("{{ TORCH }}", "${TORCH}")
    commands = [re.findall(r"pip install (.*(?:\\\n.*)*)", text) for text in (docker, apptainer)]
    installs = [[command.split() for command in found] for found in commands]
    assert installs[0] == installs[1] and len(installs[0]) == 2
    assert "--require-hashes" in installs[0][0]
    base = re.search(r"^FROM (.*)$", docker, re.MULTILINE)[1]
    assert f"\nFrom: {base}\n" in apptainer
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+", base)
    copied = set(re.findall(r"^    (\S+) /opt/stampshift/\1$", apptainer, re.MULTILINE))
    let_in = set(re.findall(r"^!(.*)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE))
    assert copied == let_in == {"envs", "pyproject.toml", "README.md", "LICENSE", "workflow"}
