"""The installed wheel in an empty folder: everything is in it, and it needs no more than it declares."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from adaptation import some_labels, write_some
from alert_packets import write_night
from fake_release import release_of, write_results, write_run
from stampshift.config.experiment import Run
from stampshift.core.extras import EXTRAS
from stampshift.stamps.file import Stamps
from tiny_project import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
COMMANDS = """
import shlex, sys
sys.modules.update(dict.fromkeys({absent}))
from stampshift import cli
assert cli.__file__.startswith({installed!r}), cli.__file__
for line in {lines}:
    sys.argv = ["stampshift", *shlex.split(line)]
    try:
        cli.main()
    except SystemExit as end:
        print("status:", end.code, flush=True)
"""
RUBIN = {
    "reader": "packets", "origin": "path", "path": "nights", "packets": {"labels": "nights/labels.csv"},
    "classes": {"real": "real", "bogus": "bogus"}, "invalid": {},
}  # fmt: skip


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder into which the project's wheel is installed, without its sources."""
    folder = tmp_path_factory.mktemp("wheel")
    (folder / "sources").mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder / "sources")
    shutil.copytree(
        ROOT / "workflow", folder / "sources" / "workflow",
        ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"),
    )  # fmt: skip
    options = ("--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--disable-pip-version-check")
    pip = [sys.executable, "-m", "pip", "install", *options, "--target", folder / "installed"]
    subprocess.run([*pip, folder / "sources"], check=True)
    return folder / "installed"


@pytest.fixture
def run(installed, tmp_path, monkeypatch):
    """Run commands one after the other in an empty folder, with some modules absent; what they print."""
    monkeypatch.setenv("PYTHONPATH", str(installed))

    def commands(*lines, absent=()):
        code = COMMANDS.format(absent=tuple(absent), installed=str(installed), lines=lines)
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    return commands


def test_every_file_of_the_package_is_in_the_wheel(installed):
    def files(folder):
        return {
            path.relative_to(folder) for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"
        }

    for package in ("stampshift", "snakemake_logger_plugin_stampshift"):
        assert files(ROOT / "workflow" / package) == files(installed / package)
    assert Path("py.typed") in files(installed / "stampshift")


def test_an_archive_is_simulated_and_made_into_stamps(run, tmp_path):
    (tmp_path / "my.yaml").write_text(yaml.safe_dump({"surveys": {"Rubin": RUBIN}}))
    printed = run(
        "simulate Rubin nights --stamps 40 --seed 1",
        "stamps --config my.yaml --survey Rubin --output Rubin.h5",
        "inspect nights",
        "verify Rubin.h5",
    )
    assert re.findall("status: (.*)", printed) == ["0"] * 4, printed
    assert "Rubin.h5: stamps of Rubin" in printed and "raw archive, read by 'packets'" in printed


def test_a_light_install_adapts_exports_and_scores(run, tmp_path):
    """Without what any of the extras brings."""
    write_results(tmp_path / "results", "HiTS", "Rubin")
    baseline = write_run(tmp_path / "results", Run("baseline", "HiTS", None, 0, 0))
    release_of(baseline, tmp_path / "hits-model")
    rubin = Stamps.open(tmp_path / "results" / "stamps" / "Rubin.h5")
    write_some(tmp_path / "Rubin.h5", rubin, *some_labels(rubin, real=2, bogus=2, unlabelled=60))
    write_night(tmp_path / "tonight", "Rubin", 3)
    short = "--epochs 1 --epochs-unjudged 1 --epoch-size 50 --batch-size 4 --processes 1"
    printed = run(
        f"adapt {baseline.relative_to(tmp_path)} Rubin.h5 --output adapted {short}",
        "export adapted --output rubin-model",
        "threshold hits-model --max-mdr 0.5",
        "score rubin-model tonight --output scores.parquet --processes 1",
        "score tonight --output first.parquet --processes 1",
        "drift rubin-model scores.parquet",
        "inspect tonight",
        absent=[module for modules in EXTRAS.values() for module in modules],
    )
    assert re.findall("status: (.*)", printed) == ["0"] * 7, printed
    assert printed.count("3 candidates, 3 scored") == 2
    assert (tmp_path / "scores-drift.html").is_file()


def test_a_missing_extra_is_named_with_the_command_that_installs_it(run):
    printed = run(
        "simulate Rubin nights --stamps 40 --seed 1",
        "review stamps.h5",
        "review-export votes.sqlite",
        "stream --broker host --topic ztf --model model --output-topic scores",
        "plan",
        absent=[module for modules in EXTRAS.values() for module in modules],
    )
    assert re.findall("status: (.*)", printed) == [
        'error: this needs galsim, which is not installed: pip install "stampshift[simulate]"',
        'error: this needs uvicorn, which is not installed: pip install "stampshift[review]"',
        'error: this needs statsmodels, which is not installed: pip install "stampshift[review]"',
        'error: this needs confluent_kafka, which is not installed: pip install "stampshift[stream]"',
        'error: this needs snakemake, which is not installed: pip install "stampshift[workflow]"',
    ]


def test_the_extras_bring_the_modules_that_they_are_named_for():
    def names(listed):
        return {re.split("[<>=]", each)[0].replace("-", "_") for each in listed}

    extras = PROJECT["optional-dependencies"]
    for extra, modules in EXTRAS.items():
        assert set(modules) <= names(extras[extra])
        assert not set(modules) & names(PROJECT["dependencies"])
    assert extras["all"] == ["stampshift[workflow,simulate,review,stream]"]


def test_the_command_itself_is_installed(installed, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(installed))
    command = [installed / "bin" / "stampshift", "-h"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("Usage: stampshift [OPTIONS] COMMAND")
