from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from fake_training import TRAINING as SHORT
from stampshift.methods import METHODS
from stampshift.methods.method import Batch
from stampshift.networks import build_classifier
from stampshift.networks.classifier import Classifier
from stampshift.training.data import TrainingData
from stampshift.training.keeping import RULES
from stampshift.training.loop import Trainer, descend, fit
from stampshift.training.progress import DivergedError, Progress, Task
from stampshift.training.sampler import epoch_batches
from stampshift.training.stopping import StoppedError

TRAINING = SHORT | {"batch_size": 10, "epoch_size": 40, "patience_epochs": 3, "max_epochs": 4}


def task(surveys, splits, **training):
    return Task(
        name="baseline/A/seed-0",
        method=METHODS["baseline"]({}),
        network="bolivar",
        data=TrainingData.of_source(surveys["A"], splits["A"]),
        entropy=7,
        options={},
        training={**TRAINING, **training},
        baseline=None,
        device=torch.device("cpu"),
    )


def run(given, checkpoint=None, save=lambda content: None, every=1000):
    return fit(
        given, checkpoint=checkpoint, save_checkpoint=save, checkpoint_epochs=every, on_epoch=lambda p: None
    )


def record(progress, scores, losses=None):
    """Feed validation scores to a progress; the classifier's bias holds the number of the epoch."""
    classifier = build_classifier(network="bolivar", head="linear", size_pixels=21, temperature=None)
    for score, loss in zip(scores, losses or [0.5] * len(scores), strict=True):
        with torch.no_grad():
            classifier.head.bias.fill_(progress.epoch + 1)
        row = {"validation_balanced_accuracy": score, "validation_loss": loss}
        progress.record(row, classifier.state_dict())


def test_the_weights_that_each_rule_keeps_and_no_others():
    progress = Progress()
    record(progress, [0.5, 0.8, 0.7, 0.8, 0.6], [0.6, 0.5, 0.2, 0.9, 0.2])
    kept = {"first_best": 2, "last_best": 4, "lowest_validation_loss": 3, "last": 5}
    assert progress.kept == kept
    biases = {epoch: state["head.bias"].tolist() for epoch, state in progress.states.items()}
    assert biases == {epoch: [epoch, epoch] for epoch in kept.values()}


@pytest.mark.parametrize(
    ("scores", "patience", "max_epochs", "finished"),
    [
        ([], 1, 1, False),
        ([0.8, 0.7], 2, None, False),
        ([0.8, 0.7, 0.8], 2, None, True),  # two epochs after the best, equal is not better
        ([0.5, 0.6, 0.7], 2, 3, True),
        ([0.5, 0.6, 0.7], 2, 4, False),
    ],
)
def test_when_a_training_stops(scores, patience, max_epochs, finished):
    progress = Progress()
    record(progress, scores)
    for keep in RULES:
        training = {"patience_epochs": patience, "max_epochs": max_epochs, "keep": keep}
        assert progress.finished(training) is finished


def test_the_epoch_that_ends_a_training_moves_with_its_best_one():
    progress, patient = Progress(), {"patience_epochs": 3, "max_epochs": None}
    ends = [progress.end(patient)]
    for score in (0.5, 0.4, 0.6, 0.6):
        record(progress, [score])
        ends.append(progress.end(patient))
    assert ends == [3, 4, 4, 6, 6]
    assert progress.end(patient | {"max_epochs": 5}) == 5


def test_a_perfect_validation_ends_a_training_only_where_the_first_best_epoch_is_kept():
    """With any other rule the whole patience is trained, counted from the first perfect epoch."""
    progress, training = Progress(), {"patience_epochs": 3, "max_epochs": None}
    record(progress, [0.9, 1.0])
    finished = {keep: progress.finished(training | {"keep": keep}) for keep in RULES}
    assert finished == {keep: keep == "first_best" for keep in RULES}
    record(progress, [1.0, 0.9])
    assert not progress.finished(training | {"keep": "last_best"})
    record(progress, [1.0])
    assert progress.finished(training | {"keep": "last_best"})


def test_one_training_yields_what_each_rule_would_have_kept(surveys, splits):
    """The trainings of the rules but the first are one; that of `first_best` is its beginning."""
    given = {keep: task(surveys, splits, epoch_size=200, max_epochs=9, keep=keep) for keep in RULES}
    found = {keep: run(each) for keep, each in given.items()}
    whole = found["last"]
    assert found["first_best"].epoch < whole.epoch
    for keep, progress in found.items():
        epoch = progress.kept[keep]
        assert epoch == whole.kept[keep]
        assert states_equal(progress.states[epoch], whole.states[epoch])


