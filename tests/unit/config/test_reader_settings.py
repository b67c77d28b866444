from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
import yaml
from snakemake.utils import update_config

from stampshift.config.configuration import read_experiment
from stampshift.config.surveys import label_files, reader_options, schema_files
from stampshift.core.errors import ConfigError
from stampshift.stamps.raw_triplets import InvalidPixels

ROOT = Path(__file__).parents[3]
PUBLISHED = yaml.safe_load((ROOT / "config.yaml").read_text())
SECTION = {
    "origin": "path",
    "path": "raw/Mine",
    "classes": {"SN": "real", "ghost": "bogus"},
    "invalid": {"equals": -9999.0},
}
TABLE = {"stamps": "pixels", "axes": "channels_last", "id": "id", "label": "class"}
CHANNELS = {"template": "t", "science": "s", "difference": "d"}


def read(**section):
    config = deepcopy(PUBLISHED)
    config["surveys"]["Mine"] = SECTION | section
    return read_experiment(config)


@pytest.mark.parametrize(
    ("reader", "options"),
    [
        ("table", TABLE),
        ("table", {"stamps": CHANNELS, "id": "id", "labels": "labels.csv"}),
        ("table", {"stamps": {"science": "s", "difference": "d"}, "template": "science - difference"}),
        ("table", TABLE | {"channels": ["difference", "science", "template"], "mask": "m", "unlabelled": -1}),
        ("packets", {"labels": "labels.csv", "schemas": "schemas"}),
        ("folder", {"channels": ["science", "difference"], "template": "science - difference"}),
        ("folder", {}),
    ],
)
def test_a_users_survey_joins_the_grid(reader, options):
    experiment = read(reader=reader, **{reader: options})
    assert experiment.surveys[-1] == "Mine"
    pairs = {str(pair) for pair in experiment.pairs}
    assert {"Mine-to-ZTF", "HiTS-to-Mine"} <= pairs
    assert len(pairs) == 20


@pytest.mark.parametrize("reader", ["packets", "folder"])
def test_packets_and_folders_need_no_options(reader):
    assert len(read(reader=reader).surveys) == 5


@pytest.mark.parametrize(
    ("section", "message"),
    [
        (
            {"reader": "table"},
            "config: surveys.Mine.reader is 'table', but the section has no key `table` that names its "
            "stamps.",
        ),
        (
            {"reader": "packets", "table": TABLE},
            "config: surveys.Mine.table is set, but surveys.Mine.reader is 'packets'.",
        ),
        (
            {"reader": "hits", "packets": {}},
            "config: surveys.Mine.packets is set, but surveys.Mine.reader is 'hits'.",
        ),
        (
            {"reader": "folder", "origin": "simulate", "simulate": {"stamps": 50, "seed": 1}},
            "config: surveys.Mine.origin is 'simulate', but the simulator writes packets and the "
            "formats of the published surveys, and the reader is 'folder'; set origin to 'path'.",
        ),
        (
            {"reader": "folder", "folder": {"channels": ["science", "difference"]}},
            "config: surveys.Mine.folder.channels is ['science', 'difference'], but the archive should hold "
            "difference, science, template, each once.",
        ),
        (
            {"reader": "table", "table": {"stamps": {"science": "s", "difference": "d"}}},
            "config: surveys.Mine.table.stamps and surveys.Mine.table.template name no template; one of them "
            "should.",
        ),
        (
            {"reader": "table", "table": {"stamps": CHANNELS, "template": "science - difference"}},
            "config: surveys.Mine.table.stamps and surveys.Mine.table.template both name a template; one of "
            "them should.",
        ),
        (
            {"reader": "table", "table": {"stamps": CHANNELS, "axes": "channels_first"}},
            "config: surveys.Mine.table.axes needs one array of all channels, but stamps names one for each.",
        ),
        (
            {"reader": "table", "table": TABLE | {"labels": "a.csv"}},
            "config: surveys.Mine.table has both `label` and `labels`; give one.",
        ),
        (
            {"reader": "table", "table": {"stamps": "pixels", "labels": "a.csv"}},
            "config: surveys.Mine.table.labels is joined by identifier, but `id` is not set; set it to the "
            "table's identifiers.",
        ),
        (
            {"reader": "table", "table": {"stamps": "pixels", "unlabelled": -1}},
            "config: surveys.Mine.table.unlabelled is a value of `label`, but `label` is not set.",
        ),
        (
            {"reader": "table", "table": TABLE | {"axis": "channels_last"}},
            "config: surveys.Mine.table has no key 'axis'; did you mean 'axes'?",
        ),
        (
            {"reader": "table", "table": {"stamps": {"science": "s"}}},
            "config: surveys.Mine.table.stamps",
        ),
        (
            {"reader": "packets", "classes": {"SN": "real", "unlabelled": "bogus"}},
            "config: surveys.Mine.classes: 'unlabelled'",
        ),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(section, message):
    with pytest.raises(ConfigError) as caught:
        read(**section)
    assert str(caught.value).startswith(message)


def test_options_are_those_of_the_sections_reader():
    assert reader_options({"reader": "hits"}) == {}
    section = {"reader": "packets", "packets": {"labels": "a.csv"}}
    assert reader_options(section) == {"labels": "a.csv"}
    assert label_files(section) == ["a.csv"]
    assert label_files({"reader": "folder"}) == []


def test_files_of_schemas_are_found_in_either_layout_or_asked_for(tmp_path):
    section = {"reader": "packets", "packets": {"schemas": str(tmp_path / "schemas")}}
    with pytest.raises(
        ConfigError, match=r"packets\.schemas: expected .*, found no such folder\. Put <id>\.avsc"
    ):
        schema_files(section)
    version = tmp_path / "schemas" / "7" / "1"
    version.mkdir(parents=True)
    with pytest.raises(ConfigError, match=r"found no file \*\.avsc in it"):
        schema_files(section)
    files = [
        version / "lsst.v7_1.alert.avsc",
        version / "lsst.v7_1.diaSource.avsc",
        version.parents[1] / "9.avsc",
    ]
    for file in files:
        file.write_text("{}")
    assert schema_files(section) == files
    assert schema_files({"reader": "packets"}) == schema_files({"reader": "hits"}) == []


@pytest.mark.parametrize(
    ("survey", "mark"), [("DES", "nonzero_below"), ("ATLAS", "equals"), ("ZTF", "magnitude_above")]
)
def test_an_overlay_takes_a_mark_of_invalid_pixels_away(survey, mark):
    """Snakemake merges overlays key by key: an empty section would change nothing."""
    config = deepcopy(PUBLISHED)
    assert config["surveys"][survey]["invalid"].keys() == {mark}
    update_config(config, {"surveys": {survey: {"invalid": {mark: None}}}})
    read_experiment(config)
    marked = np.array([1e-30, -31415, -3.4028235e38, np.nan], "f4")
    assert InvalidPixels(**config["surveys"][survey]["invalid"]).mask(marked).tolist() == [*[False] * 3, True]
    config["surveys"][survey]["invalid"] = {}
    read_experiment(config)
