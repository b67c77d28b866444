"""Every config of docs/new-survey.md is run on an archive as the page describes it."""

import re
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import yaml
from astropy.io import fits
from typer.testing import CliRunner

from alert_packets import fits_bytes, write_night
from any_survey import candidates
from stampshift.cli import app
from stampshift.config.configuration import read_experiment
from stampshift.stamps.file import Stamps

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "new-survey.md").read_text()
EXAMPLES = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]
COUNT = 6


def rubin():
    write_night(Path("nights"), "Rubin", COUNT)
    Path("rubin-labels.csv").write_text("id,label\n1,SN\n2,AGN\n3,ghost\n")
    return [1, 1, 0, 255, 255, 255]


def mine():
    pixels, ids, _ = candidates(COUNT)
    with h5py.File("stamps.h5", "w") as file:
        file["images"] = np.moveaxis(pixels[:, [1, 0, 2]], 1, -1)
        file["bad"] = np.zeros((COUNT, 31, 31), bool)
        file["candidate"], file["kind"] = ids, np.array([1, 0, -1, 1, 0, -1])
    return [1, 0, 255, 1, 0, 255]


def no_templates():
    pixels, ids, _ = candidates(COUNT)
    Path("parts").mkdir()
    for part in range(2):
        rows = slice(3 * part, 3 * part + 3)
        np.savez(f"parts/{part}.npz", sci=pixels[rows, 1], diff=pixels[rows, 2], candid=ids[rows])
    Path("expert-labels.csv").write_text("id,label\nc0,transient\nc5,artifact\n")
    return [1, 255, 255, 255, 255, 0]


def catalogue():
    pixels, ids, _ = candidates(COUNT)
    columns = {}
    for channel, column in enumerate(("ref_file", "new_file", "sub_file")):
        columns[column] = [f"{name}-{column}.fits.gz" for name in ids]
        for name, image in zip(columns[column], pixels[:, channel], strict=True):
            Path(name).write_bytes(fits_bytes(image, gzipped=True))
    table = pd.DataFrame({"name": ids, "object": "o1", "verdict": ["good", "bad", None] * 2, **columns})
    table.to_parquet("catalogue.parquet")
    return [1, 0, 255, 1, 0, 255]


def eyeballed():
    pixels, _, _ = candidates(4)
    for name in ("real", "bogus", "unlabelled"):
        Path("eyeballed", name).mkdir(parents=True)
    fits.PrimaryHDU(pixels[0]).writeto("eyeballed/real/17.fits")
    for kind, image in zip(("template", "science", "difference"), pixels[1], strict=True):
        fits.PrimaryHDU(image).writeto(f"eyeballed/real/18_{kind}.fits")
    fits.PrimaryHDU(np.zeros((31, 31), "u1")).writeto("eyeballed/real/18_mask.fits")
    fits.PrimaryHDU(pixels[2]).writeto("eyeballed/bogus/19.fits.gz")
    fits.PrimaryHDU(pixels[3]).writeto("eyeballed/unlabelled/20.fits")
    return [0, 1, 1, 255]  # folder by folder


ARCHIVES = {
    "Rubin": rubin,
    "Mine": mine,
    "NoTemplates": no_templates,
    "Catalogue": catalogue,
    "Eyeballed": eyeballed,
}


def test_every_survey_of_the_page_is_run():
    assert {name for example in EXAMPLES for name in example["surveys"]} == set(ARCHIVES)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: "-".join(example["surveys"]))
def test_an_example_of_the_page(example, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("my.yaml").write_text(yaml.safe_dump(example))
    (survey,) = example["surveys"]
    labels = ARCHIVES[survey]()
    arguments = ["--config", "my.yaml", "--survey", survey, "--output", f"{survey}.h5"]
    done = CliRunner().invoke(app, ["stamps", *arguments], catch_exceptions=False)
    assert done.exit_code == 0
    assert Stamps.open(f"{survey}.h5", unlabelled=True).labels.tolist() == labels
    assert CliRunner().invoke(app, ["inspect", f"{survey}.h5"]).output == done.output


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: "-".join(example["surveys"]))
def test_an_example_joins_the_published_experiment(example):
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    config["surveys"] |= example["surveys"]
    config["pairs"] = example.get("pairs", "all")
    pairs = [str(pair) for pair in read_experiment(config).pairs]
    assert pairs == example["pairs"] if "pairs" in example else len(pairs) == 20
