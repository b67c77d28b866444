"""A source of several surveys: unions of their parts, equal draws, and a target that is one of them."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from fake_surveys import FRACTIONS, flip_labels, write_survey
from fake_training import TRAINING
from stampshift.config.experiment import Run
from stampshift.core.files import read_json
from stampshift.methods import METHODS
from stampshift.stamps.file import REAL, Stamps
from stampshift.stamps.splits import Splits, make_splits
from stampshift.training.cohort import train_cohort
from stampshift.training.data import Labelled, SurveyFiles, TrainingData
from stampshift.training.execute import Job, Plan
from stampshift.training.joined import Joined, joined
from stampshift.training.progress import Task
from stampshift.training.sampler import draw_epoch, epoch_batches
from stampshift.training.stacked.pools import Pools

CPU = torch.device("cpu")
MME = {
    "labelled": ["source", "target"],
    "head": "random",
    "steps": "one",
    "epoch": "together",
    "temperature": 0.05,
    "entropy_weight": 0.1,
}
OPTIONS = {"baseline": {}, "finetune": {}, "mme": MME}
NAMES = ("A", "B", "C")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Three surveys of different size with several stamps of each object, and their splits of seed 0."""
    folder, found = tmp_path_factory.mktemp("several"), {}
    for name, width, count in (("A", 1.5, 300), ("B", 2.0, 600), ("C", 3.0, 240)):
        path = write_survey(folder, name, width=width, count=count, groups=True)
        make_splits(Stamps.open(path), fractions=FRACTIONS, seed=0).save(folder / f"{name}.npz")
        found[name] = SurveyFiles(path, folder / f"{name}.npz", None)
    return found


def data_of(files, sources, target=None, shots=2):
    run = Run("mme" if target else "baseline", "+".join(sources), target, shots if target else 0, 0)
    return TrainingData.open(run, files, sources=sources, validation_shots=3)


def task_of(data, method="baseline", batch_size=20, epoch_size=100):
    training = {**TRAINING, "batch_size": batch_size, "epoch_size": epoch_size}
    built = METHODS[method](OPTIONS[method])
    return Task(method, built, "bolivar", data, 7, OPTIONS[method], training, None, CPU)


def where(stamps, files):
    """Survey and row of each stamp, by its pixels."""
    surveys = {name: Stamps.open(each.stamps).stamps for name, each in files.items()}
    known = {
        pixels.tobytes(): (name, row) for name, all_ in surveys.items() for row, pixels in enumerate(all_)
    }
    return [known[stamp.tobytes()] for stamp in np.ascontiguousarray(stamps)]


def seen(data, files):
    """Every survey's rows that a training may see, in whatever role."""
    sets = [data.source, data.target, data.unlabelled, data.source_validation, data.target_validation]
    rows = {name: set() for name in files}
    for each in filter(None, sets):
        for name, row in where(each.stamps[each.rows], files):
            rows[name].add(row)
    return rows


def test_rows_are_counted_through_the_surveys():
    parts = [np.full((count, 3, 1, 1), count, np.float32) for count in (2, 3, 4)]
    together = joined(parts)
    assert (len(together), together.shape, together[:1].nbytes) == (9, (9, 3, 1, 1), 12)
    rows = np.array([[8, 0], [4, 1], [5, 2]])
    assert together[rows][..., 0, 0, 0].tolist() == [[4, 2], [3, 2], [4, 3]]
    out = np.empty((2, 3, 1, 1), np.float32)
    np.take(together, np.array([1, 2]), axis=0, out=out, mode="clip")
    assert out[:, 0, 0, 0].tolist() == [2, 3]


def test_trainings_of_one_process_share_the_joined_stamps_and_one_survey_is_itself():
    parts = [np.zeros((2, 3, 1, 1), np.float32) for _ in range(2)]
    assert joined(parts) is joined(parts)
    assert joined(parts) is not joined(parts[::-1])
    assert joined(parts[:1]) is parts[0]
    with pytest.raises(TypeError, match="never copied whole"):
        np.asarray(joined(parts))
    with pytest.raises(ValueError, match=r"one shape, found \[\(3, 1, 1\), \(3, 2, 2\)\]"):
        Joined([parts[0], np.zeros((2, 3, 2, 2), np.float32)])


