"""Copies of a file that its library can read, but that hold other things than they should."""

import contextlib
import io
import json
import sqlite3
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fastavro
import h5py
import numpy as np
import pandas as pd
import torch

from damaged_copies import damaged

NAN = float("nan")
ODD = (None, True, -1, 0, 10**20, 1e308, NAN, "", "x" * 300, "../a", "caf\udce9", [], {}, [[1]], {"a": 1})
ODD_FIELDS = (None, True, -1, 0, 2**60, 1e308, NAN, "", "x" * 300, [], b"\xff\xfe", b"x" * 3000, {"a": 1})


def changed(path: Path, generator: np.random.Generator) -> bytes:
    """A copy that its library can read, with other values, types, shapes or names than it should have."""
    kinds: dict[str, Callable[[Path, np.random.Generator], bytes]] = {
        ".json": _json,
        ".parquet": _parquet,
        ".csv": _csv,
        ".h5": _hdf5,
        ".npz": _npz,
        ".sqlite": _sqlite,
        ".pt": _weights,
        ".avro": _avro,
    }
    return kinds[path.suffix](path, generator)


def _json(path: Path, generator: np.random.Generator) -> bytes:
    content = json.loads(path.read_text())
    places: list[tuple[Any, Any]] = []

    def walk(node: Any) -> None:
        for key in list(node) if isinstance(node, dict) else range(len(node)):
            places.append((node, key))
            if isinstance(node[key], dict | list):
                walk(node[key])

    walk(content)
    node, key = places[generator.integers(len(places))]
    if generator.random() < 0.3:
        del node[key]
    else:
        node[key] = ODD[generator.integers(len(ODD))]
    return json.dumps(content).encode()


def _odd_table(table: pd.DataFrame, generator: np.random.Generator) -> pd.DataFrame:
    name = table.columns[generator.integers(len(table.columns))]
    count, column = len(table), table[name]
    numbers = pd.to_numeric(column, errors="coerce")
    ways: list[Callable[[], pd.DataFrame]] = [
        lambda: table.drop(columns=name),
        lambda: table.rename(columns={name: "other"}),
        lambda: table[:0],
        lambda: table[:1],
        lambda: pd.concat([table, table[:2]]),
        lambda: table.sample(frac=1, random_state=1),
        lambda: table.assign(**{name: None}),
        lambda: table.assign(**{name: column.where(np.arange(count) % 3 > 0, None)}),
        lambda: table.assign(**{name: column.map(str) + "?"}),
        lambda: table.assign(**{name: numbers.astype(float) * -1e30}),
        lambda: table.assign(**{name: np.where(np.arange(count) % 2, np.nan, np.inf)}),
        lambda: table.assign(**{name: np.full(count, 2**63 - 1)}),
        lambda: table.assign(**{name: np.arange(count) % 2 == 0}),
        lambda: table.assign(**{name: [[1, 2]] * count}),
        lambda: table.assign(**{name: [b"\xff\xfe"] * count}),
        lambda: table.assign(**{name: pd.Timestamp("2020-01-01")}),
        lambda: table.assign(**{name: pd.Categorical(column.map(str))}),
        lambda: table.assign(**{name: [column.iloc[0]] * len(table)}),
    ]
    return ways[generator.integers(len(ways))]()


def _parquet(path: Path, generator: np.random.Generator) -> bytes:
    return _odd_table(pd.read_parquet(path), generator).to_parquet(index=False)


def _csv(path: Path, generator: np.random.Generator) -> bytes:
    return _odd_table(pd.read_csv(path), generator).to_csv(index=False).encode()


def _odd_array(array: np.ndarray, generator: np.random.Generator) -> Any:
    ways: list[Callable[[], Any]] = [
        lambda: np.atleast_1d(array)[:0],
        lambda: np.atleast_1d(array)[:1],
        lambda: array[..., np.newaxis],
        lambda: array.ravel()[:1].reshape(()),
        lambda: np.concatenate([np.atleast_1d(array)] * 2),
        lambda: np.full(array.shape, 2**40),
        lambda: np.full(array.shape, -1),
        lambda: np.full(array.shape, np.nan),
        lambda: np.full(array.shape, 1e38, np.float32),
        lambda: np.full(array.shape, b"\xff\xfe"),
        lambda: np.zeros(array.shape, bool),
        lambda: np.zeros(array.shape, complex),
        lambda: np.zeros(array.shape, [("a", "i4"), ("b", "f4")]),
        lambda: np.flip(array),
    ]
    return ways[generator.integers(len(ways))]()


def _hdf5(path: Path, generator: np.random.Generator) -> bytes:
    stream = io.BytesIO(path.read_bytes())
    with h5py.File(stream, "r+") as file:
        name = str(generator.choice([*file, *(f"@{name}" for name in file.attrs)]))
        if name.startswith("@"):
            odd = ODD[generator.integers(len(ODD))]
            text = str(file.attrs[name[1:]])
            if text.startswith("{") and generator.random() < 0.7:
                content = json.loads(text)
                content[str(generator.choice(list(content)))] = odd
                file.attrs[name[1:]] = json.dumps(content)
            elif generator.random() < 0.3:
                del file.attrs[name[1:]]
            else:
                file.attrs[name[1:]] = json.dumps(odd)
        else:
            array = file[name][...]
            del file[name]
            if generator.random() < 0.8:
                array = array.astype("S") if array.dtype == object else array
                file[name] = _odd_array(array, generator)
            elif generator.random() < 0.5:
                file.create_group(name)
    return stream.getvalue()


