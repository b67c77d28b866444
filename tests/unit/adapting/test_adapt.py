import re
from dataclasses import replace

import h5py
import numpy as np
import pandas as pd
import pytest
import torch

from adaptation import MME, TRAINING, worse_with_every_epoch, write_some
from fake_surveys import flip_labels
from stampshift.adapting.adapt import Adaptation, adapt_model, check_output
from stampshift.adapting.trainings import final_training, held_out_scores, training_without_labels
from stampshift.core.digests import read_digests
from stampshift.core.errors import ConfigError, ContractError
from stampshift.metrics.change import Change
from stampshift.stamps.file import UNLABELLED
from stampshift.stamps.writer import stamps_writer


def run(setting, *, epochs=3, test=None, processes=1):
    return adapt_model(
        replace(setting, test=test), epochs=epochs, epochs_unjudged=2, processes=processes, progress=False
    )


def test_a_training_sees_the_shots_that_it_is_given_and_the_pile_without_labels(setting):
    few = setting.few_labels
    data = setting.task(few.labelled[:4], few.pile, number=1).data
    assert data.target.rows.tolist() == few.labelled[:4].tolist()
    assert len(data.target.labels) == 4
    assert not hasattr(data.unlabelled, "labels")
    assert (setting.target_stamps.labels[data.unlabelled.rows] == UNLABELLED).all()
    assert data.source.rows.tolist() == setting.source_splits.train.tolist()


def test_no_label_of_a_held_out_stamp_reaches_the_training_that_scores_it(setting):
    fold = setting.few_labels.folds(seed=setting.seed)[1]
    before = held_out_scores(setting, epochs=2, processes=1, progress=False)
    # a swap of two labels: the stamps of the fold exchange theirs, and folds stay as they are
    flip_labels(setting.target, fold.held_out)
    swapped = replace(setting)
    swapped.few_labels.__dict__.update(setting.few_labels.__dict__)
    after = held_out_scores(swapped, epochs=2, processes=1, progress=False)
    of_fold = before["row"].isin(fold.held_out)
    assert before["score"][of_fold].tolist() == after["score"][of_fold].tolist()
    assert before["score"][~of_fold].tolist() != after["score"][~of_fold].tolist()


def test_adapting_to_a_survey_that_the_model_cannot_call_gains(setting, test_file):
    adaptation = run(setting, test=test_file)
    held_out, source, test = adaptation.changes
    assert [held_out.stamps, source.stamps, test.stamps] == [
        "labelled stamps, held out in turn",
        "test part",
        "test file",
    ]
    assert [held_out.survey, source.survey, test.survey] == ["B", "A", "B"]
    assert test.before["balanced_accuracy"] < 0.6 < 0.9 < test.after["balanced_accuracy"]
    assert source.gain > 0.3
    assert adaptation.model.head == "prototype"
    assert adaptation.record["shots"] == {"real": 3, "bogus": 3}
    chosen = adaptation.history.loc[adaptation.history["chosen"], "epoch"].tolist()
    assert chosen == [adaptation.record["epochs"]]
    assert adaptation.history["train_loss"].notna().sum() == adaptation.record["epochs"]


def test_without_a_terminal_every_training_prints_a_line_a_minute(finetuning, without_labels, told):
    quick = {"training": TRAINING | {"epoch_size": 20}}
    short = replace(finetuning, **quick)
    held_out_scores(short, epochs=2, processes=1, progress=True)
    assert told()[:4] == [
        "fold 1 of 3: 1 of 2 epochs in 0:01:00; 0:01:00 remaining",
        "fold 1 of 3: 2 of 2 epochs in 0:02:00; 0:00:00 remaining",
        "folds: 1 of 3 in 0:04:00; 0:08:00 remaining",
        "fold 2 of 3: 1 of 2 epochs in 0:01:00; 0:01:00 remaining",
    ]
    final_training(short, epochs=2, progress=True)
    assert told()[0] == "final training: 1 of 2 epochs in 0:01:00; 0:01:00 remaining"
    training_without_labels(replace(without_labels, **quick), epochs=1, progress=True)
    assert told() == ["training: 1 of 1 epochs in 0:01:00; 0:00:00 remaining"]


