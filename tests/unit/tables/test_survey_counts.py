from pathlib import Path

import pandas as pd
import pytest
import yaml

from stampshift.core.files import read_table
from stampshift.stamps.preprocessing import Counts
from stampshift.tables.survey_counts import STAGES, data_table, mismatches
from stampshift.tables.writing import write_table

ROOT = Path(__file__).parents[3]
PUBLISHED = pd.read_csv(ROOT / "resources/published/published_counts.csv")


def attributes(origin="path", *, dropped=None, empty=0, **classes):
    """Of the stamps file of a survey that keeps all triplets but those dropped, each of the first class."""
    counts = Counts()
    counts.classes_read.update(classes)
    counts.dropped.update(dropped or {})
    counts.classes.update(classes)
    counts.classes[next(iter(classes))] -= counts.dropped.total()
    counts.read, counts.kept = counts.classes_read.total(), counts.classes.total()
    counts.filled_stamps["template"], counts.empty["template"] = 5, empty
    return {"origin": {origin: {}}, "counts": vars(counts)}


@pytest.fixture
def table():
    surveys = {
        "DES": attributes("url", real=454092, artifact=300000),
        "HiTS": attributes("simulate", real=10, bogus=11),
        "Mine": attributes(dropped={"non_square": 1}, SN=3, ghost=4),
    }
    return data_table(surveys, published=PUBLISHED)


def lines(table, survey):
    cells = table.cells[table.cells["survey"] == survey]
    return cells.drop(columns="survey").to_numpy().tolist()


def test_counts_stand_beside_the_published_ones(table):
    assert lines(table, "DES")[:3] == [
        ["read", "all", "754,092", "–", ""],
        ["read", "real", "454,092", "454,092", ""],
        ["read", "artifact", "300,000", "444,871", "differs"],
    ]
    assert lines(table, "Mine") == [
        ["read", "all", "7", "–", ""],
        ["read", "SN", "3", "–", ""],
        ["read", "ghost", "4", "–", ""],
        ["dropped", "all", "1", "–", ""],
        ["dropped", "non square", "1", "–", ""],
        ["dropped", "ragged", "0", "–", ""],
        ["dropped", "too small", "0", "–", ""],
        ["kept", "all", "6", "–", ""],
        ["kept", "SN", "2", "–", ""],
        ["kept", "ghost", "4", "–", ""],
        *(
            [STAGES[stage], channel, "5" if (stage, channel) == ("filled", "template") else "0", "–", ""]
            for stage in ("filled", "empty", "constant")
            for channel in ("template", "science", "difference")
        ),
    ]


def test_simulated_surveys_have_no_published_counts_and_no_warning(table):
    assert {line[3] for line in lines(table, "HiTS")} == {"simulated surveys"}
    assert {line[4] for line in lines(table, "HiTS")} == {""}
    assert [sentence.split()[0] for sentence in mismatches(table.numbers)] == ["DES"]


def test_a_survey_that_differs_is_warned_of_in_one_sentence(table, tmp_path):
    (sentence,) = mismatches(table.numbers)
    assert sentence == (
        "DES is not the published data set: read, artifact 300,000 (published 444,871); Goldstein et al. "
        "(2015). Complete its archive, or do not compare its results with the published ones."
    )
    write_table(table, [tmp_path / f"data.{suffix}" for suffix in ("csv", "md", "tex")], simulated=False)
    assert mismatches(read_table(tmp_path / "data.csv")) == [sentence]


def test_a_published_class_of_which_nothing_came_is_named():
    table = data_table({"DES": attributes(real=454092)}, published=PUBLISHED)
    assert ["read", "artifact", "0", "444,871", "differs"] in lines(table, "DES")


def test_the_published_data_sets_differ_in_nothing():
    classes = {"AGN": 9996, "SN": 1079, "VS": 9938, "asteroid": 9899, "bogus": 5350}
    ztf = attributes(**classes, empty=72)
    kept = {"AGN": 9844, "SN": 1067, "VS": 9766, "asteroid": 9797, "bogus": 5321}
    ztf["counts"] |= {"kept": sum(kept.values()), "classes": kept, "dropped": {"non_square": 467}}
    atlas = attributes(**dict.fromkeys(["burn", "cr", "kast", "noise", "scar", "spike"], 500), streak=678)
    surveys = {
        "HiTS": attributes(real=718842, bogus=718842),
        "DES": attributes(real=454092, artifact=444871),
        "ATLAS": atlas,
        "ZTF": ztf,
    }
    assert mismatches(data_table(surveys, published=PUBLISHED).numbers) == []
    ztf["counts"]["empty"]["template"] = 71
    assert (
        "an empty channel, template 71 (published 72)"
        in mismatches(data_table(surveys, published=PUBLISHED).numbers)[0]
    )


def test_every_published_count_is_of_a_survey_and_a_class_of_the_configuration():
    surveys = yaml.safe_load((ROOT / "config.yaml").read_text())["surveys"]
    assert set(PUBLISHED["survey"]) == set(surveys)
    for row in PUBLISHED.itertuples():
        assert row.stage in STAGES
        assert row.what in {"all", "template", *surveys[row.survey]["classes"]}
        assert row.source