def test_the_restored_weights_score_what_the_best_epoch_scored(surveys, splits):
    from stampshift.metrics.metrics import evaluate
    from stampshift.training.model import Model, predict

    progress = run(task(surveys, splits, epoch_size=200, max_epochs=3))
    kept = progress.kept["first_best"]
    classifier = Model(progress.states[kept], "bolivar", "linear", 21, None).classifier(torch.device("cpu"))
    rows = splits["A"].validation
    scores = predict(classifier, surveys["A"].stamps, rows, device=torch.device("cpu"))
    again = evaluate(surveys["A"].labels[rows], scores)["balanced_accuracy"]
    assert again == progress.after(kept)["validation_balanced_accuracy"]
    assert again == max(row["validation_balanced_accuracy"] for row in progress.history)


def test_the_learning_rate_is_halved_every_so_many_iterations(surveys, splits):
    # 4 iterations per epoch, halved every 8: epochs 1-2, 3-4, 5-6
    progress = run(task(surveys, splits, halve_every_iterations=8, max_epochs=6, patience_epochs=9))
    rates = [row["learning_rate"] for row in progress.history]
    expected = [0.01, 0.01, 0.005, 0.005, 0.0025, 0.0025]
    assert rates == pytest.approx(expected[: len(rates)])
    assert len(rates) == 6


def states_equal(first, second):
    return all(torch.equal(first[key], second[key]) for key in first)


def same_weights(first, second):
    """Those that any of the rules keeps."""
    return first.states.keys() == second.states.keys() and all(
        states_equal(state, second.states[epoch]) for epoch, state in first.states.items()
    )


def test_a_training_that_was_interrupted_ends_with_the_same_weights(surveys, splits):
    whole = run(task(surveys, splits))
    checkpoints = []
    run(task(surveys, splits, max_epochs=2), save=checkpoints.append, every=2)
    resumed = run(task(surveys, splits), checkpoint=checkpoints[-1])
    assert same_weights(whole, resumed)
    losses = [[row["train_loss"] for row in progress.history] for progress in (whole, resumed)]
    assert losses[0] == losses[1]


def stopped_at(number):
    """Stands in for `stop_if_asked`: the job is asked to end at the batch of that number."""
    batches = iter(range(1, number + 1))

    def stop_if_asked():
        if next(batches) == number:
            raise StoppedError("stopped by SIGTERM")

    return stop_if_asked


@pytest.mark.parametrize("training", [{}, {"optimiser": "adam", "momentum": None}])
def test_a_training_asked_to_end_within_an_epoch_keeps_the_last_complete_one(
    surveys, splits, monkeypatch, training
):
    """Four batches an epoch; asked in the third epoch, and, going on, in the second one after that."""
    given = task(surveys, splits, **({"learning_rate": 1e-4, "patience_epochs": 9} | training))
    whole = run(given)
    assert whole.epoch == 4
    checkpoint, kept = None, []
    for batch, epochs in ((3, None), (10, 2), (2, 2), (7, 3)):
        monkeypatch.setattr("stampshift.training.loop.stop_if_asked", stopped_at(batch))
        with pytest.raises(StoppedError):
            run(given, checkpoint=checkpoint, save=kept.append)
        checkpoint = kept[-1] if kept else None
        assert (checkpoint and len(checkpoint["progress"]["history"])) == epochs
    monkeypatch.undo()
    resumed = run(given, checkpoint=checkpoint)
    assert same_weights(whole, resumed)
    losses = [[row["train_loss"] for row in progress.history] for progress in (whole, resumed)]
    assert losses[0] == losses[1]


def test_training_leaves_the_global_random_state_alone(surveys, splits):
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    run(task(surveys, splits, max_epochs=1))
    assert torch.rand(1) == expected
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002


def test_the_result_depends_on_the_run_and_not_on_what_ran_before(surveys, splits):
    first = run(task(surveys, splits, max_epochs=1))
    torch.rand(100)
    second = run(task(surveys, splits, max_epochs=1))
    assert same_weights(first, second)


def test_one_step_is_momentum_sgd(surveys, splits):
    """After one epoch of one batch: weight - learning rate x gradient, momentum starting from nothing."""
    given = task(surveys, splits, epoch_size=10)
    with torch.random.fork_rng():
        trainer = Trainer(given)
        before = trainer.classifier.head.weight.detach().clone()
        trainer.run_epoch()
        gradient = trainer.classifier.head.weight.grad
        torch.testing.assert_close(trainer.classifier.head.weight.detach(), before - 0.01 * gradient)


def test_a_loss_that_is_nan_names_run_and_epoch(surveys, splits):
    with pytest.raises(DivergedError, match=r"baseline/A/seed-0: the training loss is nan in epoch 1; lower"):
        run(task(surveys, splits, learning_rate=1e30))


