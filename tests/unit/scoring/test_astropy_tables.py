"""Scores for astronomers' tools: FITS and VOTable with units, the same values as Parquet."""

import numpy as np
import pandas as pd
import pytest
from astropy import units
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import QTable, Table

from alert_packets import write_night
from stampshift.core.errors import ContractError
from stampshift.scoring.astropy_tables import MEANINGS
from stampshift.scoring.scores_file import SCHEMA, read_scores


@pytest.fixture
def night(real_data, tmp_path):
    """Real packets of three surveys, one that is damaged, and a name that is not ASCII."""
    folder = tmp_path / "nächt"
    for kind, pattern in (("ztf_alerts", "2019_01_10*.avro"), ("atlas_alerts", "*.avro")):
        for path in sorted((real_data / kind).rglob(pattern))[:3]:
            (folder / kind).mkdir(parents=True, exist_ok=True)
            (folder / kind / path.name).write_bytes(path.read_bytes())
    (folder / "z.avro").write_bytes(b"no packet")
    return folder


@pytest.mark.parametrize("suffix", [".fits", ".vot"])
def test_a_table_of_astropy_says_what_the_parquet_file_says(run, night, tmp_path, suffix):
    parquet = pd.read_parquet(run(night, output=tmp_path / "a.parquet", threshold=0.5)[1])
    path = run(night, output=tmp_path / f"a{suffix}", threshold=0.5)[1]
    table = Table.read(path)
    assert table.colnames == SCHEMA.names == list(MEANINGS)
    assert (table["ra"].unit, table["mjd"].unit, table["magnitude"].unit) == (units.deg, units.d, units.mag)
    assert table["score"].description == MEANINGS["score"][2]
    again = read_scores(path)
    for name in ("ra", "dec", "mjd", "magnitude", "sign", "score", "distance"):
        np.testing.assert_array_equal(again[name].to_numpy(float), parquet[name].to_numpy(float))
    for name in ("id", "object", "survey", "band", "flag"):
        assert again[name].tolist() == parquet[name].tolist()
    assert again["place"][0] == parquet["place"][0].replace("ä", r"\xe4")
    assert np.array_equal(again["real"].notna(), parquet["real"].notna())


def test_the_positions_of_a_votable_are_found_by_their_ucd(run, night, tmp_path):
    from astropy.io.votable import parse_single_table

    fields = parse_single_table(run(night, output=tmp_path / "a.vot")[1]).fields
    assert {each.name: each.ucd for each in fields}["ra"] == "pos.eq.ra;meta.main"


def test_the_same_night_gives_the_same_bytes_for_any_number_of_processes(run, night, tmp_path):
    for suffix in (".fits", ".vot"):
        one = run(night, output=tmp_path / f"one{suffix}")[1].read_bytes()
        assert one == run(night, output=tmp_path / f"two{suffix}", processes=2)[1].read_bytes()


def test_a_file_of_fits_is_standard(run, night, tmp_path):
    with fits.open(run(night, output=tmp_path / "a.fits")[1]) as file:
        file.verify("exception")
        assert file[1].header["TUNIT4"] == "deg"


def test_a_cone_and_a_threshold_are_a_line_each(run, night, tmp_path):
    """As docs/commands/score.md shows."""
    scores = QTable.read(run(night, output=tmp_path / "tonight.fits")[1])
    centre = SkyCoord(75.2007803 * units.deg, 35.3613954 * units.deg)
    near = scores[SkyCoord(scores["ra"], scores["dec"]).separation(centre) < 1 * units.arcmin]
    assert len(near) >= 1
    assert np.abs(near["ra"].value - 75.2).max() < 0.1
    good = scores[scores["score"] > 0.5]
    assert len(good) <= len(scores)


def test_a_night_without_a_score_is_written(run, tmp_path):
    (tmp_path / "night").mkdir()
    (tmp_path / "night" / "a.avro").write_bytes(b"no packet")
    for suffix in (".fits", ".vot"):
        scores = read_scores(run(tmp_path / "night", output=tmp_path / f"a{suffix}")[1])
        assert scores["score"].isna().all() and scores["flag"].tolist() == ["unreadable packet"]


def test_a_scores_file_of_an_older_version_is_read(tmp_path):
    old = pd.DataFrame(
        {"id": ["a"], "survey": ["ZTF"], "score": [0.5], "similarity": [0.9], "flags": ["off centre"]}
    )
    old.to_parquet(tmp_path / "old.parquet")
    old.to_csv(tmp_path / "old.csv", index=False)
    for path in (tmp_path / "old.parquet", tmp_path / "old.csv"):
        assert read_scores(path)["flag"].tolist() == ["off centre"]


def test_what_a_packet_says_of_the_sky_is_in_the_scores_file(run, night, tmp_path):
    for suffix in (".parquet", ".csv"):
        table = read_scores(run(night, output=tmp_path / f"a{suffix}")[1]).set_index("place")
        (row,) = [table.loc[place] for place in table.index if "02a59543o0040o_006230" in place]
        assert (row["ra"], row["dec"], row["band"], row["sign"]) == (302.10505, 12.26348, "o", 1)
        assert (row["mjd"], row["magnitude"]) == (59543.194825, pytest.approx(18.3, abs=1e-4))
        lost = table.loc[next(place for place in table.index if place.endswith("z.avro"))]
        assert lost[["ra", "dec", "mjd", "magnitude", "sign"]].isna().all()


def test_a_packet_without_positions_has_none(run, tmp_path):
    write_night(tmp_path / "night", "Rubin", 2)
    table = pd.read_parquet(run(tmp_path / "night")[1])
    assert table[["ra", "dec", "mjd", "magnitude", "sign"]].isna().all().all()
    assert table["band"].tolist() == ["", ""]


@pytest.mark.parametrize("suffix", [".fits", ".vot"])
def test_a_damaged_table_is_refused_in_a_sentence(tmp_path, suffix):
    path = tmp_path / f"night{suffix}"
    path.write_bytes(b"<VOTABLE><RESOURCE>" if suffix == ".vot" else b"no table")
    with pytest.raises(ContractError, match=r"not a readable scores file \("):
        read_scores(path)
