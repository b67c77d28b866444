import pytest
import torch
from torch.nn import functional

from stampshift.config.experiment import ZERO_LABEL_METHODS
from stampshift.methods import METHODS
from stampshift.methods.method import Batch
from stampshift.methods.mme import mean_entropy
from stampshift.networks import build_classifier
from stampshift.networks.classifier import reverse_gradient

WEIGHT = 0.3
OPTIONS = {
    "labelled": ["source", "target"],
    "head": "random",
    "steps": "one",
    "epoch": "together",
    "temperature": 0.05,
    "entropy_weight": WEIGHT,
}


def build(name, **options):
    return METHODS[name]({**OPTIONS, **options})


def mme_loss(model, data):
    (loss,) = build("mme").losses
    return loss(model, data, OPTIONS)


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
            build_classifier(
                network="bolivar",
                head=head,
                size_pixels=21,
                temperature=0.05 if head == "prototype" else None,
            )
            .double()
            .eval()
        )


def double(data):
    return Batch(data.stamps.double(), data.labels, data.unlabelled.double())


def gradients(module, loss):
    return torch.cat(
        [g.flatten() for g in torch.autograd.grad(loss, list(module.parameters()), retain_graph=True)]
    )


@pytest.mark.parametrize("name", METHODS)
def test_a_method_chooses_its_epoch_on_the_survey_of_its_labels(name):
    """The baseline and training further know one survey; others are validated on the target."""
    alone = ("baseline", "further", *ZERO_LABEL_METHODS)
    assert build(name).validation == ("source" if name in alone else "target")


def test_mme_head_ascends_and_extractor_descends_the_entropy():
    """d(head) = grad(CE - lambda H) and d(extractor) = grad(CE + lambda H): Saito et al. 2019, eq. 2."""
    model, data = classifier(), double(batch())
    loss = mme_loss(model, data)
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
        difference = mme_loss(model, data) - cross_entropy  # -lambda H, reversed below
        parameters = list(getattr(model, part).parameters())
        steps = torch.autograd.grad(difference, parameters)
        before = mean_entropy(model(data.unlabelled)).item()
        with torch.no_grad():
            for parameter, step in zip(parameters, steps, strict=True):
                parameter -= 1e-4 * step
        assert sign * (mean_entropy(model(data.unlabelled)).item() - before) > 0


def test_the_default_loss_is_bit_by_bit_the_published_one():
    """CE - lambda H behind the reversal, written out: the same loss and gradients, to the last bit."""
    for seed in range(3):
        model = classifier().float()
        data = batch(seed)
        loss = mme_loss(model, data)
        cross_entropy = functional.cross_entropy(model(data.stamps), data.labels)
        entropy = mean_entropy(model.head(reverse_gradient(model.extractor(data.unlabelled))))
        written_out = cross_entropy - WEIGHT * entropy
        assert torch.equal(loss, written_out)
        assert torch.equal(gradients(model, loss), gradients(model, written_out))


@pytest.mark.parametrize("steps", ["one", "two"])
def test_without_entropy_mme_descends_the_cross_entropy_alone(steps):
    """S+T of Saito et al. (2019): exactly its gradients, and no unlabelled batch is asked for."""
    method = build("mme", entropy_weight=0, steps=steps)
    assert not method.uses_unlabelled
    model, data = classifier(), double(batch())
    (loss_of,) = method.losses
    loss = loss_of(model, Batch(data.stamps, data.labels, None), {**OPTIONS, "entropy_weight": 0})
    cross_entropy = functional.cross_entropy(model(data.stamps), data.labels)
    assert torch.equal(gradients(model, loss), gradients(model, cross_entropy))


def test_two_steps_descend_the_two_terms_of_the_one_loss():
    model, data = classifier(), double(batch())
    first, second = (loss(model, data, OPTIONS) for loss in build("mme", steps="two").losses)
    torch.testing.assert_close(first, functional.cross_entropy(model(data.stamps), data.labels))
    torch.testing.assert_close(first + second, mme_loss(model, data))
    entropy = mean_entropy(model(data.unlabelled))
    for part, sign in ((model.head, -1), (model.extractor, 1)):
        torch.testing.assert_close(gradients(part, second), sign * WEIGHT * gradients(part, entropy))


