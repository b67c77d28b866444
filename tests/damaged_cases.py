"""Sound files of every format that a command reads, and the commands that read them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pandas as pd
import torch
import yaml

import any_survey
from adaptation import some_labels, write_some
from alert_packets import SCHEMAS
from damaged_nights import nights
from fake_release import release_of, write_results, write_run
from fake_surveys import write_survey
from review_server import write_study
from stampshift.adapting.adapt import adapt_model
from stampshift.adapting.setting import Setting
from stampshift.config.experiment import Run
from stampshift.review.reviewed import open_review
from stampshift.review.vote_store import VoteStore
from stampshift.scoring.score import score
from stampshift.stamps.file import Stamps
from stampshift.surveys import des, hits, ztf
from stampshift.tables.run_table import COLUMNS
from stampshift.tables.writing import write_csv

SIMULATED = {
    "HiTS": hits.CLASSES.values(),
    "DES": des.CLASSES.values(),
    "ATLAS": ("burn", "cr", "kast", "noise", "scar", "spike", "streak"),
    "ZTF": ztf.CONVERTED_CLASSES.values(),
}
SIMULATED["HDUs"] = SIMULATED["ATLAS"]
ARCHIVES = (*SIMULATED, "packets", "fits", "a.h5", "a.npz", "a.parquet")
SCORED = (0, 1, 3, 4)
# of `damaged_runs.py`, whose addresses are bounded: Arrow's own allocator takes 1 GB of these at once
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "ARROW_DEFAULT_MEMORY_POOL": "system"}
Case = dict[str, Any]


def case(
    name: str,
    arguments: list[Any],
    *,
    file: Path,
    output: Path,
    statuses: tuple[int, ...] = (0, 1),
    content: bool = False,
    signed: bool = False,
    names: tuple[str, ...] = (),
) -> Case:
    """A command, its damaged file, and how it may end. `content` changes values and not bytes."""
    return {
        "name": f"{arguments[0]}: {name}",
        "arguments": [str(each) for each in arguments],
        "file": str(file),
        "output": str(output),
        "statuses": statuses,
        "content": content,
        "signed": signed,
        "names": [file.name, *names],
    }


def of_both(name: str, *arguments: Any, **options: Any) -> Iterator[Case]:
    """The command on copies with wrong bytes, and on those with wrong content that lists of digests have."""
    yield case(name, *arguments, **options)
    yield case(f"{name}, content", *arguments, content=True, signed=True, **options)


def write_archive(name: str, folder: Path, simulate: Callable[..., None]) -> Path:
    """A sound file of an archive's format, or a stamps file; `simulate` draws a survey into a folder."""
    if name in SIMULATED:
        simulate("ATLAS" if name == "HDUs" else name, folder=folder, stamps=40, hdus=name == "HDUs")
        return next(path for path in sorted(folder.iterdir()) if path.suffix != ".csv")
    folder.mkdir()
    path = folder / name
    if name == "stamps.h5":
        return write_survey(folder, "stamps", width=1.5, count=20)
    if name == "fits":
        any_survey.write_folder(path, 2)
        return sorted(path.rglob("*.fits*"))[0]
    if name == "packets":
        any_survey.write_packets(path, 6)
        return path / "night.avro"
    writers: dict[str, Callable[[Path, int], Any]] = {
        "a.h5": any_survey.write_hdf5,
        "a.npz": any_survey.write_npz,
        "a.parquet": any_survey.write_parquet,
    }
    writers[name](path, 6)
    return path


def write_model(folder: Path) -> Path:
    """Results of surveys A and B, a baseline, a run adapted to B, and a release of that."""
    write_results(folder / "results")
    write_run(folder / "results", Run("baseline", "A", None, 0, 0))
    run = write_run(folder / "results", Run("scratch", "A", "B", 20, 0))
    release_of(run, folder / "release")
    survey = Stamps.open(folder / "results" / "stamps" / "B.h5")
    rows, labels = some_labels(survey, real=2, bogus=2, unlabelled=60)
    target = write_some(folder / "few.h5", survey, rows, labels)
    rows = np.arange(300, 400)
    test = write_some(folder / "test.h5", survey, rows, survey.labels[rows].tolist())
    baseline = folder / "results" / "baseline" / "A" / "seed-0"
    options = {"device": torch.device("cpu"), "epoch_size": 50, "batch_size": 10}
    setting = Setting.of_model(baseline, target, method="mme", seed=0, test=test, **options)
    adapted = adapt_model(setting, epochs=1, epochs_unjudged=1, processes=1, progress=False)
    adapted.save(folder / "adapted")
    return folder


