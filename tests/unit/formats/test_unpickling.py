import gzip
import io
import os
import pickle
import sys

import numpy as np
import pandas as pd
import pytest

from stampshift.core.errors import ArchiveError
from stampshift.formats.unpickling import unpickle, unpickle_file


class Evil:
    def __init__(self, call, *arguments):
        self.call, self.arguments = call, arguments

    def __reduce__(self):
        return self.call, self.arguments


@pytest.mark.parametrize("protocol", range(6))
def test_arrays_of_every_protocol_come_back(protocol):
    content = {
        "float": np.arange(6, dtype="f4").reshape(2, 3),
        "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "scalar": np.float32(2.5),
        "object": np.array(["a", b"\xff", None], object),
        "text": np.array(["real", "bogus"]),
        "empty": np.zeros((0, 3), np.int64),
    }
    got = unpickle(pickle.dumps(content, protocol=protocol), place="HiTS")
    assert list(got) == list(content)
    for name, value in content.items():
        np.testing.assert_array_equal(got[name], value, strict=True)


def test_python2_strings_become_text_and_arrays_keep_their_bytes(formats):
    content = {"images": np.array([[1.5, -2.0], [3e-30, np.nan]], "f4"), "name": b"caf\xe9"}
    got = unpickle(formats.python2_pickle(content), place="HiTS")
    assert got["name"] == "café"
    np.testing.assert_array_equal(got["images"], content["images"], strict=True)


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_frames_of_this_pandas_come_back(protocol):
    frame = pd.DataFrame(
        {
            "text": ["a", None],
            "object": pd.Series([b"1", b"2"], dtype=object),
            "number": [1, 2],
            "f": [0.5, 1],
        }
    )
    frame["kind"] = pd.Categorical(["AGN", "SN"])
    got = unpickle(pickle.dumps(frame, protocol=protocol), place="ZTF")
    pd.testing.assert_frame_equal(got, frame)
    shuffled = frame.iloc[[1, 0]]
    pd.testing.assert_frame_equal(unpickle(pickle.dumps(shuffled, protocol=protocol), place="ZTF"), shuffled)


def test_frame_of_pandas_from_2019_comes_back(formats):
    got = unpickle(formats.old_frame_pickle({"oid": ["a", "b"], "cutout": [b"\x00\xff", b"2"]}), place="ZTF")
    assert isinstance(got, pd.DataFrame)
    assert got.to_dict("list") == {"oid": ["a", "b"], "cutout": [b"\x00\xff", b"2"]}


