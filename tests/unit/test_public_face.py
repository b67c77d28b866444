"""What `stampshift` exports: every name has an example that runs, and none of them costs an import."""

import doctest
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from unittest.mock import Mock

import numpy as np
import pyarrow as pa
import pytest

import stampshift
from adaptation import some_labels, write_some
from alert_packets import write_night
from fake_release import release_of, write_results, write_run
from stampshift.config.experiment import Run
from stampshift.scoring.scores_file import SCHEMA, WRITERS
from stampshift.stamps.file import CHANNELS, Stamps

BROKERS = {
    "pyspark.sql.functions": {"pandas_udf": lambda function, kind: lambda *columns: columns},
    "pyspark.sql.types": {"FloatType": float},
    "antares_devkit.models": {"BaseFilter": type("BaseFilter", (), {})},
    "apf.core.step": {"GenericStep": type("GenericStep", (), {})},
    "lasair": {"lasair_client": Mock()},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A trained run, a released model, a stamps file with three labels of each class, and a night."""
    folder = tmp_path_factory.mktemp("face")
    write_results(folder / "results", "HiTS", "Rubin")
    write_run(folder / "results", Run("baseline", "HiTS", None, 0, 0))
    adapted = write_run(folder / "results", Run("scratch", "HiTS", "Rubin", 20, 0))
    release_of(adapted, folder / "rubin-model")
    rubin = Stamps.open(folder / "results" / "stamps" / "Rubin.h5")
    write_some(folder / "Rubin.h5", rubin, *some_labels(rubin, real=3, bogus=3, unlabelled=100))
    write_night(folder / "tonight", "Rubin", 2)
    return folder


def examples(name):
    public = getattr(stampshift, name)
    module = sys.modules[public.__module__]
    return [test for test in doctest.DocTestFinder().find(public, name, module, globs={}) if test.examples]


@pytest.mark.parametrize("name", [name for name in stampshift.__all__ if name != "StampshiftError"])
def test_the_example_of_a_public_name_runs(name, folder, monkeypatch):
    monkeypatch.chdir(folder)
    assert examples(name)
    for example in examples(name):
        runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
        assert runner.run(example).failed == 0, f"the example of {example.name}: see the output above"


ROOT = Path(__file__).parents[2]


def blocks(page):
    return re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)


def test_every_page_with_python_is_tested_here():
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    with_python = {str(page.relative_to(ROOT)) for page in pages if "```python" in page.read_text()}
    tested = set(re.findall(r'blocks\("(.*?)"\)', Path(__file__).read_text()))
    assert with_python == tested


def test_the_python_of_the_readme_runs(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    for name in ("adapted", "rubin-model"):
        shutil.rmtree(name, ignore_errors=True)
    (code,) = blocks("README.md")
    exec(code.replace('method="finetune")', 'method="finetune", epochs=2)'), {})
    printed = capsys.readouterr().out
    assert "held out in turn" in printed
    assert re.search(r"id +score +real +flag", printed)


def test_the_python_of_its_page_runs(folder, monkeypatch):
    """The packages of brokers, and what is theirs or the user's, are stand-ins."""
    monkeypatch.chdir(folder)
    for name, holds in BROKERS.items():
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
        vars(sys.modules[name]).update(holds)
    cutouts = np.random.default_rng(0).normal(100, 5, (3, 2, 63, 63))
    names = dict(zip(("template", "science", "difference"), cutouts, strict=True))
    names |= {"df": Mock(), "packet_of": {}.get, "token": "", "topic": ""}
    first, second, *brokers = blocks("docs/python.md")
    exec(first, names)
    assert names["scores"]["score"].between(0, 1).all()
    exec(second, names)
    assert names["scores"]["survey"].tolist() == ["Rubin", "Rubin"]
    for code in brokers:
        exec(code, names)
    assert issubclass(names["RealBogus"], BROKERS["antares_devkit.models"]["BaseFilter"])
    assert issubclass(names["RealBogusStep"], BROKERS["apf.core.step"]["GenericStep"])
    annotations = BROKERS["lasair"]["lasair_client"].return_value.annotate.call_args_list
    assert {call.args[1] for call in annotations} == set(names["scores"]["object"])


def test_the_python_of_the_page_on_export_runs(folder, monkeypatch):
    monkeypatch.chdir(folder)
    cutouts = np.random.default_rng(0).normal(100, 5, (3, 2, 63, 63))
    names = dict(zip(("template", "science", "difference"), cutouts, strict=True))
    names["stamps"] = Stamps.open("results/stamps/Rubin.h5").stamps[:2]
    raw, code = blocks("docs/commands/export.md")
    exec(code, names)
    assert names["scores"].score.shape == (2,)
    exec(raw, names | {name: names[name].astype(np.float32) for name in CHANNELS})


def test_the_filters_of_the_page_on_scores_run(folder, monkeypatch):
    monkeypatch.chdir(folder)
    model, table = stampshift.load("rubin-model"), Path("tonight.fits")
    scored = stampshift.score_alerts(model, stampshift.read_alerts("tonight"))
    with table.open("wb") as stream, WRITERS[".fits"](stream, SCHEMA) as writer:
        scored = scored.assign(ra=[150.1, 10.0], dec=[2.1, 2.1], score=[0.75, 0.25])
        writer.write_table(pa.Table.from_pandas(scored, SCHEMA, preserve_index=False))
    (code,) = blocks("docs/commands/score.md")
    names = {}
    exec(code, names)
    assert (list(names["good"]["id"]), list(names["near"]["id"])) == (["1"], ["1"])


def test_a_name_that_is_not_public_is_refused():
    with pytest.raises(AttributeError, match="module 'stampshift' has no attribute 'Forest'"):
        stampshift.Forest  # noqa: B018


def test_the_package_is_light_until_a_name_is_used():
    code = "import sys, stampshift; sys.exit(bool({'torch', 'pandas', 'numpy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
