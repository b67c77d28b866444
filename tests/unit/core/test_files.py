import ast
import errno

import pandas as pd
import pytest

from stampshift.core.columns import FINITE_OR_GAPS
from stampshift.core.errors import ContractError, WriteError
from stampshift.core.files import (
    atomic_path,
    atomic_paths,
    explained,
    read_json,
    read_table,
    write_json,
    write_parquet,
)
from stampshift.core.folders import atomic_folder
from stampshift.core.provenance import PACKAGE_ROOT


def test_a_file_appears_only_when_complete(tmp_path):
    path = tmp_path / "new/table.csv"
    with pytest.raises(ValueError, match="half way"), atomic_path(path) as temporary:
        temporary.write_text("half")
        raise ValueError("half way")
    assert list(path.parent.iterdir()) == []
    with atomic_path(path) as temporary:
        temporary.write_text("whole")
        assert not path.exists()
    assert [found.read_text() for found in path.parent.iterdir()] == ["whole"]


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EDQUOT, "your disk quota is used up"),
        (errno.EROFS, "its file system is read-only"),
    ],
)
def test_a_refusal_to_write_is_explained(tmp_path, number, reason):
    path = tmp_path / "table.csv"
    with pytest.raises(WriteError, match=rf"table\.csv: cannot be written: {reason}\."), atomic_path(path):
        raise OSError(number, "what the system says")
    assert list(tmp_path.iterdir()) == []


def test_a_refusal_is_found_behind_the_error_of_closing_the_file(tmp_path):
    with pytest.raises(WriteError, match="the disk is full"), explained(tmp_path / "stamps.h5"):
        try:
            raise OSError(errno.ENOSPC, "what the system says")
        finally:
            raise RuntimeError("Can't decrement id ref count")


def test_a_folder_that_may_not_be_written_to_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("os.access", lambda path, mode: False)  # the superuser may write anywhere
    message = r"table\.csv: cannot be written: you have no permission to write to its folder"
    with pytest.raises(WriteError, match=message), explained(tmp_path / "table.csv"):
        raise PermissionError(errno.EACCES, "Permission denied")


def test_other_errors_than_a_refusal_to_write_pass_through(tmp_path):
    with pytest.raises(PermissionError), explained(tmp_path / "table.csv"):
        raise PermissionError(errno.EACCES, "an input file may not be read")
    with pytest.raises(FileNotFoundError), explained(tmp_path / "table.csv"):
        raise FileNotFoundError(errno.ENOENT, "an input file is not there")


@pytest.mark.parametrize("damage", ["cut short", "emptied", "gone"])
def test_damaged_json_is_named_with_what_to_do(tmp_path, damage):
    path = tmp_path / "metrics.json"
    write_json(path, {"seed": 3})
    assert read_json(path) == {"seed": 3}
    do_damage(path, damage)
    found = "no such file" if damage == "gone" else r"not readable as JSON \(.+\)\. Delete it"
    with pytest.raises(ContractError, match=rf"metrics\.json: {found}"):
        read_json(path)


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("runs.parquet", "cut short"),
        ("runs.parquet", "emptied"),
        ("runs.parquet", "gone"),
        ("runs.csv", "emptied"),
        ("runs.csv", "gone"),
    ],
)
def test_a_damaged_table_is_named_with_what_to_do(tmp_path, name, damage):
    path = tmp_path / name
    table = pd.DataFrame({"survey": ["HiTS", 'D"ES'], "score": [0.25, 1.0]})
    write_parquet(path, table) if path.suffix == ".parquet" else table.to_csv(path, index=False)
    pd.testing.assert_frame_equal(read_table(path), table)
    do_damage(path, damage)
    found = r"no such file" if damage == "gone" else r"not a readable table \(.+\)"
    with pytest.raises(ContractError, match=rf"{name}: {found}\. Adapt again\."):
        read_table(path, remedy="Adapt again.")


