"""Whether the lanes of a stack are right on a device: each as the run alone, whatever the others do."""

from functools import partial

import torch
from torch import nn

from gpu_grouped import grouped_features
from stampshift.methods import METHODS
from stampshift.networks import build_classifier
from stampshift.training.loop import Trainer
from stampshift.training.progress import Task
from stampshift.training.stacked import forms
from stampshift.training.stacked.lane import Lane
from stampshift.training.stacked.pools import Pools, free_bytes
from stampshift.training.stacked.stack import Stack
from training import OPTIONS, TRAINING

# largest difference from the run alone, in units of the largest gradient, after a number of steps: within a
# few of them a last digit grows in MME; a step that saw another's batch would differ by as much as a gradient
TOLERANCES = {1: 1e-3, 3: 0.1}


def tasks(method, data, lanes, device, epoch_size, precision="float32"):
    torch.manual_seed(0)
    start = build_classifier(network="bolivar", head="linear", size_pixels=21, temperature=None).state_dict()
    training = TRAINING | {
        "epoch_size": epoch_size,
        "patience_epochs": 100,
        "max_epochs": None,
        "keep": "first_best",
    }
    options = OPTIONS[method]
    made = METHODS[method](options)
    return [
        Task(f"{method}-{k}", made, "bolivar", data, k, options, training, start, device, precision)
        for k in range(lanes)
    ]


# the workflow's, of which a stack chooses one, and its first
FORMS = forms.FORMS | {"grouped": lambda extractor: partial(grouped_features, extractor)}


def stack_of(given, *, form=None, streamed=False, dropout=True):
    lanes = [Lane.start(task, None) for task in given]
    if not dropout:
        without_dropout(lanes[0].classifier)
    stack = Stack(lanes, pools=Pools(given, free=(lambda _: 0) if streamed else free_bytes))
    if form is not None:
        stack.model.form = forms.Form(form, FORMS[form](stack.model.extractor))
    return stack


def without_dropout(classifier):
    for layer in classifier.modules():
        if isinstance(layer, nn.Dropout | nn.Dropout2d):
            layer.p = 0.0


def largest_difference(found, expected):
    """Of the gradients so far (momentum), in units of the largest one, over all parameters."""
    largest = max(value.abs().max().item() for value in expected)
    pairs = zip(found, expected, strict=True)
    return max((a.cpu() - b.cpu()).abs().max().item() for a, b in pairs) / largest


def gradients(checkpoint):
    return [state["momentum_buffer"] for state in checkpoint["optimiser"]["state"].values()]


def differences(method, data, device, steps, lanes=4):
    """Largest differences after an epoch: from the run alone, without dropout, and from a stack of one."""
    given = tasks(method, data, lanes, device, steps * TRAINING["batch_size"])
    stack = stack_of(given, dropout=False)
    stack.run_epoch()
    alone = []
    for number, task in enumerate(given):
        with torch.random.fork_rng():
            trainer = Trainer(task)
            without_dropout(trainer.classifier)
            trainer.run_epoch()
        alone.append(largest_difference(gradients(stack.checkpoint(number)), gradients(trainer.checkpoint())))
    stack, single = stack_of(given), stack_of(given[-1:])
    stack.run_epoch()
    single.run_epoch()
    among = largest_difference(gradients(stack.checkpoint(lanes - 1)), gradients(single.checkpoint(0)))
    return max(alone), among


def a_nan_stays(method, data, device, lanes=4):
    stack = stack_of(tasks(method, data, lanes, device, 3 * TRAINING["batch_size"]))
    stack.run_epoch()
    stack.weights.lane(1).classifier["extractor.0.weight"].detach().fill_(float("nan"))
    return list(stack.run_epoch()) == [1]