def test_the_number_of_processes_changes_no_byte(setting, tmp_path):
    for processes in (1, 2):
        adaptation = run(setting, processes=processes)
        adaptation.save(tmp_path / str(processes))
    for name in ("model.pt", "history.parquet", "validation.parquet", "predictions.parquet", "adaptation.md"):
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes(), name


def test_an_adaptation_is_written_whole_or_not_at_all(setting, tmp_path, monkeypatch):
    """The report is written before the run's files: a folder with one of the two would be a mixture."""
    adaptation = run(setting, epochs=1)
    adaptation.save(tmp_path / "out" / "adapted")
    names = {path.name for path in (tmp_path / "out" / "adapted").iterdir()}
    assert set(read_digests(tmp_path / "out" / "adapted")) == names - {"SHA256SUMS"}
    before = {name: (tmp_path / "out" / "adapted" / name).read_bytes() for name in names}

    with pytest.raises(
        ContractError, match=r"adapted: already exists; give another --output, or --overwrite"
    ):
        adaptation.save(tmp_path / "out" / "adapted")

    def killed(*arguments, **options):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("stampshift.training.run_folder.write_json", killed)
        with pytest.raises(KeyboardInterrupt):
            adaptation.save(tmp_path / "out" / "adapted", overwrite=True)
        with pytest.raises(KeyboardInterrupt):
            adaptation.save(tmp_path / "out" / "another")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["adapted"]
    assert {name: (tmp_path / "out" / "adapted" / name).read_bytes() for name in names} == before

    (tmp_path / "out" / "adapted" / "metrics.json").write_text("{}")
    adaptation.save(tmp_path / "out" / "adapted", overwrite=True)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["adapted"]
    assert {name: (tmp_path / "out" / "adapted" / name).read_bytes() for name in names} == before


def test_files_that_an_adaptation_does_not_write_are_never_overwritten(tmp_path):
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(
        ContractError, match=r"cannot be overwritten: it holds thesis\.tex, which this command"
    ):
        check_output(tmp_path, overwrite=True)


def test_stamps_that_changed_since_they_were_written_are_not_adapted_to(setting):
    with h5py.File(setting.target, "r+") as file:
        file["stamps"][3, 1, 4, 4] += 1
    with pytest.raises(ContractError, match="its content has changed since it was written"):
        run(setting, epochs=1)


def test_test_labels_reach_neither_the_model_nor_the_choice_of_the_epoch(setting, test_file):
    first = run(setting, test=test_file)
    flip_labels(test_file, np.arange(100))
    second = run(setting, test=test_file)
    assert all(torch.equal(value, second.model.state[name]) for name, value in first.model.state.items())
    assert first.record["epochs"] == second.record["epochs"]
    assert first.changes[-1].after["balanced_accuracy"] == pytest.approx(
        1 - second.changes[-1].after["balanced_accuracy"]
    )


def test_stamps_of_a_test_file_that_people_left_undecided_judge_nothing(setting, surveys, tmp_path):
    rows = np.arange(300, 400)
    labels = surveys["B"].labels[rows]
    undecided = np.where(rows % 4, labels, UNLABELLED)
    decided = write_some(
        tmp_path / "decided.h5", surveys["B"], rows[rows % 4 > 0], labels[rows % 4 > 0].tolist()
    )
    some = write_some(tmp_path / "some.h5", surveys["B"], rows, undecided.tolist())
    one, other = (run(setting, test=path) for path in (decided, some))
    assert one.changes[-1] == other.changes[-1]
    judged = other.predictions.query("survey == 'B'")
    assert judged["row"].tolist() == np.flatnonzero(undecided != UNLABELLED).tolist()


def test_a_test_file_with_a_candidate_of_the_adaptation_is_refused(setting, few):
    with pytest.raises(ContractError, match=r"expected candidates that the adaptation does not see, found 4"):
        run(setting, test=few(real=2, bogus=2, unlabelled=0))