# ---- Adam, a constant rate, passes ------------------------------------------------------------------------


ADAM = {"optimiser": "adam", "momentum": None, "halve_every_iterations": None, "epoch_size": None}


def test_the_first_step_of_adam_moves_every_weight_by_the_learning_rate(surveys, splits):
    """Its moments are then the gradient and its square: the step is rate x g / (|g| + 1e-8)."""
    with torch.random.fork_rng():
        trainer = Trainer(task(surveys, splits, **(ADAM | {"batch_size": 400})))
        before = trainer.classifier.head.weight.detach().clone()
        trainer.run_epoch()
        gradient = trainer.classifier.head.weight.grad
    moved = trainer.classifier.head.weight.detach() - before
    torch.testing.assert_close(moved, -0.01 * gradient / (gradient.abs() + 1e-8), rtol=1e-4, atol=1e-7)


def test_a_learning_rate_that_is_never_halved_stays(surveys, splits):
    progress = run(task(surveys, splits, **ADAM))
    assert [row["learning_rate"] for row in progress.history] == [0.01] * len(progress.history)


def test_adam_continues_from_a_checkpoint_with_the_same_weights(surveys, splits):
    training = ADAM | {"learning_rate": 1e-5, "batch_size": 100, "patience_epochs": 9}
    whole = run(task(surveys, splits, **training))
    checkpoints = []
    run(task(surveys, splits, **(training | {"max_epochs": 2})), save=checkpoints.append, every=2)
    resumed = run(task(surveys, splits, **training), checkpoint=checkpoints[-1])
    assert len(whole.history) == 4
    assert same_weights(whole, resumed)
    assert whole.history[-1]["train_loss"] == resumed.history[-1]["train_loss"]


def test_the_validation_loss_is_the_cross_entropy_of_the_validation_part(surveys, splits):
    with torch.random.fork_rng():
        trainer = Trainer(task(surveys, splits))
        trainer.run_epoch()
    rows = splits["A"].validation
    with torch.inference_mode():
        logits = trainer.classifier.eval()(torch.from_numpy(surveys["A"].stamps[rows]))
        labels = torch.from_numpy(surveys["A"].labels[rows].astype(np.int64))
        expected = nn.functional.cross_entropy(logits, labels).item()
    (row,) = trainer.progress.history
    assert row["validation_loss"] == pytest.approx(expected, rel=1e-4)
    assert row["validation_accuracy"] == (logits.argmax(dim=1) == labels).double().mean().item()


def test_a_network_of_one_logit_trains_in_the_same_loop(surveys, splits):
    progress = run(replace(task(surveys, splits, **(ADAM | {"learning_rate": 0.001})), network="network_1"))
    kept = progress.kept["first_best"]
    assert progress.states[kept]["head.logit.weight"].shape == (1, 51)
    assert progress.after(kept)["validation_balanced_accuracy"] > 0.9


# ---- two steps per iteration, on a network small enough to differentiate by hand --------------------------


def softmax(logits):
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def cross_entropy_by_logits(logits, labels):
    return (softmax(logits) - np.eye(2)[labels]) / len(labels)


def entropy_by_logits(logits):
    """Gradient of the mean entropy: dH/dz = -p (ln p + H), stamp by stamp."""
    p = softmax(logits)
    entropy = -(p * np.log(p)).sum(axis=1, keepdims=True)
    return -p * (np.log(p) + entropy) / len(logits)


def test_two_steps_are_those_of_saito_et_al():
    """Step 1: extractor and head descend CE. Step 2, at the new weights: head up, extractor down lambda H."""
    generator = np.random.default_rng(0)
    labelled, unlabelled = generator.normal(size=(2, 6, 4))
    labels = np.arange(6) % 2
    extractor, head = generator.normal(size=(3, 4)), generator.normal(size=(2, 3))
    model = Classifier(nn.Linear(4, 3, bias=False), nn.Linear(3, 2, bias=False)).double()
    model.load_state_dict({"extractor.weight": torch.tensor(extractor), "head.weight": torch.tensor(head)})
    rate, weight = 0.1, 0.3
    options = {
        "labelled": ["source", "target"],
        "head": "random",
        "steps": "two",
        "epoch": "together",
        "entropy_weight": weight,
    }
    descend(
        METHODS["mme"](options),
        model,
        Batch(torch.tensor(labelled), torch.tensor(labels), torch.tensor(unlabelled)),
        options,
        optimiser=torch.optim.SGD(model.parameters(), lr=rate),
        arithmetic=nullcontext(),
    )

    features = labelled @ extractor.T
    by_logits = cross_entropy_by_logits(features @ head.T, labels)
    head_1 = head - rate * by_logits.T @ features
    extractor_1 = extractor - rate * (by_logits @ head).T @ labelled
    features = unlabelled @ extractor_1.T
    by_logits = entropy_by_logits(features @ head_1.T)
    head_2 = head_1 + rate * weight * by_logits.T @ features
    extractor_2 = extractor_1 - rate * weight * (by_logits @ head_1).T @ unlabelled
    np.testing.assert_allclose(model.head.weight.detach(), head_2, rtol=1e-10)
    np.testing.assert_allclose(model.extractor.weight.detach(), extractor_2, rtol=1e-10)


