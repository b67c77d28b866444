import numpy as np
import pytest

from stampshift.core.errors import ArchiveError
from stampshift.stamps.autoscan import COLUMNS
from stampshift.surveys import READERS
from stampshift.surveys.catalogue import FEATURES


def write_des(folder, *rows, columns=COLUMNS):
    (folder / "stamps_0.tar").write_bytes(b"nothing of it is read")
    lines = ["# autoscan"] * 6 + [", ".join(("ID", "OBJECT_TYPE", *columns))]
    for identifier, values in rows:
        cells = dict.fromkeys(columns, "0.5") | {"BAND": "g"} | values
        lines.append(", ".join((str(identifier), "0", *(cells[name] for name in columns))))
    (folder / "autoscan_features.3.csv").write_text("\n".join(lines) + "\n")


def test_des_gives_38_numbers_of_each_candidate_by_identifier(tmp_path):
    rows = [(9 - code, {"BAND": band, "AMP": str(code / 4)}) for code, band in enumerate("griz")]
    write_des(tmp_path, *rows, (1, {"MAG_REF": "", "B_REF": "nan", "BAND": ""}))
    table = FEATURES["des"]([tmp_path])
    assert list(table) == ["id", *COLUMNS]
    assert table["id"].tolist() == ["9", "8", "7", "6", "1"]
    np.testing.assert_array_equal(table["BAND"], [0, 1, 2, 3, np.nan])
    np.testing.assert_array_equal(table["AMP"], [0, 0.25, 0.5, 0.75, 0.5])
    assert table.iloc[4][["MAG_REF", "B_REF"]].isna().all()
    assert table.drop(columns=["id"]).isna().to_numpy().sum() == 3
    assert (table.dtypes.drop("id") == np.float64).all()


def test_it_reads_what_the_simulator_writes(simulated):
    table = FEATURES["des"]([simulated("DES", 60)])
    assert set(table["BAND"]) <= {0, 1, 2, 3}
    gaps = table.drop(columns=["id"]).isna().any()
    reference = {"MAG_REF", "MAG_REF_ERR", "A_REF", "B_REF", "NN_DIST_RENORM", "MAGDIFF"}
    assert set(gaps[gaps].index) == reference


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"SNR": "bright"}, r"expected a CSV table with numbers in ID and the 38 columns of features"),
        ({"BAND": "Y"}, r"expected the bands g, r, i, z in BAND, found 'Y' for ID 7\. Use the archive's own"),
    ],
)
def test_a_table_of_another_kind_is_refused(tmp_path, values, message):
    write_des(tmp_path, (5, {}), (7, values))
    with pytest.raises(ArchiveError, match=rf"autoscan_features\.3\.csv: {message}"):
        FEATURES["des"]([tmp_path])


def test_a_table_without_a_column_names_it(tmp_path):
    write_des(tmp_path, (7, {}), columns=[name for name in COLUMNS if name != "GAUSS"])
    with pytest.raises(ArchiveError, match=r"'GAUSS'.*leave `forest` out of des_study\.forests\."):
        FEATURES["des"]([tmp_path])


def test_every_source_of_features_has_a_reader():
    assert set(FEATURES) <= set(READERS)
