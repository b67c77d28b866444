import hashlib
from concurrent.futures import ThreadPoolExecutor

import pytest

from stampshift.core.errors import ArchiveError, ContractError
from stampshift.downloads.checksums import Record, check, checksums_of, read_records, record_of

FIRST = Record("a" * 64, 10)
OTHER = Record("b" * 64, 12)


@pytest.fixture
def lock(tmp_path):
    return tmp_path / "downloads.lock"


def test_a_record_is_the_sha256_and_the_size(tmp_path):
    (tmp_path / "file").write_bytes(b"stamps")
    assert record_of(tmp_path / "file") == Record(hashlib.sha256(b"stamps").hexdigest(), 6)


def test_the_file_first_seen_stays_the_reference(lock):
    check("DES/stamps_0.tar", FIRST, known_sha256=None, lock=lock)
    check("DES/stamps_0.tar", FIRST, known_sha256=None, lock=lock)
    with pytest.raises(
        ArchiveError, match=r"expected the file as first downloaded, SHA-256 a{64}.*delete its line"
    ):
        check("DES/stamps_0.tar", OTHER, known_sha256=None, lock=lock)
    assert read_records(lock) == {"DES/stamps_0.tar": FIRST}


def test_a_configured_checksum_outranks_the_records(lock):
    check("DES/stamps_0.tar", OTHER, known_sha256=OTHER.sha256, lock=lock)
    assert not lock.exists()
    with pytest.raises(ArchiveError, match=r"expected the configured SHA-256 a{64}, found b{64}"):
        check("DES/stamps_0.tar", OTHER, known_sha256=FIRST.sha256, lock=lock)


def test_files_that_come_at_once_are_all_recorded(lock):
    names = [f"DES/stamps_{number}.tar" for number in range(40)]

    def record(name):
        check(name, FIRST, known_sha256=None, lock=lock)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(record, names))
    assert sorted(read_records(lock)) == sorted(names)


def test_the_records_of_one_survey(lock):
    check("DES/stamps_0.tar", FIRST, known_sha256=None, lock=lock)
    check("HiTS/all_chunks.tar.gz", OTHER, known_sha256=None, lock=lock)
    assert checksums_of("DES", lock=lock) == {"stamps_0.tar": FIRST.sha256}


def test_a_broken_line_is_named(lock):
    lock.write_text("# comment\nnonsense\n")
    with pytest.raises(ContractError, match="line 2: expected `<sha256>  <bytes>  <survey>/<file>`"):
        read_records(lock)
