import pickle

import numpy as np
import pytest

from stampshift.core.errors import ArchiveError
from stampshift.stamps.raw_triplets import Unusable
from stampshift.surveys import des

FOLDER = "SNWG/Archive/2013/Y1/20130901/00231234"
TABLE = "autoscan_features.3.csv"
KINDS = ("temp", "srch", "diff")


def image(identifier, kind):
    """Distinct for each stamp: ten times the identifier, plus the channel."""
    return np.full((51, 51), 10 * identifier + KINDS.index(kind), "f4")


def stamp(formats, identifier, kind):
    return formats.fits(image(identifier, kind))


def members(formats, identifiers, prefix=FOLDER + "/", kinds=KINDS):
    """Stamps ordered by kind, so that those of one candidate are not neighbours; with their GIFs."""
    return {
        f"{prefix}{kind}{identifier}.{suffix}": stamp(formats, identifier, kind)
        if suffix == "fits"
        else b"GIF89a"
        for kind in kinds
        for identifier in identifiers
        for suffix in ("gif", "fits")
    }


def write_table(folder, types, name=TABLE, header="ID, OBJECT_TYPE, AMP"):
    rows = [f"{identifier}, {kind}, 0.5" for identifier, kind in types.items()]
    (folder / name).write_text("\n".join(["# autoscan"] * 6 + [header, *rows]) + "\n")


def read(path):
    return [triplet for unit in des.units([path]) for triplet in des.decode(unit)]


@pytest.fixture
def archive(tmp_path, formats):
    formats.tar(tmp_path / "stamps_2.tar", members(formats, [12, 3], prefix=f"home2/{FOLDER}/"))
    formats.tar(tmp_path / "stamps_10.tar", members(formats, [7], prefix="00231234/"))
    write_table(tmp_path, {3: 0, 7: 1, 12: 1, 99: 0})
    return tmp_path


def test_triplets_are_joined_and_labelled_in_reading_order(archive):
    triplets = read(archive)
    assert [(triplet.identifier, triplet.survey_class) for triplet in triplets] == [
        ("12", "artifact"),
        ("3", "real"),
        ("7", "artifact"),
    ]
    for triplet in triplets:
        for kind, got in zip(KINDS, triplet.images, strict=True):
            np.testing.assert_array_equal(got, image(int(triplet.identifier), kind), strict=True)


def test_files_may_be_named_one_by_one(archive):
    paths = [archive / "stamps_10.tar", archive / TABLE]
    assert [triplet.identifier for unit in des.units(paths) for triplet in des.decode(unit)] == ["7"]


def test_stamps_of_a_candidate_may_lie_in_two_tars(tmp_path, formats):
    formats.tar(tmp_path / "stamps_0.tar", members(formats, [5], kinds=("diff",)))
    formats.tar(tmp_path / "stamps_1.tar", members(formats, [5], kinds=("temp", "srch")))
    write_table(tmp_path, {5: 0})
    (triplet,) = read(tmp_path)
    assert [got[0, 0] for got in triplet.images] == [50, 51, 52]


def test_units_are_bounded(tmp_path, formats, monkeypatch):
    monkeypatch.setattr(des, "UNIT_TRIPLETS", 2)
    formats.tar(tmp_path / "stamps_0.tar", members(formats, range(1, 6)))
    write_table(tmp_path, dict.fromkeys(range(1, 6), 0))
    assert [len(unit) for unit in des.units([tmp_path])] == [2, 2, 1]


def test_units_hold_places_and_no_pixels(archive):
    """Millions of stamps pass through the process that hands out the work: 10,404 bytes of pixels each."""
    (unit,) = des.units([archive])
    assert len(pickle.dumps(unit)) < 10_404
    (candidate,) = [candidate for candidate in unit if candidate.identifier == 7]
    whole = (archive / "stamps_10.tar").read_bytes()
    for _, offset, size in candidate.stamps:
        assert whole[offset:].startswith(b"SIMPLE")
        assert size % 2880 == 0


def test_relabelled_table_is_read_by_its_new_label(tmp_path, formats):
    formats.tar(tmp_path / "stamps_0.tar", members(formats, [5]))
    (tmp_path / "relabeled_autoscan_features.csv").write_text(
        "ID,AMP,old_OBJECT_TYPE,check_relabel,OBJECT_TYPE\n5,0.5,1,1,0\n"
    )
    assert read(tmp_path)[0].survey_class == "real"


def test_missing_stamp_makes_one_candidate_unusable(tmp_path, formats):
    content = members(formats, [4, 5])
    del content[f"{FOLDER}/srch5.fits"]
    formats.tar(tmp_path / "stamps_0.tar", content)
    write_table(tmp_path, {4: 0, 5: 0})
    whole, broken = read(tmp_path)
    assert (whole.identifier, whole.survey_class) == ("4", "real")
    assert broken == Unusable(
        "missing image",
        "5",
        f"DES archive {tmp_path / 'stamps_0.tar'}: expected temp, srch and diff of candidate 5 once each, "
        "found temp5.fits in stamps_0.tar, diff5.fits in stamps_0.tar.",
    )


