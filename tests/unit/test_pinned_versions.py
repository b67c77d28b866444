"""The pinned files: every package with its hashes, the same version everywhere."""

import re

import pytest
import yaml

from tiny_project import ROOT

ENVS = ROOT / "envs"
PINNED = re.compile(r"^([A-Za-z0-9_.-]+)(?:\[[^]]*\])?==([^\s;\\]+)", re.MULTILINE)
HASHED = re.compile(
    r"^([A-Za-z0-9_.-]+)[^#\n]* \\\n(?: {4}--hash=sha256:[0-9a-f]{64}(?: \\)?\n?)+", re.MULTILINE
)
CONDA_NAMES = {"pytorch": "torch", "matplotlib-base": "matplotlib", "snakemake-minimal": "snakemake"}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(name: str) -> dict[str, str]:
    return {normal(package): version for package, version in PINNED.findall((ENVS / name).read_text())}


@pytest.mark.parametrize("name", ["requirements", "slurm", "dev", "docs", "gpu"])
def test_every_pinned_package_has_its_hashes(name):
    assert pins(f"{name}.txt") == pins(f"{name}.in") != {}
    hashed = HASHED.findall((ENVS / f"{name}.txt").read_text())
    assert {normal(package) for package in hashed} == set(pins(f"{name}.in"))


def test_torch_is_one_version_with_hashes_whatever_the_machine():
    assert pins("cpu.txt")["torch"] == pins("gpu.txt")["torch"]
    assert HASHED.findall((ENVS / "cpu.txt").read_text()) == ["torch"]
    assert f"torch=={pins('cpu.txt')['torch']}" in (ROOT / "Makefile").read_text()


def test_conda_has_the_same_versions():
    listed = yaml.safe_load((ENVS / "stampshift.yaml").read_text())["dependencies"]
    conda = dict(line.split("=") for line in listed if not line.startswith("python="))
    ours = pins("requirements.in") | pins("cpu.txt")
    assert {CONDA_NAMES.get(name, name): version for name, version in conda.items()} == {
        CONDA_NAMES.get(name, name): ours[normal(CONDA_NAMES.get(name, name))] for name in conda
    }