def test_entropy_of_known_logits():
    torch.testing.assert_close(mean_entropy(torch.zeros(3, 2)), torch.log(torch.tensor(2.0)))
    certain_and_even = torch.tensor([[1000.0, 0.0], [0.0, 0.0]])
    torch.testing.assert_close(mean_entropy(certain_and_even), torch.log(torch.tensor(2.0)) / 2)
    probability = torch.tensor(0.8)
    logits = torch.stack([torch.log(probability), torch.log(1 - probability)])[None]
    expected = -(0.8 * torch.log(torch.tensor(0.8)) + 0.2 * torch.log(torch.tensor(0.2)))
    torch.testing.assert_close(mean_entropy(logits), expected)


def test_labelled_and_unlabelled_batches_have_separate_statistics():
    """Two forwards of MME move the running means twice: 0.1 of the first, then 0.1 of the second."""
    model, data = classifier().train(), double(batch())
    first_norm = model.extractor[1]
    convolution = model.extractor[0]
    mme_loss(model, data)
    means = [convolution(stamps).mean(dim=(0, 2, 3)) for stamps in (data.stamps, data.unlabelled)]
    torch.testing.assert_close(first_norm.running_mean, 0.9 * 0.1 * means[0] + 0.1 * means[1])


@pytest.mark.parametrize("name", ["baseline", "finetune", "scratch"])
def test_the_other_methods_descend_the_cross_entropy_and_ignore_the_unlabelled(name):
    model, data = classifier("linear"), double(batch())
    (loss_of,) = METHODS[name]({}).losses
    loss = loss_of(model, data, {})
    torch.testing.assert_close(loss, functional.cross_entropy(model(data.stamps), data.labels))


@pytest.mark.parametrize(
    ("name", "extractor_from", "head_from"),
    [
        ("baseline", "random", "random"),
        ("finetune", "baseline", "baseline"),
        ("mme", "baseline", "random"),
        ("scratch", "random", "random"),
    ],
)
def test_where_the_weights_come_from(name, extractor_from, head_from):
    method = build(name)
    baseline = {key: value + 1 if value.is_floating_point() else value
                for key, value in classifier("linear").state_dict().items()}  # fmt: skip
    model = classifier(method.head)
    random = {key: value.clone() for key, value in model.state_dict().items()}
    method.initialise(model, baseline)
    state = model.state_dict()
    extractor = [key for key in state if key.startswith("extractor")]
    head = [key for key in state if key.startswith("head")]
    states = {"random": random, "baseline": baseline}
    assert all(torch.equal(state[key], states[extractor_from][key]) for key in extractor)
    assert all(torch.equal(state[key], states[head_from][key]) for key in head)


def test_copied_prototypes_are_the_rows_of_the_baselines_head():
    """Without the bias: the logits are those of the baseline on features of norm T, less its bias."""
    linear, model = classifier("linear"), classifier()
    build("mme", head="copied").initialise(model, linear.state_dict())
    assert torch.equal(model.head.prototypes.weight, linear.head.weight)
    states = (linear.extractor.state_dict(), model.extractor.state_dict())
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
    features = torch.randn(7, 100, dtype=torch.double)
    of_norm_one = functional.normalize(features) / 0.05
    torch.testing.assert_close(model.head(features), linear.head(of_norm_one) - linear.head.bias)


@pytest.mark.parametrize("name", ["finetune", "mme"])
def test_adaptation_without_a_baseline_is_refused(name):
    with pytest.raises(ValueError, match="starts from a baseline"):
        build(name).initialise(classifier(build(name).head), None)


@pytest.mark.parametrize(
    ("name", "options", "sees"),
    [
        ("baseline", {}, (("source",), "source", False)),
        ("finetune", {}, (("target",), "target", False)),
        ("mme", {}, (("source", "target"), "target", True)),
        ("mme", {"labelled": ["source"]}, (("source",), "target", True)),
        ("mme", {"entropy_weight": 0}, (("source", "target"), "target", False)),
        ("scratch", {}, (("target",), "target", False)),
    ],
)
def test_what_each_method_sees(name, options, sees):
    method = build(name, **options)
    assert (method.labelled, method.validation, method.uses_unlabelled) == sees


def test_a_method_goes_by_the_name_of_its_module():
    assert {name: build(name).name for name in METHODS} == {name: name for name in METHODS}