def _npz(path: Path, generator: np.random.Generator) -> bytes:
    with np.load(path) as file:
        arrays = dict(file)
    name = str(generator.choice(list(arrays)))
    if generator.random() < 0.2:
        del arrays[name]
    else:
        arrays[name] = _odd_array(arrays[name], generator)
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def _avro(path: Path, generator: np.random.Generator) -> bytes:
    """Packets of which one field is anything, among them damaged pictures."""
    with path.open("rb") as stream:
        reader = fastavro.reader(stream)
        schema, packets = reader.writer_schema, list(reader)
    fields = [each for each in schema["fields"] if "prv" not in each["name"]]
    field = fields[generator.integers(len(fields))]
    for packet in packets:
        cell = packet[field["name"]]
        while isinstance(cell, dict) and generator.random() < 0.8:
            inner = str(generator.choice(list(cell)))
            if isinstance(cell[inner], bytes) and generator.random() < 0.5:
                cell[inner] = damaged(cell[inner], generator, only_cut=False)
                break
            if not isinstance(cell[inner], dict):
                break
            cell = cell[inner]
        else:
            if isinstance(cell, bytes) and generator.random() < 0.7:
                packet[field["name"]] = damaged(cell, generator, only_cut=False)
            elif not isinstance(cell, dict):
                packet[field["name"]] = ODD_FIELDS[generator.integers(len(ODD_FIELDS))]
    stream = io.BytesIO()
    fastavro.writer(stream, loosened(schema, field["name"]), packets)
    return stream.getvalue()


def loosened(schema: Any, name: str) -> Any:
    """A schema of packets whose field of a name holds anything."""
    anything = ["null", "boolean", "long", "double", "string", "bytes"]
    anything += [{"type": "array", "items": "long"}, {"type": "map", "values": "long"}]
    schema = json.loads(json.dumps(schema))
    for field in schema["fields"]:
        if field["name"] == name:
            kinds = field["type"] if isinstance(field["type"], list) else [field["type"]]
            field["type"] = [*anything[1:], *(kind for kind in kinds if kind not in anything), "null"]
    return schema


def _sqlite(path: Path, generator: np.random.Generator) -> bytes:
    copy = path.with_name("changed.sqlite")
    copy.write_bytes(path.read_bytes())
    with contextlib.closing(sqlite3.connect(copy, isolation_level=None)) as file, file:
        file.execute("PRAGMA ignore_check_constraints = ON")
        file.execute("DROP TRIGGER votes_are_not_changed")
        table = str(generator.choice(["review", "candidate", "vote"]))
        columns = [line[1] for line in file.execute(f"PRAGMA table_info({table})")]
        column = str(generator.choice(columns))
        ways = [
            f"DELETE FROM {table}" if table != "vote" else "DROP TABLE vote",
            f"DROP TABLE {table}",
            f"ALTER TABLE {table} RENAME COLUMN {column} TO other",
            f"ALTER TABLE {table} ADD COLUMN other TEXT",
            "PRAGMA user_version = 7",
            *(
                f"UPDATE OR REPLACE {table} SET {column} = {value}"
                for value in ("x'fffe'", "CAST(x'ff' AS TEXT)", "''", "7", "'real'", "-1.5", "'caf\x1b[31m'")
            ),
        ]
        with contextlib.suppress(sqlite3.IntegrityError):  # not everything fits into a key
            file.execute(ways[generator.integers(len(ways))])
    file.close()
    content = copy.read_bytes()
    copy.unlink()
    return content


def _weights(path: Path, generator: np.random.Generator) -> bytes:
    content = torch.load(path, weights_only=True)
    state = content["state"]
    name = str(generator.choice(list(state)))
    odd = ODD[generator.integers(len(ODD))]
    ways: list[Callable[[], Any]] = [
        lambda: state.pop(name),
        lambda: state.update({name: state[name][..., None]}),
        lambda: state.update({name: state[name].double()}),
        lambda: state.update({name: torch.full(state[name].shape, NAN)}),
        lambda: state.update({"other": state[name]}),
        lambda: state.update({name: odd}),
        lambda: content.update({str(generator.choice(list(content))): odd}),
        lambda: content.pop(str(generator.choice(list(content)))),
        lambda: content.update({"size_pixels": 10**7}),
    ]
    ways[generator.integers(len(ways))]()
    stream = io.BytesIO()
    torch.save(content, stream)
    if generator.random() < 0.1:  # not what torch.save writes
        with zipfile.ZipFile(stream, "a") as archive:
            archive.writestr("other", "other")
    return stream.getvalue()