def test_parts_are_the_unions_of_the_surveys_own_with_their_labels(files):
    data = data_of(files, NAMES)
    for part, labelled in (("train", data.source), ("validation", data.source_validation)):
        found = where(labelled.stamps[labelled.rows], files)
        own = {name: getattr(Splits.open(each.splits), part) for name, each in files.items()}
        assert found == [(name, row) for name in NAMES for row in own[name]]
        labels = {name: Stamps.open(each.stamps).labels for name, each in files.items()}
        assert labelled.labels.tolist() == [labels[name][row] for name, row in found]


@pytest.mark.parametrize("target", NAMES)
@pytest.mark.parametrize("sources", [NAMES, ("A", "B"), ("B", "C")])
def test_no_test_row_and_no_other_stamp_of_a_test_object_is_ever_seen(files, sources, target):
    rows = seen(data_of(files, sources, target), files)
    for name, each in files.items():
        survey, test = Stamps.open(each.stamps), Splits.open(each.splits).test
        assert not rows[name] & set(test)
        assert not set(survey.groups[sorted(rows[name])]) & set(survey.groups[test])
    assert set(sources) | {target} == {name for name in files if rows[name]}


@pytest.mark.parametrize("sources", [NAMES, ("A", "B")])
def test_shots_and_unlabelled_stamps_come_from_the_targets_split_as_always(files, sources):
    data, alone = data_of(files, sources, "C"), data_of(files, ("A",), "C")
    for name in ("target", "unlabelled", "target_validation"):
        assert getattr(data, name).rows.tolist() == getattr(alone, name).rows.tolist()


@pytest.mark.parametrize("method", ["baseline", "finetune", "mme"])
@pytest.mark.parametrize("target", ["B", "C"])
def test_flipped_test_labels_change_no_model(files, tmp_path, method, target):
    """Of all surveys, the target being one of the source's or not."""
    flipped = {}
    for name, each in files.items():
        path = write_survey(
            tmp_path, name, width={"A": 1.5, "B": 2.0, "C": 3.0}[name],
            count=len(Stamps.open(each.stamps)), groups=True,
        )  # fmt: skip
        flip_labels(path, Splits.open(each.splits).test)
        flipped[name] = replace(each, stamps=path)
    models = []
    for number, given in enumerate((files, flipped)):
        job = Job(tmp_path / str(number), CPU, 1, 9, None)
        start = plan_of(given, ("A", "B"), None, "baseline", None)
        train_cohort([start], job)
        plan = start
        if method != "baseline":
            plan = plan_of(given, ("A", "B"), target, method, job.record(start) / "model.pt")
            train_cohort([plan], job)
        models.append((job.record(plan) / "model.pt").read_bytes())
    assert models[0] == models[1]


def plan_of(files, sources, target, method, baseline, name="several"):
    run = Run(method, name, target, 2 if target else 0, 0)
    return Plan(
        run=run,
        folder=run.folder,
        method=method,
        network="bolivar",
        files={each: files[each] for each in dict.fromkeys([*sources, *([target] if target else [])])},
        baseline=baseline,
        options=OPTIONS[method],
        training=TRAINING,
        validation_shots=3 if target else 0,
        surveys=tuple(sources),
    )


@pytest.mark.parametrize(("batch_size", "epoch_size"), [(30, 300), (20, 200), (50, 200), (4, 40)])
def test_batches_have_the_surveys_in_equal_shares_or_one_stamp_apart(files, batch_size, epoch_size):
    data = data_of(files, NAMES)
    counts, labels = [], {name: [] for name in NAMES}
    for batch in epoch_batches(task_of(data, batch_size=batch_size, epoch_size=epoch_size), 1):
        found = [name for name, _ in where(batch.stamps.numpy(), files)]
        counts.append([found.count(name) for name in NAMES])
        for name, label in zip(found, batch.labels.tolist(), strict=True):
            labels[name].append(label)
    spread = [max(each) - min(each) for each in counts]
    assert max(spread) == (0 if batch_size % 3 == 0 else 1)
    totals = np.sum(counts, axis=0)
    assert totals.sum() == epoch_size
    assert totals.max() - totals.min() == (0 if epoch_size % 3 == 0 else 1)
    for own in labels.values():
        assert abs(2 * own.count(REAL) - len(own)) <= 1


