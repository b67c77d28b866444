"""The store of finished runs."""

from stampshift.training.run_folder import FILES
from stampshift.training.store import Store

KEY = "ab12"


def write_record(store, content):
    with store.writing(KEY) as folder:
        for name in FILES:
            (folder / name).write_text(content)


def test_a_record_that_lost_a_file_is_written_again(tmp_path):
    store = Store(tmp_path)
    write_record(store, "damaged")
    (store.record(KEY) / "metrics.json").unlink()
    assert not store.has(KEY)
    write_record(store, "sound")
    assert store.has(KEY)
    assert {path.read_text() for path in store.record(KEY).iterdir()} == {"sound"}
    assert [path.name for path in store.record(KEY).parent.iterdir()] == [KEY]


def test_a_record_of_another_process_stays(tmp_path):
    store = Store(tmp_path)
    write_record(store, "first")
    write_record(store, "second")
    assert {path.read_text() for path in store.record(KEY).iterdir()} == {"first"}
