"""Paths that are given and hold no alert are refused; damage is not, which is told where it is read."""

import tarfile

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from alert_packets import container, packets, write_night
from stampshift.alerts import check_given, read_alerts
from stampshift.core.errors import ArchiveError


def write_strange(folder):
    (folder / "README.md").write_text("# stampshift\n")
    (folder / "empty").mkdir()
    (folder / "nothing").touch()
    pd.DataFrame({"id": ["1"], "score": [0.5]}).to_parquet(folder / "scores.parquet")
    of_ztf = pa.schema(
        {"candid": pa.int64(), "candidate": pa.struct({"rcid": pa.int32(), "rb": pa.float32()})}
    )
    pq.write_table(of_ztf.empty_table(), folder / "quiet.parquet")
    with tarfile.open(folder / "docs.tar.gz", "w:gz") as tar:
        tar.add(folder / "README.md", "README.md")


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("README.md", r"README.md: expected packets, found a file that begins with b'# st'. Give files"),
        ("nothing", r"nothing: expected packets, found a file that begins with b''"),
        ("empty", "empty: contains no file of alerts"),
        ("absent", "absent: no such file or folder"),
        ("scores.parquet", "scores.parquet: expected the fields of ZTF, .*, found others"),
        ("quiet.parquet", "quiet.parquet: expected alerts, found a table without a row"),
        ("docs.tar.gz", r"docs.tar.gz: expected members \*.avro, found none"),
    ],
)
def test_a_path_without_any_alert_is_refused_beside_a_good_one(tmp_path, name, fault):
    write_strange(tmp_path)
    night = write_night(tmp_path / "night", "Rubin", 2)
    with pytest.raises(ArchiveError, match=fault):
        check_given([night, tmp_path / name])
    with pytest.raises(ArchiveError, match=fault):
        next(read_alerts(night, tmp_path / name))


def test_damage_is_left_to_the_reading_and_names_do_not_matter(tmp_path):
    content = container("ZTF", packets("ZTF", 2))
    (tmp_path / "night.dat").write_bytes(content)
    (tmp_path / "damaged.avro").write_bytes(b"junk" + content)
    (tmp_path / "damaged.parquet").write_bytes(b"PAR1junk")
    (tmp_path / "damaged.tar.gz").write_bytes(b"\x1f\x8bjunk")
    found = list(read_alerts(*sorted(tmp_path.iterdir())))
    assert [alert.problem for alert in found] == ["unreadable packet"] * 3 + ["", ""]
