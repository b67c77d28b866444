import h5py
import numpy as np
import pytest

from stampshift.core.errors import ContractError
from stampshift.stamps.file import CHANNELS, Stamps, verify_stamps
from stampshift.stamps.writer import stamps_writer


def block(count, size=5):
    stamps = np.arange(count * 3 * size * size, dtype=np.float32).reshape(count, 3, size, size)
    names = [str(row) for row in range(count)]
    return stamps, {
        "labels": [row % 2 for row in range(count)],
        "classes": ["ghost" if row % 2 == 0 else "star" for row in range(count)],
        "ids": names,
        "groups": [""] * count,
    }


def write(path, count=4):
    with stamps_writer(path, survey="X", size_pixels=5) as writer:
        stamps, rest = block(count)
        writer.append(stamps[:3], **{key: value[:3] for key, value in rest.items()})
        writer.append(stamps[3:], **{key: value[3:] for key, value in rest.items()})
        writer.describe({"read": 9})
    return stamps


def test_what_is_written_is_read_back_memory_mapped(tmp_path):
    written = write(tmp_path / "x.h5")
    stamps = Stamps.open(tmp_path / "x.h5")
    assert isinstance(stamps.stamps, np.memmap)
    np.testing.assert_array_equal(stamps.stamps, written)
    assert stamps.labels.tolist() == [0, 1, 0, 1]
    assert stamps.classes.tolist() == ["ghost", "star", "ghost", "star"]
    assert stamps.ids.tolist() == ["0", "1", "2", "3"]
    assert stamps.survey == "X"
    assert stamps.attributes["read"] == 9


def test_the_file_holds_what_the_contract_says(tmp_path):
    write(tmp_path / "x.h5")
    with h5py.File(tmp_path / "x.h5") as file:
        assert file["stamps"].dtype == np.float32
        assert file["stamps"].chunks is None
        assert file["stamps"].compression is None
        assert file["label"].dtype == np.uint8
        assert h5py.check_enum_dtype(file["class"].dtype) == {"ghost": 0, "star": 1}
        assert tuple(file.attrs["channels"]) == CHANNELS == ("template", "science", "difference")


def test_the_same_stamps_give_the_same_bytes(tmp_path):
    write(tmp_path / "a.h5")
    write(tmp_path / "b.h5")
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


def test_the_digest_follows_the_content(tmp_path):
    write(tmp_path / "a.h5", count=4)
    write(tmp_path / "b.h5", count=5)
    digests = {Stamps.open(tmp_path / name).attributes["digest"] for name in ("a.h5", "b.h5")}
    assert len(digests) == 2


def test_a_failed_writing_leaves_nothing(tmp_path):
    with (
        pytest.raises(RuntimeError, match="disk"),
        stamps_writer(tmp_path / "x.h5", survey="X", size_pixels=5) as writer,
    ):
        stamps, rest = block(2)
        writer.append(stamps, **rest)
        raise RuntimeError("disk")
    assert list(tmp_path.iterdir()) == []


def test_what_killed_writers_left_is_removed_and_nothing_else(tmp_path):
    others = [".x.y.0123abcd.part.h5", ".xx.0123abcd.part.h5", "x.csv"]
    for name in (".x.0123abcd.part.h5", *others):
        (tmp_path / name).touch()
    write(tmp_path / "x.h5")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*others, "x.h5"])


def test_no_stamp_at_all_is_an_error(tmp_path):
    with (
        pytest.raises(ContractError, match=r"X: no stamp is left after preprocessing: \{'read': 3\}"),
        stamps_writer(tmp_path / "x.h5", survey="X", size_pixels=5) as writer,
    ):
        writer.describe({"read": 3})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stamps": np.zeros((2, 3, 6, 6), np.float32)}, r"expected a block of stamps \(n, 3, 5, 5\)"),
        ({"ids": ["one"]}, "lengths"),
        ({"labels": [0, 2]}, "labels must be 1"),
        ({"stamps": np.full((2, 3, 5, 5), np.nan, np.float32)}, "candidate 0 has a non-finite pixel"),
    ],
)
def test_a_block_that_breaks_the_contract_is_refused(tmp_path, change, message):
    stamps, rest = block(2)
    with (
        pytest.raises(ContractError, match=message),
        stamps_writer(tmp_path / "x.h5", survey="X", size_pixels=5) as writer,
    ):
        writer.append(change.pop("stamps", stamps), **{**rest, **change})


def test_a_corrupt_file_says_what_to_do(tmp_path):
    path = tmp_path / "x.h5"
    write(path)
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(ContractError, match=r"x\.h5: not a readable stamps file .* made it, delete it"):
        Stamps.open(path)


def test_a_compressed_file_breaks_the_contract(tmp_path):
    path = tmp_path / "x.h5"
    written = write(path)
    with h5py.File(path, "r+") as file:
        del file["stamps"]
        file.create_dataset("stamps", data=written, compression="gzip")
    with pytest.raises(ContractError, match="should be contiguous float32"):
        Stamps.open(path)


def altered(path, name, index, value):
    with h5py.File(path, "r+") as file:
        file[name][index] = value


@pytest.mark.parametrize(
    ("name", "index", "value"),
    [
        ("stamps", (2, 1, 3, 3), -7),
        ("label", 2, 1),
        ("class", 2, 1),
        ("id", 2, b"9"),
        ("group", 2, b"g"),
        ("fingerprint", 2, 7),
    ],
)
def test_every_part_of_the_content_is_compared_with_the_digests(tmp_path, name, index, value):
    write(tmp_path / "x.h5")
    verify_stamps(tmp_path / "x.h5")
    altered(tmp_path / "x.h5", name, index, value)
    with pytest.raises(ContractError, match=r"x\.h5: its content has changed since it was written"):
        verify_stamps(tmp_path / "x.h5")


def test_a_file_of_many_blocks_and_strange_names_is_as_it_was_written(tmp_path, monkeypatch):
    monkeypatch.setattr("stampshift.stamps.file.COPY_BLOCK_BYTES", 1000)
    stamps, rest = block(40)
    rest["ids"] = [f"Größe {row} \u2028\0" for row in range(40)]
    with stamps_writer(tmp_path / "x.h5", survey="X", size_pixels=5) as writer:
        writer.append(stamps, **rest)
    verify_stamps(tmp_path / "x.h5")


def test_pixels_are_written_once_to_their_place(tmp_path):
    """Before the number of stamps is known, and with nothing of them in another file."""
    pixels = np.random.default_rng(0).normal(size=(50, 3, 21, 21)).astype(np.float32)
    known = {
        "labels": [0, 1] * 25,
        "classes": ["a", "b"] * 25,
        "ids": [*map(str, range(50))],
        "groups": [""] * 50,
    }
    with stamps_writer(tmp_path / "x.h5", survey="X", size_pixels=21) as writer:
        writer.append(pixels, **known)
        writer.append(-pixels, **known)
        (begun,) = tmp_path.iterdir()
        written = begun.read_bytes()
    start = Stamps.open(tmp_path / "x.h5").stamps.offset
    finished = (tmp_path / "x.h5").read_bytes()
    assert len(written) > 1.9 * pixels.nbytes  # but for what is in the writer's buffer
    assert finished[start : len(written)] == written[start:]
    assert finished[start : start + 2 * pixels.nbytes] == pixels.tobytes() + (-pixels).tobytes()