def score_cases(model: Path, folder: Path) -> Iterator[Case]:
    """`score` of nights, with options that read all of a release."""
    written = folder / "out-score"

    def of(*inputs: Any, release: Path = model / "release") -> list[Any]:
        return ["score", release, *inputs, "--output", written / "scores.parquet", "--processes", 1]

    found = list(nights(folder / "nights"))
    for name, path, options in found:
        inputs = path.parent if path.parent.name == "some" else path
        yield case(name, of(inputs, *options), file=path, output=written, statuses=SCORED)
        if name in SCHEMAS or name.endswith("table"):
            ways: dict[str, Any] = {"statuses": SCORED, "content": True}
            yield case(f"{name}, content", of(path, "--threshold", 0.5), file=path, output=written, **ways)
    schema = folder / "nights" / "schemas" / "701.avsc"
    arguments = of(folder / "nights" / "wire.avro", "--schemas", schema.parent)
    yield case("schema", arguments, file=schema, output=written, statuses=SCORED)
    stamps = folder / "B.h5"
    stamps.write_bytes((model / "results" / "stamps" / "B.h5").read_bytes())
    yield from of_both("stamps file", of(stamps), file=stamps, output=written, statuses=SCORED)
    for name in ("contract.json", "reference.parquet", "model.onnx", "SHA256SUMS"):
        file = model / "release" / name
        arguments = of(folder / "nights" / "PGIR.avro", "--max-mdr", 0.2)
        options: dict[str, Any] = {"file": file, "output": written, "statuses": SCORED}
        options["names"] = ("release",)
        yield case(name, arguments, **options)
        if name != "SHA256SUMS":
            yield case(f"{name}, signed", arguments, signed=True, **options)
        if name not in ("SHA256SUMS", "model.onnx"):
            yield case(f"{name}, content", arguments, signed=True, content=True, **options)


def drift_cases(model: Path, folder: Path) -> Iterator[Case]:
    """`drift` and `threshold`."""
    written = folder / "out-drift"
    options: dict[str, Any] = {"schemas": None, "survey": None, "threshold": 0.5, "processes": 1}
    options |= {"unit_minutes": 10, "overwrite": True, "progress": False}
    for suffix in ("parquet", "csv"):
        scores = folder / f"scores.{suffix}"
        score(model / "release", [model / "results" / "stamps" / "B.h5"], output=scores, **options)
        arguments = ["drift", model / "release", scores, "--output", written / "drift.html", "--max-mdr", 0.2]
        yield from of_both(f"scores, {suffix}", arguments, file=scores, output=written)
    for name in ("contract.json", "reference.parquet"):
        file = model / "release" / name
        yield case(name, arguments, file=file, output=written, signed=True, content=True, names=("release",))
        threshold = ["threshold", model / "release", "--max-mdr", 0.2]
        yield case(name, threshold, file=file, output=written, signed=True, content=True, names=("release",))


def export_cases(model: Path, folder: Path) -> Iterator[Case]:
    """`export` of a baseline, of a run with a target, and of an adapted model."""
    written, results = folder / "out-export", model / "results"
    run = results / "scratch" / "A-to-B" / "shots-20" / "seed-0"
    arguments = ["export", run, "--output", written / "model"]
    for name in ("model.pt", "metrics.json", "predictions.parquet"):
        # what is in the files beside it does not fit: the message names these or the folder
        yield from of_both(name, arguments, file=run / name, output=written, names=("seed-0",))
    adapted = ["export", model / "adapted", "--output", written / "model"]
    for name in ("model.pt", "metrics.json", "predictions.parquet", "validation.parquet"):
        options: dict[str, Any] = {"file": model / "adapted" / name, "output": written}
        yield from of_both(f"adapted {name}", adapted, **options, names=("adapted",))
    for name in ("stamps/B.h5", "splits/B/seed-0.npz"):
        names = ("seed-0", "B: ", "B, attribute")
        yield from of_both(name, arguments, file=results / name, output=written, names=names)


def adapt_cases(model: Path, folder: Path) -> Iterator[Case]:
    """`adapt` with MME and by fine-tuning, and what `export` reads of an adapted model."""
    written, results = folder / "out-adapt", model / "results"
    run, target, test = results / "baseline" / "A" / "seed-0", model / "few.h5", model / "test.h5"
    short = ["--epochs", 1, "--epoch-size", 50, "--batch-size", 10, "--processes", 1, "--device", "cpu"]
    arguments = ["adapt", run, target, "--test", test, "--output", written / "model", *short]
    for file in (target, test):
        yield from of_both(file.name, arguments, file=file, output=written, names=("B: ",))
    for name in ("model.pt", "metrics.json"):
        yield from of_both(name, arguments, file=run / name, output=written, names=("seed-0",))
    tune = ["adapt", run, target, "--method", "finetune", "--output", written / "model", *short]
    yield from of_both("model.pt, finetune", tune, file=run / "model.pt", output=written)
    for name in ("stamps/A.h5", "splits/A/seed-0.npz"):
        # a damaged stamps file may no longer fit its splits, which are then named with it
        names = ("A: ", "seed-0.npz")
        yield from of_both(name, arguments, file=results / name, output=written, names=names)


