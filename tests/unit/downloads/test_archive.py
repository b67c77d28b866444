import shutil

import pytest

from stampshift.core.errors import ArchiveError
from stampshift.downloads.archive import download
from stampshift.downloads.checksums import read_records, record_of


@pytest.fixture
def get(server, tmp_path, retries):
    def run(*, sha256=None, others=()):
        output = tmp_path / "raw" / "DES" / "stamps_0.tar"
        download(
            server.address,
            output,
            survey="DES",
            others=[server.address, *others],
            sha256=sha256,
            lock=tmp_path / "downloads.lock",
            retries=retries,
        )
        return output

    return run


def names(output):
    return sorted(path.name for path in output.parent.iterdir())


def test_a_download_is_complete_checked_and_alone(get, server, tmp_path):
    output = get()
    assert output.read_bytes() == server.content
    assert names(output) == ["stamps_0.tar"]
    assert read_records(tmp_path / "downloads.lock") == {"DES/stamps_0.tar": record_of(output)}


def test_another_file_under_the_old_address_is_kept_but_not_taken(get, server):
    output = get()
    output.unlink()
    server.content = b"another file"
    with pytest.raises(ArchiveError, match=r"as first downloaded.*kept as .*stamps_0\.tar\.refused"):
        get()
    assert names(output) == ["stamps_0.tar.refused"]
    assert (output.parent / "stamps_0.tar.refused").read_bytes() == b"another file"


def test_a_wrong_checksum_in_the_config_is_reported(get):
    with pytest.raises(ArchiveError, match=r"expected the configured SHA-256 0{64}"):
        get(sha256="0" * 64)


def test_a_cut_short_archive_never_has_its_final_name(get, server, tmp_path):
    server.drop_after, server.statuses = [1000], [200, 503, 503, 503]
    with pytest.raises(ArchiveError, match="1,000 bytes received so far are kept"):
        get()
    assert sorted(path.name for path in (tmp_path / "raw/DES").iterdir()) == [
        "stamps_0.tar.part",
        "stamps_0.tar.part.json",
    ]


def test_an_archive_for_which_there_is_no_room_is_not_started(get, server, tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    size = len(server.content)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=2 * size - 1))
    other = server.address.replace("stamps_0", "stamps_1")
    with pytest.raises(
        ArchiveError, match=f"DES: {2 * size:,} bytes of the archive are still to be downloaded"
    ):
        get(others=[other])
    assert server.sent <= size
    assert not (tmp_path / "raw/DES/stamps_0.tar").exists()
    get()  # alone it fits