def test_with_a_target_the_sources_half_of_a_batch_is_shared_by_its_surveys(files):
    data = data_of(files, NAMES, "C")
    shots = {("C", row) for row in Splits.open(files["C"].splits).shots(2)}
    for batch in epoch_batches(task_of(data, "mme"), 1):
        found = where(batch.stamps.numpy(), files)
        source, target = found[:10], found[10:]
        assert set(target) <= shots
        assert sorted([name for name, _ in source].count(name) for name in NAMES) == [3, 3, 4]


def test_one_survey_is_drawn_as_if_there_were_no_sources_of_several(files):
    """The random stream of the published study stays what it was."""
    task = task_of(data_of(files, ("A",)))
    generator, labelled = task.generator(1), task.data.source
    real = generator.choice(np.flatnonzero(labelled.labels == REAL), 50)
    bogus = generator.choice(np.flatnonzero(labelled.labels != REAL), 50)
    expected = labelled.rows[generator.permutation(np.concatenate([real, bogus]))]
    drawn = [row for batch in epoch_batches(task, 1) for _, row in where(batch.stamps.numpy(), files)]
    assert drawn == expected.tolist()


def test_each_survey_counts_the_same_in_the_validation(files):
    """300 stamps of one called rightly do not hide 30 of another called wrongly."""
    labels = np.array([1, 0] * 4 + [1, 0], np.uint8)
    stamps = joined([np.zeros((8, 3, 1, 1), np.float32), np.zeros((2, 3, 1, 1), np.float32)])
    task = task_of(replace(data_of(files, NAMES), source_validation=Labelled(stamps, np.arange(10), labels)))
    scores = np.where(labels == 1, 0.75, 0.25).astype(np.float32)
    scores[8:] = 0.25  # of the second survey, all are called bogus
    row = task.row(scores, epoch=1, train_loss=0, train_accuracy=0, learning_rate=0, seconds=0)
    assert row["validation_balanced_accuracy"] == pytest.approx((1 + 0.5) / 2)
    assert row["validation_accuracy"] == pytest.approx((1 + 0.5) / 2)
    losses = (-np.log(0.75), (-np.log(0.25) - np.log(0.75)) / 2)
    assert row["validation_loss"] == pytest.approx(np.mean(losses))


@pytest.mark.parametrize("free", [0, 1 << 30], ids=["streamed", "resident"])
def test_a_stack_gathers_the_same_stamps(files, free):
    task = task_of(data_of(files, NAMES))
    stamps, rows = task.data.source.stamps, draw_epoch(task, 1)[0].labelled[0][1]
    pools = Pools([task], free=lambda device: free)
    for batch, own in zip(pools.batches([stamps], rows[:, np.newaxis]), rows, strict=True):
        np.testing.assert_array_equal(batch[0].numpy(), np.moveaxis(stamps[own], 1, -1))


def test_a_run_is_scored_on_every_survey_and_on_their_mean(files, tmp_path):
    job = Job(tmp_path, CPU, 1, 9, None)
    plan = plan_of(files, ("A", "B"), None, "baseline", None)
    train_cohort([plan], job)
    metrics = read_json(job.record(plan) / "metrics.json")
    evaluation = metrics["evaluation"]
    assert list(evaluation) == ["A", "B", "several"]
    assert metrics["source_surveys"] == ["A", "B"]
    assert evaluation["several"]["recall_real"] == (
        (evaluation["A"]["recall_real"] + evaluation["B"]["recall_real"]) / 2
    )
    assert evaluation["several"]["n_real"] == evaluation["A"]["n_real"] + evaluation["B"]["n_real"]


def test_other_surveys_under_the_same_name_are_another_run(files):
    """With C as target the files are the same three whether C is in the source or not."""
    with_it, without = (plan_of(files, sources, "C", "finetune", None) for sources in (NAMES, NAMES[:2]))
    assert with_it.files == without.files
    assert with_it.key(CPU) != without.key(CPU)