def review_cases(model: Path, folder: Path) -> Iterator[Case]:
    """`review` of a study and of a stamps file, and `review-export`."""
    written = folder / "out-review"
    study = write_study(folder / "study")
    votes = folder / "votes.sqlite"
    with VoteStore.open(votes, open_review(study, stamps=None)) as store:
        for number in range(20):
            for rater in ("ann", "bob"):
                key = f"first-key-of-{rater}-{number:08}"
                store.add(key=key, id=f"c{number}", rater=rater, vote=("real", "bogus")[number % 2])
    page = ["--no-open", "--port", 0, "--token", "much-too-secret"]
    new = ["review", study, "--votes", written / "votes.sqlite", *page]
    names = ("candidates.parquet", "stamps.h5")
    for file in (study / "search" / "candidates.parquet", study / "stamps.h5"):
        yield from of_both(file.name, new, file=file, output=written, names=names)
    stamps = folder / "New.h5"
    stamps.write_bytes((model / "results" / "stamps" / "A.h5").read_bytes())
    alone = ["review", stamps, "--votes", written / "votes.sqlite", *page]
    yield from of_both("stamps file", alone, file=stamps, output=written)
    yield from of_both("votes", ["review", study, "--votes", votes, *page], file=votes, output=written)
    tables = ["--relabels", written / "labels.csv", "--votes-csv", written / "votes.csv"]
    yield from of_both(
        "votes", ["review-export", votes, "--min-votes", 2, *tables], file=votes, output=written
    )


def stamps_cases(archives: dict[str, Path], folder: Path) -> Iterator[Case]:
    """`stamps` of every archive format, with a label table where the archive has no labels."""
    written = folder / "out-stamps"
    formats: dict[str, dict[str, Any]] = {
        **{name: {"reader": name.lower()} for name in SIMULATED},
        "HDUs": {"reader": "atlas"},
        "fits": {"reader": "folder"},
        "packets": {"reader": "packets"},
        "a.h5": {"stamps": "pixels", "axes": "channels_first", "id": "id", "label": "class"},
        "a.npz": {"stamps": "pixels", "axes": "channels_last", "id": "id", "label": "label"},
        "a.parquet": {
            "stamps": {"template": "t", "science": "s", "difference": "d"},
            "id": "id",
            "label": "class",
        },
    }
    for name, options in formats.items():
        classes = SIMULATED.get(name, any_survey.CLASSES)
        file = archives[name]
        reader = options.get("reader", "table")
        section: dict[str, Any] = {
            "origin": "path",
            "path": str(file if reader == "table" else file.parent),
            "reader": reader,
            "classes": {each: ("real", "bogus")[number % 2] for number, each in enumerate(classes)},
            "invalid": {},
        }
        if reader == "table":
            section["table"] = options
        config = folder / f"{name}.yaml"
        config.write_text(yaml.safe_dump({"surveys": {"Mine": section}}))
        arguments = ["stamps", "--config", config, "--survey", "Mine", "--output", written / "made.h5"]
        yield case(name, arguments, file=file, output=written, names=(file.parent.name, "Mine"))


def other_cases(model: Path, folder: Path) -> Iterator[Case]:
    """`inspect`, `verify` and `summary` of results."""
    written, results = folder / "out-other", model / "results"
    stamps = folder / "alone" / "A.h5"
    stamps.parent.mkdir()
    stamps.write_bytes((results / "stamps" / "A.h5").read_bytes())
    yield from of_both("stamps file", ["inspect", stamps], file=stamps, output=written)
    for file in (stamps, model / "release" / "reference.parquet", results / "splits" / "A" / "seed-0.npz"):
        options: dict[str, Any] = {"file": file, "output": written, "statuses": (0, 1, 2)}
        yield from of_both(file.name, ["verify", file, file.parent], **options)
    runs = results / "tables" / "runs.csv"
    runs.parent.mkdir(exist_ok=True)
    metrics = {"balanced_accuracy": 0.9, "recall_real": 0.9, "recall_bogus": 0.9, "n_real": 9, "n_bogus": 9}
    training = {"kept_epoch": 1, "epochs": 2, "entropy_weight": 0.1, "seconds": 3.0}
    lines = [
        {
            "method": method,
            "source": "A",
            "target": target or on,
            "shots": shots,
            "seed": 0,
            "evaluated_on": on,
        }
        for method, target, shots in (("baseline", None, 0), ("scratch", "B", 20))
        for on in ("A", "B")
    ]
    write_csv(pd.DataFrame([line | metrics | training for line in lines], columns=list(COLUMNS)), runs)
    for file in (runs, results / "stamps" / "A.h5"):
        yield from of_both(file.name, ["summary", results], file=file, output=written, names=("runs table",))


def write_cases(
    folder: Path, archives: dict[str, Path], *, copies: Callable[[str], int], seed: int
) -> list[Case]:
    """Every command on every kind of file that it reads: `ARCHIVES`, and those written into the folder.

    `copies` gives their number by a command's name. A case's copies depend on its name and the seed.
    """
    return [
        each | {"copies": copies(each["arguments"][0]), "seed": [seed, crc32(each["name"].encode())]}
        for each in _cases(folder, archives)
    ]


def _cases(folder: Path, archives: dict[str, Path]) -> Iterator[Case]:
    yield from stamps_cases(archives, folder)
    model = write_model(folder / "model")
    for cases in (score_cases, drift_cases, export_cases, adapt_cases, review_cases, other_cases):
        yield from cases(model, folder)