def test_a_test_file_of_known_objects_or_pixels_is_refused(setting, surveys, tmp_path):
    objects = np.array([f"object {row // 4}" for row in range(len(surveys["B"]))])
    survey = replace(surveys["B"], groups=objects)
    labels = survey.labels[:40].tolist()
    labels[8:] = [UNLABELLED] * 32
    setting = replace(setting, target=write_some(tmp_path / "few.h5", survey, np.arange(40), labels))
    rows = np.arange(38, 60)  # the object of 38 and 39 has been seen, without a label
    survey = replace(survey, ids=np.char.add(survey.ids, "-later"))
    nameless = replace(survey, groups=np.full(len(survey), ""))
    for words, shown in (("objects", survey), ("pixels", nameless)):
        later = write_some(tmp_path / "later.h5", shown, rows, survey.labels[rows].tolist())
        message = rf"later\.h5: expected {words} that .* found 2 stamps whose {words} are in"
        with pytest.raises(ContractError, match=message):
            run(setting, test=later)


def test_a_test_file_of_one_class_is_refused(setting, surveys, tmp_path):
    reals = 300 + np.flatnonzero(surveys["B"].labels[300:] == 1)
    path = write_some(tmp_path / "reals.h5", surveys["B"], reals, [1] * len(reals))
    with pytest.raises(ContractError, match=r"expected stamps of both classes, found \d+ real and 0"):
        run(setting, test=path)


def test_labels_drawn_by_lot_per_object_are_not_learnt(setting, tmp_path):
    """Four alerts of each of twelve objects look alike; who sees one of them knows the others' label."""
    generator = np.random.default_rng(3)
    looks = generator.normal(0, 3, (12, 3, 21, 21))
    lot = generator.permutation([1] * 6 + [0] * 6)
    alerts = np.repeat(np.arange(12), 4)
    pixels = (looks[alerts] + generator.normal(0, 0.3, (48, 3, 21, 21))).astype(np.float32)
    for groups in ([f"object {number}" for number in alerts], [""] * 48):
        with stamps_writer(tmp_path / "lot.h5", survey="B", size_pixels=21) as writer:
            names = ["star" if lot[number] else "ghost" for number in alerts]
            ids = [f"alert {row}" for row in range(48)]
            writer.append(pixels, labels=lot[alerts], classes=names, ids=ids, groups=groups)
            writer.describe({"normalisation": "channel"})
        lottery = replace(setting, target=tmp_path / "lot.h5", method="finetune", options={})
        (held_out, _) = run(lottery, epochs=8).changes
        if groups[0]:
            assert held_out.after["balanced_accuracy"] < 0.7
        else:  # nobody says that they belong together
            assert held_out.after["balanced_accuracy"] > 0.9


def test_with_one_label_of_a_class_nothing_is_held_out_and_the_report_says_so(setting, few):
    adaptation = run(replace(setting, target=few(real=1, bogus=4)))
    assert adaptation.validation.empty
    assert adaptation.record["epochs"] == 2
    assert [change.survey for change in adaptation.changes] == ["A"]
    assert "the gain on the target is unknown" in adaptation.report()


def test_fine_tuning_can_do_without_the_source_and_the_report_says_what_is_not_known(finetuning):
    adaptation = run(finetuning)
    assert [change.survey for change in adaptation.changes] == ["B"]
    assert adaptation.model.head == "linear"
    assert adaptation.record["source"] == "A"
    assert adaptation.record["files"]["source_stamps"] is None
    assert "The loss on the model's own survey is unknown" in adaptation.report()


def test_minimax_entropy_cannot_do_without_the_source(setting):
    with pytest.raises(ConfigError, match=r"mme trains on the source's labelled stamps too.*--source-stamps"):
        run(replace(setting, source=None))


def test_minimax_entropy_asks_for_unlabelled_stamps(setting, few):
    with pytest.raises(ConfigError, match=r"mme needs unlabelled stamps, but all stamps of .* have labels"):
        run(replace(setting, target=few(real=2, bogus=2, unlabelled=0)))