@pytest.mark.parametrize(
    ("call", "arguments", "name"),
    [
        (os.system, ("true",), f"{os.system.__module__}.system"),
        (eval, ("1",), "builtins.eval"),
        (exec, ("1",), "builtins.exec"),
        (getattr, (1, "real"), "builtins.getattr"),
        (__import__, ("os",), "builtins.__import__"),
        (np.load, ("x.npy",), "numpy.load"),
        (np.ctypeslib.load_library, ("c", "/"), f"{np.ctypeslib.load_library.__module__}.load_library"),
        (pd.read_pickle, ("x.pkl",), "pandas.read_pickle"),
        (pd.eval, ("1",), "pandas.eval"),
        (sys.exit, (), "sys.exit"),
        (pd.DataFrame.to_pickle, (None, "x"), "pandas.core.generic.NDFrame.to_pickle"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("protocol", [2, 4])
def test_every_other_callable_is_refused_by_name(call, arguments, name, protocol):
    if protocol == 2 and call is pd.DataFrame.to_pickle:
        name = "builtins.getattr"  # how protocol 2 spells a name with a dot
    with pytest.raises(ArchiveError) as caught:
        unpickle(pickle.dumps(Evil(call, *arguments), protocol=protocol), place="ZTF archive x.pkl")
    assert str(caught.value) == (
        f"ZTF archive x.pkl: expected a pickle of numpy and pandas objects, found {name} in it, which is "
        "refused because it could run code. Use the survey's own file."
    )


def test_attributes_of_admitted_classes_are_refused():
    content = pickle.PROTO + b"\x04\x8c\x06pandas\x8c\x13DataFrame.to_pickle" + pickle.STACK_GLOBAL
    with pytest.raises(ArchiveError, match=r"found pandas\.DataFrame\.to_pickle in it"):
        unpickle(content + pickle.STOP, place="ZTF")


def test_python2_names_of_builtins_are_refused_too(formats):
    call = formats.Call(formats.Foreign("__builtin__", "eval"), "1")
    with pytest.raises(ArchiveError, match=r"found builtins\.eval in it"):
        unpickle(formats.python2_pickle(call), place="HiTS")


def test_object_pointers_cannot_be_forged(formats):
    address = b"A" * 8
    array = formats.Call(np.ndarray, (1,), "O", address)
    with pytest.raises(ArchiveError, match=r"found a call to numpy\.ndarray in it"):
        unpickle(formats.python2_pickle(array), place="HiTS")
    flagless = formats.Call(np.dtype, "O", 0, 1)
    content = (
        formats.python2_pickle(flagless)[:-1]
        + pickle.dumps((3, "|", None, None, None, -1, -1, 0), protocol=0)[:-1]
    )
    with pytest.raises(ArchiveError, match="found a dtype object with its own fields or flags in it"):
        unpickle(content + pickle.BUILD + pickle.STOP, place="HiTS")


def test_structured_dtypes_and_changes_of_classes_are_refused(formats):
    with pytest.raises(ArchiveError, match="with its own fields or flags"):
        unpickle(pickle.dumps(np.zeros(1, [("a", "f4")]), protocol=2), place="HiTS")
    state = pickle.dumps((None, {"name": 1}), protocol=0)[:-1]
    content = formats.python2_pickle(formats.Foreign("pandas", "Index"))[:-1] + state
    with pytest.raises(ArchiveError, match=r"found a change of <class 'pandas\..*Index'> in it"):
        unpickle(content + pickle.BUILD + pickle.STOP, place="HiTS")


def test_only_plain_arrays_are_rebuilt():
    with pytest.raises(ArchiveError, match=r"found numpy\.ma\.core\._mareconstruct in it"):
        unpickle(pickle.dumps(np.ma.masked_array([1.0], [True])), place="HiTS")


@pytest.mark.parametrize("keep", [0, 1, 200, -1])
def test_pickle_cut_short_is_an_archive_error(keep):
    content = pickle.dumps({"labels": np.arange(50)}, protocol=2)[:keep]
    with pytest.raises(
        ArchiveError, match=r"^HiTS x: expected a complete pickle, found it cut short or corrupt"
    ):
        unpickle(content, place="HiTS x")


@pytest.mark.parametrize("name", ["x.pkl", "x.pkl.gz"])
def test_file_is_read_gzipped_or_not(tmp_path, name):
    content = pickle.dumps({"labels": [1, 0]})
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    assert unpickle_file(tmp_path / name, place="ZTF") == {"labels": [1, 0]}


def test_gzipped_file_cut_short_is_an_archive_error(tmp_path):
    (tmp_path / "x.pkl.gz").write_bytes(gzip.compress(pickle.dumps(list(range(1000))))[:-20])
    with pytest.raises(ArchiveError, match="ZTF x: expected a complete pickle, found it cut short"):
        unpickle_file(tmp_path / "x.pkl.gz", place="ZTF x")


def test_published_predictions_of_hits_are_read(real_data):
    for path in sorted((real_data / "hits_published_predictions").glob("*.pkl")):
        content = unpickle_file(path, place=path.name)
        assert content["labels"].shape == (100_000,)
        assert set(np.unique(content["labels"])) == {0, 1}


class Built:
    """Pickled as a call and a state, such as a damaged file may hold."""

    def __init__(self, call, arguments, state=None):
        self.call, self.arguments, self.state = call, arguments, state

    def __reduce__(self):
        return (self.call, self.arguments) if self.state is None else (self.call, self.arguments, self.state)


@pytest.mark.parametrize(
    ("shape", "content"),
    [((1000,), ["a"]), ((2, 2), ["a"] * 3), ((1,), ["a"] * 2), ((2,), "ab"), ((2,), b"ab" * 8), ((2,), None)],
)
@pytest.mark.parametrize("version", [(1,), ()])
def test_a_list_that_does_not_fill_an_array_of_objects_is_refused(shape, content, version):
    """numpy would read the list beyond its end."""
    make = np._core.multiarray._reconstruct
    array = Built(make, (np.ndarray, (0,), b"b"), (*version, shape, np.dtype(object), False, content))
    with pytest.raises(ArchiveError, match=r"^HiTS: expected a complete pickle"):
        unpickle(pickle.dumps({"images": array}), place="HiTS")


def test_codes_beyond_the_categories_are_refused():
    good = pd.Categorical(["a", "b", None])
    call, arguments, state = good.__reduce__()
    assert unpickle(pickle.dumps(good), place="ZTF").tolist()[:2] == ["a", "b"]
    codes = np.array([0, 100, -1], np.int8)
    changed = [codes if isinstance(each, np.ndarray) else each for each in state]
    with pytest.raises(ArchiveError, match=r"codes are beyond its categories"):
        unpickle(pickle.dumps(Built(call, arguments, tuple(changed))), place="ZTF")


def test_blocks_that_are_not_the_columns_of_their_frame_are_refused():
    frame = pd.DataFrame({"a": [1, 2], "b": [3, 4]})
    call, arguments, state = frame._mgr.__reduce__()[:3] if len(frame._mgr.__reduce__()) > 2 else (
        *frame._mgr.__reduce__(), None
    )  # fmt: skip
    blocks, axes = arguments
    unpickle(pickle.dumps(Built(call, (blocks, axes), state)), place="ZTF")
    for wrong in ([axes[0], axes[1][:1]], [axes[0][:1], axes[1]], [axes[0].append(axes[0]), axes[1]]):
        with pytest.raises(ArchiveError, match=r"^ZTF: expected a complete pickle"):
            unpickle(pickle.dumps(Built(call, (blocks, wrong), state)), place="ZTF")


def opcodes(*steps):
    """A pickle of some objects in a list, each followed by the opcodes that come with it."""
    stream = io.BytesIO()
    pickler = pickle._Pickler(stream, protocol=2)
    pickler.write(pickle.PROTO + b"\x02" + pickle.EMPTY_LIST)
    for content, more in steps:
        pickler.save(content)
        for step in more if isinstance(more, tuple) else (more,):
            pickler.write(step) if isinstance(step, bytes) else pickler.save(step)
        pickler.write(pickle.APPEND)
    pickler.write(pickle.STOP)
    return stream.getvalue()


CODES = np.array([0, 1, 0], np.int8)
FAR = np.array([0, 99, 0], np.int8).__reduce__()[2]


def categorical(codes, dtype):
    call, arguments, state = pd.Categorical(["a", "b", "a"]).__reduce__()
    given = {np.ndarray: codes, pd.CategoricalDtype: dtype}
    return Built(call, arguments, tuple(given.get(type(each), each) for each in state))


@pytest.mark.parametrize("changed", ["codes", "dtype"])
def test_a_categorical_keeps_the_codes_and_categories_that_were_checked(changed):
    codes, dtype = CODES.copy(), pd.CategoricalDtype(["a", "b"])
    later = {
        "codes": (codes, (FAR, pickle.BUILD)),
        "dtype": (dtype, ({"categories": pd.Index(["a"])}, pickle.BUILD)),
    }
    content = opcodes((categorical(codes, dtype), b""), later[changed])
    found, _ = unpickle(content, place="ZTF")
    assert found.codes.tolist() == [0, 1, 0]
    assert found.tolist() == ["a", "b", "a"]


@pytest.mark.parametrize(
    ("content", "more"),
    [
        (CODES, (0, 99, pickle.SETITEM)),
        (CODES, (pickle.MARK, 0, 99, pickle.SETITEMS)),
        (bytearray(b"abc"), (100, pickle.APPEND)),
        (pd.DataFrame({"a": [1]}), ("a", 99, pickle.SETITEM)),
        (pd.Categorical(["a"]), (pickle.MARK, 0, "a", pickle.SETITEMS)),
        (pd.Index([1, 2]), (0, 1, pickle.SETITEM)),
    ],
)
def test_only_containers_are_filled(content, more):
    with pytest.raises(ArchiveError, match=r"^ZTF: expected a pickle of .*found a change of"):
        unpickle(opcodes((content, more)), place="ZTF")
    assert unpickle(opcodes((content, b"")), place="ZTF")
    filled = {"list": [[1], 2], "dict": {"a": {}, "b": 1}, "set": {1, 2}}
    assert unpickle(pickle.dumps(filled, protocol=4), place="ZTF") == filled


def test_a_frame_is_checked_once_more_when_all_is_read():
    index = pd.Index([5, 6])
    frame = pd.DataFrame({"a": [1, 2], "b": [3, 4]}, index=index)
    assert unpickle(opcodes((frame._mgr, b""), (frame.index, b"")), place="ZTF")
    content = opcodes((frame._mgr, b""), (frame.index, ({"_data": np.array([5])}, pickle.BUILD)))
    with pytest.raises(ArchiveError, match=r"^ZTF: expected a complete pickle"):
        unpickle(content, place="ZTF")


@pytest.mark.parametrize("suffix", ["pkl", "pkl.gz"])
def test_a_pickle_that_may_not_be_read_is_not_called_damaged(tmp_path, monkeypatch, suffix):
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(b"")

    def refuse(*_arguments, **_options):
        raise PermissionError(13, "no")

    monkeypatch.setattr(type(path), "open", refuse)
    monkeypatch.setattr(gzip, "open", refuse)
    with pytest.raises(ArchiveError, match=r"^ZTF: cannot be read now \(Permission denied\)"):
        unpickle_file(path, place="ZTF")
