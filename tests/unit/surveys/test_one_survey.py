import h5py
import numpy as np
import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

from any_survey import CLASSES, write_hdf5, write_packets, write_parquet
from stampshift.cli import app
from stampshift.core.errors import ArchiveError, ConfigError
from stampshift.stamps.file import Stamps
from stampshift.stamps.shown import open_shown
from stampshift.surveys.one_survey import make_survey, survey_settings


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A folder with packets, of which some are labelled, and their config section alone."""
    monkeypatch.chdir(tmp_path)
    labels = tmp_path / write_packets(tmp_path / "raw", 8)["labels"]
    labels.write_text("id,label\n2,ghost\n5,SN\n")
    section = {
        "reader": "packets",
        "origin": "path",
        "path": "raw",
        "packets": {"labels": "raw-labels.csv"},
        "classes": CLASSES,
        "invalid": {},
    }
    (tmp_path / "my.yaml").write_text(yaml.safe_dump({"surveys": {"Mine": section}}))
    return tmp_path


def settings(folder, **changes):
    return survey_settings(folder / "my.yaml", survey="Mine", defaults=folder / "config.yaml")


def run(*arguments):
    return CliRunner().invoke(app, ["stamps", "--config", "my.yaml", "--survey", "Mine", *arguments])


def test_the_stamps_file_keeps_the_unlabelled(mine):
    done = run("--output", "mine.h5", "--processes", "2")
    assert done.exit_code == 0, done.output
    assert "labels      real 1, bogus 1, unlabelled 6" in done.output
    stamps = Stamps.open("mine.h5", unlabelled=True)
    assert stamps.labels.tolist() == [255, 0, 255, 255, 1, 255, 255, 255]
    assert stamps.stamps.shape == (8, 3, 21, 21)
    assert stamps.attributes["options"] == {"labels": "raw-labels.csv"}


def test_or_drops_them(mine):
    assert run("--output", "mine.h5", "--drop-unlabelled").exit_code == 0
    assert Stamps.open("mine.h5").labels.tolist() == [0, 1]


def test_a_wider_crop_is_kept_for_the_review_page(mine):
    assert run("--output", "plain.h5").exit_code == 0
    assert "for people  cutouts of 31 x 31 pixels" in run("--output", "wide.h5", "--context", "31").output
    plain, wide = (Stamps.open(name, unlabelled=True) for name in ("plain.h5", "wide.h5"))
    np.testing.assert_array_equal(plain.stamps, wide.stamps)
    assert plain.attributes["digest"] == wide.attributes["digest"]
    context = open_shown("wide.h5", wide.attributes, count=8).context
    assert context.shape == (8, 3, 31, 31)
    assert open_shown("plain.h5", plain.attributes, count=8).context is None


def test_size_and_normalisation_are_those_of_the_file_or_of_the_projects_config(mine):
    assert settings(mine)[1] == {"size_pixels": 21, "normalisation": "channel"}
    (mine / "config.yaml").write_text("stamps: {size_pixels: 25, normalisation: difference_mad}")
    assert settings(mine)[1] == {"size_pixels": 25, "normalisation": "difference_mad"}
    with (mine / "my.yaml").open("a") as file:
        file.write("stamps: {size_pixels: 31}\n")
    assert settings(mine)[1] == {"size_pixels": 31, "normalisation": "difference_mad"}


def test_an_overlay_takes_the_rest_of_the_survey_from_the_projects_config(mine):
    section = yaml.safe_load((mine / "my.yaml").read_text())
    (mine / "config.yaml").write_text(yaml.safe_dump(section))
    (mine / "my.yaml").write_text("surveys: {Mine: {path: elsewhere}}")
    assert settings(mine)[0] == section["surveys"]["Mine"] | {"path": "elsewhere"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("surveys: {Other: {}}", "my.yaml: expected a section surveys.Mine, found Other."),
        ("just text", "my.yaml: expected sections of YAML, found str."),
        ("a: [", "my.yaml: not a readable YAML file"),
        ("surveys: {Mine: {reader: packets}}", "config: surveys.Mine needs the key 'origin'. Meaning: Where"),
    ],
)
def test_a_file_that_says_too_little(mine, content, message):
    (mine / "my.yaml").write_text(content)
    with pytest.raises(ConfigError, match=message):
        settings(mine)


def test_an_archive_that_does_not_exist(mine):
    section, stamps = settings(mine)
    for change, error, message in (
        ({"path": "nowhere"}, ArchiveError, "Mine: there is nothing at nowhere, where surveys.Mine.path"),
        ({"origin": "url", "url": ["https://a.b/c"]}, ConfigError, "surveys.Mine.origin is 'url', but"),
    ):
        with pytest.raises(error, match=message):
            make_survey(
                "Mine",
                section | change,
                stamps,
                output=mine / "x.h5",
                processes=1,
                unit_minutes=10,
                unlabelled="keep",
                context_pixels=0,
            )


def test_a_table_needs_no_python(mine):
    options = write_hdf5(mine / "part.h5", 6)
    section = {
        "reader": "table", "origin": "path", "path": "part.h5", "table": options,
        "classes": CLASSES, "invalid": {},
    }  # fmt: skip
    (mine / "my.yaml").write_text(yaml.safe_dump({"surveys": {"Mine": section}}))
    assert run("--output", "mine.h5").exit_code == 0
    assert Stamps.open("mine.h5").labels.tolist() == [1, 0] * 3


@pytest.mark.parametrize("write", [write_hdf5, write_parquet])
def test_a_table_may_say_where_its_candidates_are(mine, write):
    path = mine / ("part.parquet" if write is write_parquet else "part.h5")
    options = write(path, 6)
    columns = {"alpha": np.arange(6) + 0.5, "delta": np.full(6, -91.0), "filt": list("gri") * 2}
    if write is write_parquet:
        pd.read_parquet(path).assign(**columns).to_parquet(path)
    else:
        with h5py.File(path, "r+") as file:
            for name, values in columns.items():
                file[name] = values
    options |= {"metadata": {"ra": "alpha", "dec": "delta", "band": "filt"}}
    section = {
        "reader": "table", "origin": "path", "path": path.name, "table": options,
        "classes": CLASSES, "invalid": {},
    }  # fmt: skip
    (mine / "my.yaml").write_text(yaml.safe_dump({"surveys": {"Mine": section}}))
    done = run("--output", "mine.h5")
    assert done.exit_code == 0, done.output
    found = open_shown("mine.h5", Stamps.open("mine.h5").attributes, count=6).metadata
    assert found["ra"].tolist() == [0.5, 1.5, 2.5, 3.5, 4.5, 5.5]
    assert np.isnan(found["dec"]).all()  # beyond the pole
    assert found["band"].tolist() == [b"g", b"r", b"i"] * 2


def test_a_long_making_tells_how_far_it_is_without_a_terminal(mine, told):
    section, stamps = settings(mine)
    options = {"processes": 1, "unit_minutes": 1, "unlabelled": "keep", "context_pixels": 0}
    make_survey("Mine", section, stamps, output=mine / "mine.h5", **options)
    assert told() == ["Mine: 8 stamps in 0:01:00"]