@pytest.mark.parametrize("part", ["train", "validation", "test"])
def test_splits_of_the_source_without_a_class_are_refused_before_any_training(setting, tmp_path, part):
    whole, labels = setting.source_splits, setting.source_stamps.labels
    none = np.array([], dtype=np.int64)
    if part == "test":
        lacking = replace(whole, test=whole.test[labels[whole.test] == 0])
    else:
        lacking = replace(whole, **{f"{part}_real": none})
    lacking.save(tmp_path / "lacking.npz")
    files = setting.source._replace(splits=tmp_path / "lacking.npz")
    with pytest.raises(
        ContractError,
        match=rf"A: .* both classes in every part of .*lacking.npz, found 0 real and .* the {part} part",
    ):
        run(replace(setting, source=files))


def test_stamps_of_another_normalisation_are_refused(setting):
    vars(setting)["source_stamps"] = replace(setting.source_stamps, attributes={"normalisation": "channel"})
    vars(setting)["target_stamps"] = replace(
        setting.target_stamps, attributes={"normalisation": "difference_mad"}
    )
    with pytest.raises(
        ContractError,
        match=r"B: .* by 'difference_mad', those of A: by 'channel'\. Make the stamps again with `",
    ):
        setting.check()


def test_fine_tuning_refuses_a_prototype_head(setting, finetuning, tmp_path):
    run(setting, epochs=1).model.save(tmp_path / "prototype.pt")
    with pytest.raises(
        ConfigError, match=r"fine-tuning continues from a linear head, but .* has a prototype head"
    ):
        run(replace(finetuning, model=tmp_path / "prototype.pt"))


def test_the_model_stays_as_it_was_where_adapting_harmed(setting, monkeypatch, tmp_path):
    monkeypatch.setattr("stampshift.adapting.adapt.held_out_scores", worse_with_every_epoch)
    adaptation = run(setting)
    assert adaptation.record["epochs"] == 0
    assert adaptation.model.head == "linear"
    start = setting.starting_model.state
    assert all(torch.equal(value, start[name]) for name, value in adaptation.model.state.items())
    assert adaptation.validation["epoch"].unique().tolist() == [0]
    assert [change.gain for change in adaptation.changes][1:] == [0]
    assert adaptation.history.loc[adaptation.history["chosen"], "epoch"].tolist() == [0]
    assert "**The model stays as it was**: adapted ones called the held-out" in adaptation.report()
    adaptation.save(tmp_path / "adapted")

    adapted = run(replace(setting, training=setting.training | {"fallback": False}))
    assert adapted.record["epochs"] == 1
    assert adapted.model.head == "prototype"


def test_a_rule_chooses_the_number_of_epochs(setting):
    last = replace(setting, training=setting.training | {"keep": "last"})
    assert run(last, epochs=3).record["epochs"] == 3


# ---- no label at all --------------------------------------------------------------------------------------


@pytest.fixture
def without_labels(setting, few):
    return replace(setting, target=few(real=0, bogus=0))


def test_without_labels_only_the_unlabelled_stamps_and_the_source_are_seen(without_labels):
    few = without_labels.few_labels
    task = without_labels.task(few.labelled, few.pile, number=0)
    assert task.data.target is None
    assert task.data.target_validation is None
    assert task.method.labelled == ("source",)
    assert task.validation.rows.tolist() == without_labels.source_splits.validation.tolist()
    assert task.data.unlabelled.rows.tolist() == few.pile.tolist()
    assert not hasattr(task.data.unlabelled, "labels")


