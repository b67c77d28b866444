"""The store of finished runs."""

import pytest

from stampshift.core.digests import DIGESTS, write_digests
from stampshift.training.run_folder import FILES
from stampshift.training.store import Store

KEY = "ab12"


def write_record(store, content):
    with store.writing(KEY) as folder:
        for name in FILES[:-1]:
            (folder / name).write_text(content)
        write_digests(folder)


def contents(store):
    return {path.read_text() for path in store.record(KEY).iterdir() if path.name != DIGESTS}


def test_a_record_that_lost_a_file_is_written_again(tmp_path):
    store = Store(tmp_path)
    write_record(store, "damaged")
    (store.record(KEY) / "metrics.json").unlink()
    assert not store.has(KEY)
    write_record(store, "sound")
    assert store.has(KEY)
    assert contents(store) == {"sound"}
    assert [path.name for path in store.record(KEY).parent.iterdir()] == [KEY]


def test_a_record_of_another_process_stays(tmp_path):
    store = Store(tmp_path)
    write_record(store, "first")
    write_record(store, "second")
    assert contents(store) == {"first"}


@pytest.mark.parametrize("name", FILES)
def test_a_damaged_record_is_not_served_and_is_written_again(tmp_path, caplog, name):
    store = Store(tmp_path)
    write_record(store, "damaged")
    damaged = bytearray((store.record(KEY) / name).read_bytes())
    damaged[0] ^= 1
    (store.record(KEY) / name).write_bytes(damaged)
    assert not store.has(KEY)
    assert "This finished run is not used." in caplog.text
    write_record(store, "sound")
    assert store.has(KEY)
    assert contents(store) == {"sound"}