def test_stamp_that_is_there_twice_makes_one_candidate_unusable(tmp_path, formats):
    formats.tar(tmp_path / "stamps_0.tar", members(formats, [5, 6]))
    formats.tar(tmp_path / "stamps_1.tar", members(formats, [5], kinds=("diff",)))
    write_table(tmp_path, {5: 0, 6: 0})
    whole, broken = read(tmp_path)
    assert (whole.identifier, broken.identifier) == ("6", "5")
    assert "diff5.fits in stamps_0.tar, diff5.fits in stamps_1.tar" in broken.detail


@pytest.mark.parametrize(
    ("rows", "reason", "found"),
    [
        ({3: 0, 12: 1}, "missing label", "0 times"),
        ({3: 0, 7: "", 12: 1}, "missing label", "none"),
        ({3: 0, 7: 1, "7 ": 1, 12: 1}, "missing label", "2 times"),
        ({3: 0, 7: 2, 12: 1}, "unknown label", "2"),
    ],
)
def test_candidate_without_one_label_is_unusable(archive, rows, reason, found):
    write_table(archive, rows)
    *whole, unusable = read(archive)
    assert [(each.identifier, each.survey_class) for each in whole] == [("12", "artifact"), ("3", "real")]
    expected = f"expected one OBJECT_TYPE of candidate 7, 0 (real) or 1 (artifact), found {found}."
    assert unusable == Unusable(reason, "7", f"DES archive {archive / TABLE}: {expected}")


@pytest.mark.parametrize(
    ("types", "header", "message"),
    [
        ({3: 0, 7: 1, 12: 0}, "ID, KIND, AMP", "expected a CSV table with numbers in ID and OBJECT_TYPE"),
        (
            {3: 0, 7: 1, "x": 0},
            "ID, OBJECT_TYPE, AMP",
            "expected a CSV table with numbers in ID and OBJECT_TYPE",
        ),
    ],
)
def test_table_of_wrong_content_is_refused(archive, types, header, message):
    write_table(archive, types, header=header)
    with pytest.raises(ArchiveError, match=message) as caught:
        read(archive)
    assert str(caught.value).startswith(f"DES archive {archive / TABLE}: ")


def test_corrupt_fits_makes_one_candidate_unusable_and_names_tar_and_member(tmp_path, formats):
    content = members(formats, [5, 6]) | {f"{FOLDER}/srch5.fits": b"\0" * 5760}
    path = formats.tar(tmp_path / "stamps_0.tar", content)
    write_table(tmp_path, {5: 0, 6: 0})
    broken, whole = read(tmp_path)
    assert (broken.reason, broken.identifier, whole.identifier) == ("unreadable image", "5", "6")
    assert broken.detail.startswith(
        f"DES archive {path}, member srch5.fits: expected a complete FITS image, found 5760 bytes"
    )


def test_tar_cut_short_is_refused_before_anything_is_read(archive):
    path = archive / "stamps_2.tar"
    path.write_bytes(path.read_bytes()[:-20_000])
    with pytest.raises(ArchiveError, match=r"stamps_2\.tar, at or after member .*: expected a complete tar"):
        next(des.units([archive]))


@pytest.mark.parametrize("missing", [TABLE, "stamps"])
def test_missing_files_say_what_to_put_where(archive, missing):
    for path in archive.glob(f"{missing}*"):
        path.unlink()
    with pytest.raises(ArchiveError) as caught:
        read(archive)
    found = "0 and 2" if missing == TABLE else "1 and 0"
    assert str(caught.value) == (
        "DES archive: expected one table (autoscan_features.3.csv) and at least one stamps_<n>.tar in "
        f"{archive}, found {found}. Put stamps_0.tar ... stamps_10.tar and autoscan_features.3.csv there, or "
        "give their path in the config."
    )


def test_tar_without_stamps_is_refused(tmp_path, formats):
    formats.tar(tmp_path / "stamps_0.tar", {"diff5.gif": b"GIF89a"})
    write_table(tmp_path, {5: 0})
    with pytest.raises(ArchiveError, match=r"expected members diff<ID>\.fits, .* found none"):
        read(tmp_path)


def test_what_the_table_says_beside_the_features_comes_with_the_triplets(archive):
    """Magnitude, S/N, band and CCD where the table has them; a cell that is none costs no triplet."""
    assert {triplet.metadata.band for triplet in read(archive)} == {""}
    header = "ID, OBJECT_TYPE, MAG, SNR, BAND, CCDID"
    lines = ["3, 0, 21.5, 12.25, r, 31", "7, 1, dim, , i, 4", "12, 1, 22.5, 5.5, g, 60", "99, 0, 1, 1, z, 1"]
    (archive / TABLE).write_text("\n".join(["# autoscan"] * 6 + [header, *lines]) + "\n")
    found = {triplet.identifier: triplet.metadata for triplet in read(archive)}
    assert found["3"][2:6] == (21.5, 12.25, "r", "31")
    assert found["12"][2:6] == (22.5, 5.5, "g", "60")
    assert np.isnan(found["7"][:4]).all()
    assert found["7"][4:6] == ("i", "4")
    assert np.isnan(found["3"].ra)
