"""A survey that is none of the four joins the grid as source and as target by a section of the config."""

import json
import shutil
from copy import deepcopy

import pandas as pd
import pytest

from alert_packets import SCHEMAS, images, packet, wire
from any_survey import CLASSES, write_folder, write_hdf5, write_packets
from stampshift.stamps.file import Stamps
from tiny_project import TINY

COUNT = 120


def write(project, reader):
    """Write the survey's archive; return its section."""
    raw = project.folder / "mine"
    if reader == "packets":
        options = {"labels": "mine-labels.csv"}
        write_packets(raw, COUNT)
    elif reader == "table":
        raw.mkdir()
        options = write_hdf5(raw / "part.h5", COUNT)
    else:
        options = write_folder(raw, COUNT)
    section = {"reader": reader, reader: options, "classes": CLASSES, "invalid": {}}
    return section | {"origin": "path", "path": "mine"}


def with_survey(section):
    config = deepcopy(TINY)
    config["surveys"]["Mine"] = section
    config["pairs"] = ["HiTS-to-Mine", "Mine-to-HiTS"]
    config["diagnostics"] = {"pairs": ["HiTS-to-Mine"], "features_per_survey": 20}
    return config


@pytest.mark.parametrize("reader", ["table", "packets", "folder"])
def test_it_is_a_source_and_a_target_of_the_whole_experiment(fresh, reader):
    config = with_survey(write(fresh, reader))
    jobs = fresh.jobs(config=config)
    # its own stamps and figures beside those of the four that are simulated
    assert jobs["stamps"] == jobs["preprocessing_figure"] == jobs["examples_figure"] == 5
    assert jobs["simulate"] == 4
    assert jobs["splits"] == jobs["baseline"] == jobs["pair_figure"] == 2
    assert jobs["adapt"] == 4


def test_packets_from_end_to_end(fresh):
    section = write(fresh, "packets")
    labels = fresh.folder / "mine-labels.csv"
    table = pd.read_csv(labels)
    table.iloc[:100].to_csv(labels, index=False)  # the last twenty have no label
    config = with_survey(section)
    targets = [f"results/finetune/{pair}/shots-1/seed-0/metrics.json" for pair in config["pairs"]]
    targets += ["results/figures/preprocessing/Mine.png"]
    fresh.run(*targets, config=config)
    stamps = Stamps.open(fresh.folder / "results/stamps/Mine.h5")
    assert len(stamps) == 100
    assert stamps.attributes["counts"]["dropped"]["unlabelled"] == 20
    for target in targets[:2]:
        metrics = json.loads((fresh.folder / target).read_text())
        assert {metrics["source"], metrics["target"]} == {"HiTS", "Mine"}
    assert fresh.jobs(*targets, config=config) == {}

    # an edited label file makes the stamps anew, those of the other survey stay
    table.iloc[:101].to_csv(labels, index=False)
    jobs = fresh.jobs(*targets, config=config)
    assert jobs["stamps"] == jobs["splits"] == 1
    table.iloc[:100].to_csv(labels, index=False)

    # so does an edited dialect, and an edited option
    dialects = fresh.folder / "workflow/stampshift/alerts/dialects.py"
    text = dialects.read_text()
    dialects.write_text(text.replace("magnitude_above=1e30", "magnitude_above=1e31"))
    assert fresh.jobs(*targets, config=config)["stamps"] == 1
    dialects.write_text(text)
    shutil.copy(labels, fresh.folder / "other.csv")
    config["surveys"]["Mine"]["packets"]["labels"] = "other.csv"
    assert fresh.jobs(*targets, config=config)["stamps"] == 1


def test_an_edited_schema_makes_the_stamps_again(fresh):
    section = write(fresh, "packets")
    section["packets"]["schemas"] = "schemas"
    (fresh.folder / "schemas").mkdir()
    schema = fresh.folder / "schemas" / "7.avsc"
    schema.write_text(json.dumps(SCHEMAS["Rubin"]))
    (fresh.folder / "mine" / "x.avro").write_bytes(wire("Rubin", packet("Rubin", 999, images(1)), schema=7))
    with (fresh.folder / "mine-labels.csv").open("a") as labels:
        labels.write("999,SN\n")
    config = with_survey(section)
    target = "results/stamps/Mine.h5"
    fresh.run(target, config=config)
    assert "999" in Stamps.open(fresh.folder / target).ids
    assert fresh.jobs(target, config=config) == {}
    schema.write_text(json.dumps(SCHEMAS["Rubin"] | {"doc": "another"}))
    assert fresh.jobs(target, config=config)["stamps"] == 1
    schema.unlink()
    done = fresh.snakemake("--dry-run", target, config=config)
    assert done.returncode != 0
    assert (
        "surveys.Mine.packets.schemas: expected a folder of schemas at schemas" in done.stderr + done.stdout
    )


def test_a_missing_label_file_stops_the_run_before_the_first_job(fresh):
    section = write(fresh, "packets")
    (fresh.folder / "mine-labels.csv").unlink()
    done = fresh.snakemake("--dry-run", config=with_survey(section))
    assert done.returncode != 0
    assert "Mine: the label file mine-labels.csv does not exist" in done.stderr + done.stdout