def do_damage(path, damage):
    content = path.read_bytes()
    path.unlink()
    if damage != "gone":
        path.write_bytes(content[:-4] if damage == "cut short" else b"")


def test_a_column_of_gaps_alone_is_one_of_numbers(tmp_path):
    pd.DataFrame({"score": [None, None]}, dtype=object).to_parquet(tmp_path / "scores.parquet")
    table = read_table(tmp_path / "scores.parquet", kinds={"score": FINITE_OR_GAPS})
    assert table["score"].dtype == float and table["score"].isna().all()


def test_a_table_without_a_column_is_named(tmp_path):
    write_parquet(tmp_path / "scores.parquet", pd.DataFrame({"id": [1]}))
    with pytest.raises(ContractError, match=r"scores\.parquet: not a readable table \(.*score"):
        read_table(tmp_path / "scores.parquet", columns=["score"])


def test_a_folder_appears_only_when_complete(tmp_path):
    path = tmp_path / "new/release"
    with pytest.raises(ValueError, match="half way"), atomic_folder(path) as temporary:
        (temporary / "half").write_text("half")
        raise ValueError("half way")
    assert list(path.parent.iterdir()) == []
    with atomic_folder(path) as temporary:
        (temporary / "whole").write_text("whole")
        assert not path.exists()
    assert [found.name for found in path.parent.rglob("*")] == ["release", "whole"]
    with pytest.raises(OSError, match="not empty"), atomic_folder(path) as temporary:
        (temporary / "other").write_text("other")
    assert [found.name for found in path.parent.rglob("*")] == ["release", "whole"]


def test_a_changed_page_of_a_table_is_refused(tmp_path):
    table = pd.DataFrame({"score": range(1000)})
    write_parquet(tmp_path / "table.parquet", table)
    assert read_table(tmp_path / "table.parquet").equals(table)
    content = bytearray((tmp_path / "table.parquet").read_bytes())
    content[300] ^= 1
    (tmp_path / "table.parquet").write_bytes(content)
    with pytest.raises(ContractError, match=r"table\.parquet: not a readable table \(.*CRC"):
        read_table(tmp_path / "table.parquet")


def test_files_that_belong_together_are_never_a_mixture(tmp_path, monkeypatch):
    paths = tmp_path / "page.html", tmp_path / "page.json"

    def write(text, *, fail=False):
        with atomic_paths(*paths) as temporaries:
            for path in temporaries:
                path.write_text(text)
            if fail:
                raise ValueError

    write("old")
    with pytest.raises(ValueError):
        write("new", fail=True)
    assert [path.read_text() for path in paths] == ["old", "old"]
    renamed = []

    def killed_at_the_second(path, final, *, replace):
        if renamed:
            raise KeyboardInterrupt
        renamed.append(final)
        path.replace(final)

    with monkeypatch.context() as patched:
        patched.setattr("stampshift.core.files.rename_durably", killed_at_the_second)
        with pytest.raises(KeyboardInterrupt):
            write("new")
    assert {path.read_text() for path in tmp_path.iterdir()} == {"new"}
    write("newer")
    assert [path.read_text() for path in paths] == ["newer", "newer"]


def test_whatever_reads_or_writes_parquet_minds_the_checksums_of_pages():
    """Of Parquet the system gives back wrong bytes in silence otherwise."""
    wanted = {
        "pq.read_table": "page_checksum_verification",
        "pq.ParquetFile": "page_checksum_verification",
        "pd.read_parquet": "page_checksum_verification",
        "pq.write_table": "write_page_checksum",
        "table.to_parquet": "write_page_checksum",
        "pq.ParquetWriter": "write_page_checksum",
    }
    found = set()
    for source in PACKAGE_ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(source.read_text())):
            if not isinstance(node, ast.Call):
                continue
            for name in {ast.unparse(each) for each in (node.func, *node.args)} & set(wanted):
                options = {each.arg for each in node.keywords}
                assert wanted[name] in options, f"{source}: {ast.unparse(node)}"
                found.add(name)
    assert found == set(wanted)
