import pytest
import torch
from torch.nn import functional

from stampshift.methods import METHODS
from stampshift.methods.method import Batch
from stampshift.methods.mme import mean_entropy
from stampshift.networks import build_classifier

WEIGHT = 0.3
OPTIONS = {"temperature": 0.05, "entropy_weight": WEIGHT}


def batch(seed=0, count=8):
    generator = torch.Generator().manual_seed(seed)
    return Batch(
        stamps=torch.randn(count, 3, 21, 21, generator=generator),
        labels=torch.arange(count) % 2,
        unlabelled=torch.randn(count, 3, 21, 21, generator=generator),
    )


def classifier(head="prototype"):
    """In evaluation mode: neither dropout nor batch statistics blur the gradients."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return (
            build_classifier(head=head, size_pixels=21, temperature=0.05 if head == "prototype" else None)
            .double()
            .eval()
        )


def double(data):
    return Batch(data.stamps.double(), data.labels, data.unlabelled.double())


def gradients(module, loss):
    return torch.cat(
        [g.flatten() for g in torch.autograd.grad(loss, list(module.parameters()), retain_graph=True)]
    )


def test_mme_head_ascends_and_extractor_descends_the_entropy():
    """d(head) = grad(CE - lambda H) and d(extractor) = grad(CE + lambda H): Saito et al. 2019, eq. 2."""
    model, data = classifier(), double(batch())
    loss = METHODS["mme"].loss(model, data, OPTIONS)
    cross_entropy = functional.cross_entropy(model(data.stamps), data.labels)
    entropy = mean_entropy(model(data.unlabelled))
    torch.testing.assert_close(
        gradients(model.head, loss), gradients(model.head, cross_entropy - WEIGHT * entropy)
    )
    torch.testing.assert_close(
        gradients(model.extractor, loss), gradients(model.extractor, cross_entropy + WEIGHT * entropy)
    )


def test_an_mme_step_on_the_entropy_alone_moves_it_up_in_the_head_and_down_in_the_extractor():
    data = double(batch())
    for part, sign in (("head", 1), ("extractor", -1)):
        model = classifier()
        cross_entropy = functional.cross_entropy(model(data.stamps), data.labels)
        difference = METHODS["mme"].loss(model, data, OPTIONS) - cross_entropy  # -lambda H, reversed below
        parameters = list(getattr(model, part).parameters())
        steps = torch.autograd.grad(difference, parameters)
        before = mean_entropy(model(data.unlabelled)).item()
        with torch.no_grad():
            for parameter, step in zip(parameters, steps, strict=True):
                parameter -= 1e-4 * step
        assert sign * (mean_entropy(model(data.unlabelled)).item() - before) > 0


def test_without_entropy_weight_mme_is_cross_entropy():
    model, data = classifier(), double(batch())
    loss = METHODS["mme"].loss(model, data, {**OPTIONS, "entropy_weight": 0.0})
    torch.testing.assert_close(loss, functional.cross_entropy(model(data.stamps), data.labels))


def test_entropy_of_known_logits():
    torch.testing.assert_close(mean_entropy(torch.zeros(3, 2)), torch.log(torch.tensor(2.0)))
    certain_and_even = torch.tensor([[1000.0, 0.0], [0.0, 0.0]])
    torch.testing.assert_close(mean_entropy(certain_and_even), torch.log(torch.tensor(2.0)) / 2)
    probability = torch.tensor(0.8)
    logits = torch.stack([torch.log(probability), torch.log(1 - probability)])[None]
    expected = -(0.8 * torch.log(torch.tensor(0.8)) + 0.2 * torch.log(torch.tensor(0.2)))
    torch.testing.assert_close(mean_entropy(logits), expected)


def test_labelled_and_unlabelled_batches_have_statistics_of_their_own():
    """Two forwards of MME move the running means twice: 0.1 of the first, then 0.1 of the second."""
    model, data = classifier().train(), double(batch())
    first_norm = model.extractor[1]
    convolution = model.extractor[0]
    METHODS["mme"].loss(model, data, OPTIONS)
    means = [convolution(stamps).mean(dim=(0, 2, 3)) for stamps in (data.stamps, data.unlabelled)]
    torch.testing.assert_close(first_norm.running_mean, 0.9 * 0.1 * means[0] + 0.1 * means[1])


@pytest.mark.parametrize("name", ["baseline", "finetune"])
def test_the_other_methods_descend_the_cross_entropy_and_ignore_the_unlabelled(name):
    model, data = classifier("linear"), double(batch())
    loss = METHODS[name].loss(model, data, {})
    torch.testing.assert_close(loss, functional.cross_entropy(model(data.stamps), data.labels))


@pytest.mark.parametrize("name", sorted(METHODS))
def test_where_the_weights_come_from(name):
    method = METHODS[name]
    baseline = {key: value + 1 if value.is_floating_point() else value
                for key, value in classifier("linear").state_dict().items()}  # fmt: skip
    model = classifier(method.head)
    random = {key: value.clone() for key, value in model.state_dict().items()}
    method.initialise(model, baseline if "target" in method.labelled else None)
    state = model.state_dict()
    extractor = [key for key in state if key.startswith("extractor")]
    head = [key for key in state if key.startswith("head")]
    expected_extractor = {"baseline": random, "finetune": baseline, "mme": baseline}[name]
    expected_head = {"baseline": random, "finetune": baseline, "mme": random}[name]
    assert all(torch.equal(state[key], expected_extractor[key]) for key in extractor)
    assert all(torch.equal(state[key], expected_head[key]) for key in head)


@pytest.mark.parametrize("name", ["finetune", "mme"])
def test_adaptation_without_a_baseline_is_refused(name):
    with pytest.raises(ValueError, match="starts from a baseline"):
        METHODS[name].initialise(classifier(METHODS[name].head), None)


def test_what_each_method_sees():
    assert {name: (m.labelled, m.validation, m.uses_unlabelled) for name, m in METHODS.items()} == {
        "baseline": (("source",), "source", False),
        "finetune": (("target",), "target", False),
        "mme": (("source", "target"), "target", True),
    }
