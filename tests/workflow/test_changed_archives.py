"""Files that people put there: a change of them is seen (`core/test_provenance` has the ways to change)."""

import shutil

import pandas as pd

from alert_packets import container, images, packet, replaced, write_night
from any_survey import write_parquet
from tiny_project import Project

STAMPS = "results/stamps/Mine.h5"


def survey_at(project: Project, path: str, labels: str) -> dict:
    section = {
        "reader": "packets",
        "origin": "path",
        "path": path,
        "packets": {"labels": labels},
        "classes": {"real": "real", "bogus": "bogus"},
        "invalid": {},
    }
    write_night(project.folder / path / "2026" / "july", "ZTF", 4)
    lines = [f"{number},{('real', 'bogus')[number % 2]}\n" for number in range(1, 10)]
    (project.folder / labels).write_text("id,label\n" + "".join(lines))
    return {"surveys": {"Mine": section}, "pairs": ["Mine-to-HiTS"]}


def test_a_change_of_packets_or_labels_reruns_the_stamps(fresh):
    config = survey_at(fresh, "nights", "labels.csv")
    nights, labels = fresh.folder / "nights", fresh.folder / "labels.csv"
    one = nights / "2026" / "july" / "4.avro"
    elsewhere = write_night(fresh.folder / "disk", "ZTF", 1, first=7)
    (nights / "linked").symlink_to(elsewhere)
    changes = {
        "added to a linked night": lambda: shutil.copy(one, elsewhere / "9.avro"),
        "older labels": lambda: replaced(labels, 1e9),
    }
    fresh.run(STAMPS, config=config)
    assert fresh.jobs(STAMPS, config=config) == {}
    for name, change in changes.items():
        change()
        assert fresh.jobs(STAMPS, config=config) == {"stamps": 1}, name
        fresh.run("--touch", STAMPS, config=config)
    assert fresh.jobs(STAMPS, config=config) == {}


def test_braces_in_paths_are_no_wildcards(fresh):
    config = survey_at(fresh, "night{1}{survey}", "labels{survey}.csv")
    fresh.run(STAMPS, config=config)
    assert fresh.jobs(STAMPS, config=config) == {}
    (fresh.folder / "night{1}{survey}" / "5.avro").write_bytes(
        container("ZTF", [packet("ZTF", 5, images(5))])
    )
    assert fresh.jobs(STAMPS, config=config) == {"stamps": 1}


def test_a_file_outside_that_a_table_names_reruns_the_stamps(fresh):
    mine = fresh.folder / "mine"
    mine.mkdir()
    table = write_parquet(mine / "a.parquet", 4)
    (mine / "fits").rename(fresh.folder / "elsewhere")
    names = pd.read_parquet(mine / "a.parquet")
    for column in "td":
        names[column] = names[column].str.replace("fits/", "../elsewhere/")
    names.to_parquet(mine / "a.parquet")
    section = {
        "reader": "table",
        "origin": "path",
        "path": "mine/a.parquet",
        "table": table,
        "classes": {"SN": "real", "ghost": "bogus"},
        "invalid": {},
    }
    config = {"surveys": {"Mine": section}, "pairs": ["Mine-to-HiTS"]}
    fresh.run(STAMPS, config=config)
    assert fresh.jobs(STAMPS, config=config) == {}
    replaced(fresh.folder / "elsewhere" / "c1t.fits.gz", 1e9)
    assert fresh.jobs(STAMPS, config=config) == {"stamps": 1}
