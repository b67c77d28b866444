import errno

import pytest

from stampshift.errors import WriteError
from stampshift.files import atomic_path, explained


def test_a_file_appears_whole_or_not_at_all(tmp_path):
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
        (errno.EDQUOT, "your quota of the disk is used up"),
        (errno.EROFS, "its file system is read-only"),
    ],
)
def test_a_refusal_to_write_is_explained(tmp_path, number, reason):
    path = tmp_path / "table.csv"
    with pytest.raises(WriteError, match=rf"table\.csv: cannot be written, {reason}\."), atomic_path(path):
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
    message = r"table\.csv: cannot be written, its folder may not be written to"
    with pytest.raises(WriteError, match=message), explained(tmp_path / "table.csv"):
        raise PermissionError(errno.EACCES, "Permission denied")


def test_what_is_no_refusal_to_write_passes_through(tmp_path):
    with pytest.raises(PermissionError), explained(tmp_path / "table.csv"):
        raise PermissionError(errno.EACCES, "an input file may not be read")
    with pytest.raises(FileNotFoundError), explained(tmp_path / "table.csv"):
        raise FileNotFoundError(errno.ENOENT, "an input file is not there")