def test_an_iteration_of_two_steps_is_one_for_the_learning_rate(surveys, splits):
    options = {
        "labelled": ["source", "target"],
        "head": "random",
        "steps": "two",
        "epoch": "together",
        "temperature": 0.05,
        "entropy_weight": 0.1,
    }
    source = TrainingData.of_source(surveys["A"], splits["A"])
    data = source.with_target(surveys["B"], splits["B"], shots=2, validation_shots=5)
    baseline = build_classifier(
        network="bolivar", head="linear", size_pixels=21, temperature=None
    ).state_dict()
    given = replace(
        task(surveys, splits, halve_every_iterations=4),  # 4 iterations per epoch
        method=METHODS["mme"](options),
        data=data,
        options=options,
        baseline=baseline,
    )
    with torch.random.fork_rng():
        trainer = Trainer(given)
        trainer.run_epoch()
        trainer.run_epoch()
    assert [row["learning_rate"] for row in trainer.progress.history] == [0.01, 0.005]


# ---- halving by epochs, stopping on the loss, and the accuracy of the training ----------------------------

BY_EPOCHS = {
    "halve_every_iterations": None,
    "halve_every_epochs": 2,
    "patience_epochs": 9,
    "max_epochs": 5,
    "keep": "last",
}


def learning_rates_of(progress):
    return [row["learning_rate"] for row in progress.history]


@pytest.mark.parametrize("epoch_size", [40, None])
def test_the_learning_rate_is_halved_every_so_many_epochs_of_any_length(surveys, splits, epoch_size):
    training = BY_EPOCHS | {"epoch_size": epoch_size, "batch_size": 10 if epoch_size else 30}
    progress = run(task(surveys, splits, **training))
    assert learning_rates_of(progress) == [0.01, 0.01, 0.005, 0.005, 0.0025]


def test_a_training_that_goes_on_halves_in_the_same_epochs(surveys, splits):
    checkpoints = []
    run(task(surveys, splits, **(BY_EPOCHS | {"max_epochs": 3})), save=checkpoints.append, every=3)
    resumed = run(task(surveys, splits, **BY_EPOCHS), checkpoint=checkpoints[-1])
    assert learning_rates_of(resumed) == [0.01, 0.01, 0.005, 0.005, 0.0025]


@pytest.mark.parametrize("keep", ["first_best", "last_best", "lowest_validation_loss", "last"])
@pytest.mark.parametrize(
    ("stop_on", "expected"),
    [({}, 4), ({"stop_on": "validation_balanced_accuracy"}, 4), ({"stop_on": "validation_loss"}, 6)],
)
def test_the_patience_waits_for_the_accuracy_or_for_the_loss_whatever_is_kept(keep, stop_on, expected):
    """The accuracy is best in epoch 2, the loss in epoch 4; patience 2."""
    training = {"patience_epochs": 2, "max_epochs": None, "keep": keep, **stop_on}
    scores, losses = [0.7, 0.9, 0.9, 0.8, 0.8, 0.8], [0.9, 0.5, 0.4, 0.3, 0.3, 0.6]
    progress, ended = Progress(), None
    for epoch, (score, loss) in enumerate(zip(scores, losses, strict=True), start=1):
        record(progress, [score], [loss])
        if ended is None and progress.finished(training):
            ended = epoch
    assert ended == expected


def test_the_training_accuracy_is_that_of_the_batches_as_they_were_trained_on(surveys, splits):
    """Of one batch, the whole train part: the calls before the first step, with dropout."""
    given = task(surveys, splits, **(ADAM | {"batch_size": 400, "max_epochs": 1}))
    (batch,) = epoch_batches(given, 1)
    with torch.random.fork_rng():
        trainer = Trainer(given)
        torch.manual_seed(given.torch_seed(1))
        called = trainer.classifier.train()(batch.stamps).argmax(dim=1)
    (row,) = run(given).history
    assert row["train_accuracy"] == pytest.approx((called == batch.labels).double().mean().item(), abs=1e-6)
    assert 0 < row["train_accuracy"] < 1