def test_without_labels_the_source_chooses_the_epoch_and_no_held_out_verdict_is_given(
    without_labels, test_file
):
    adaptation = run(without_labels)
    assert adaptation.validation.empty
    assert adaptation.record["shots"] == {"real": 0, "bogus": 0}
    assert adaptation.record["options"]["labelled"] == ["source"]
    assert [change.survey for change in adaptation.changes] == ["A"]
    report = adaptation.report()
    assert "0 real and 0 bogus labels and 90 unlabelled stamps" in report
    assert "no verdict on held-out stamps can be given: the gain on the target is unknown" in report
    history = adaptation.history
    assert history["epoch"].tolist() == [1, 2, 3]
    best = history.sort_values(
        ["validation_balanced_accuracy", "validation_loss", "epoch"], ascending=[False, True, True]
    )
    assert history.loc[history["chosen"], "epoch"].tolist() == [best["epoch"].iloc[0]]
    assert adaptation.record["epochs"] == best["epoch"].iloc[0]

    judged = run(without_labels, test=test_file)  # labels that judge and do nothing else
    assert [change.stamps for change in judged.changes] == ["test part", "test file"]
    assert all(torch.equal(value, judged.model.state[name]) for name, value in adaptation.model.state.items())


def test_without_labels_the_kept_weights_are_those_of_the_chosen_epoch(without_labels):
    """The training is one: ending it there gives the same model."""
    last = replace(without_labels, training=without_labels.training | {"keep": "last"})
    longer = run(replace(without_labels, training=without_labels.training | {"keep": "first_best"}), epochs=4)
    shorter = run(last, epochs=longer.record["epochs"])
    assert all(torch.equal(value, longer.model.state[name]) for name, value in shorter.model.state.items())


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"method": "finetune", "options": {}},
            r"finetune trains on labels of the new survey, but no stamp of .*-100\.h5 has one; label some",
        ),
        ({"options": MME | {"entropy_weight": 0}}, r"only the entropy .* give an --entropy-weight above 0"),
        ({"source": None}, r"mme trains on the source's labelled stamps too"),
    ],
)
def test_what_cannot_adapt_without_labels_says_so(without_labels, changed, message):
    with pytest.raises(ConfigError, match=message):
        run(replace(without_labels, **changed))


@pytest.mark.parametrize(("after", "doubted"), [(0.4, True), (0.6, False)])
def test_a_report_doubts_a_model_that_its_own_verdict_calls_worse(after, doubted):
    labels = np.array([1, 1, 0, 0])
    before, later = np.array([0.9, 0.6, 0.1, 0.1]), np.array([0.9, after, 0.1, 0.1])
    change = Change.between(before, later, labels=labels, survey="Rubin", stamps="labelled stamps")
    record = {
        "source": "HiTS", "target": "Rubin", "method": "mme", "epochs": 3, "unlabelled": 100,
        "shots": {"real": 2, "bogus": 2}, "files": {"source_stamps": "HiTS.h5"},
    }  # fmt: skip
    nothing, validation = pd.DataFrame(), pd.DataFrame({"score": later})
    report = Adaptation(None, nothing, validation, nothing, [change], record).report()
    assert ("**Doubt this model**" in report) == doubted


def test_the_table_of_what_was_gained_fits_a_terminal():
    """A column for each judgement, of which there are three at most."""
    labels, rng = np.repeat([1, 0], 500), np.random.default_rng(0)
    judged = [("Rubin", "labelled stamps, held out in turn"), ("HiTS", "test part"), ("Rubin", "test file")]
    changes = [
        Change.between(rng.random(1000), rng.random(1000), labels=labels, survey=survey, stamps=stamps)
        for survey, stamps in judged
    ]
    record = {
        "source": "HiTS", "target": "Rubin", "method": "mme", "epochs": 3, "unlabelled": 100,
        "shots": {"real": 20, "bogus": 20}, "files": {"source_stamps": "HiTS.h5"},
    }  # fmt: skip
    nothing = pd.DataFrame()
    report = Adaptation(None, nothing, nothing, nothing, changes, record).report()
    lines = [line for line in report.splitlines() if line.startswith("|")]
    assert max(map(len, lines)) <= 100
    heads = [cell.strip() for cell in lines[0].split("|")[1:-1]]
    assert heads == ["judged on", "Rubin, held out in turn", "HiTS, test part", "Rubin, test file"]
    assert re.search(r"\| stamps +\| 500 real, 500 bogus +\|", report)
