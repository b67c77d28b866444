"""Methods without any label of the target: losses by hand, beside other libraries, and who descends what."""

import math

import numpy as np
import pytest
import torch
from sklearn.metrics.pairwise import euclidean_distances, rbf_kernel
from torch import nn
from torch.nn import functional

from stampshift.config.experiment import ZERO_LABEL_METHODS
from stampshift.methods import METHODS
from stampshift.methods.adabn import take_statistics
from stampshift.methods.coral import coral_distance
from stampshift.methods.dann import DOMAIN, domain_classifier
from stampshift.methods.method import Batch, loss_and_hits
from stampshift.methods.mmd import BANDWIDTHS, squared_discrepancy
from stampshift.methods.mme import mean_entropy
from stampshift.networks import build_classifier
from stampshift.networks.classifier import Classifier, scale_gradient

OPTIONS = {"weight": 0.3, "entropy_weight": 0.3}
STEPS = torch.arange(24, dtype=torch.float64)
SOURCE, TARGET = STEPS.sin().reshape(6, 4), (2 * STEPS).cos().reshape(6, 4)  # features (6, 4)
ALIGNING = ("coral", "mmd", "dann", "entropy")


def classifier(name="coral"):
    """In double precision and in evaluation mode, with the method's own parts."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        model = build_classifier(network="bolivar", head="linear", size_pixels=21, temperature=None)
        for part, build in METHODS[name](OPTIONS).parts:
            model.parts[part] = build(model.n_features)
        return model.double().eval()


def batch(count=8):
    generator = torch.Generator().manual_seed(0)
    stamps, others = (torch.randn(count, 3, 21, 21, generator=generator).double() for _ in range(2))
    return Batch(stamps, torch.arange(count) % 2, 0.5 * others + 0.2)


def loss_of(name, model, data, options=OPTIONS):
    (loss,) = METHODS[name](options).losses
    return loss(model, data, options)


def gradients(module, loss):
    return torch.cat(
        [g.flatten() for g in torch.autograd.grad(loss, list(module.parameters()), retain_graph=True)]
    )


# ---- what all of them share -------------------------------------------------------------------------------


def test_the_configuration_knows_which_methods_use_no_label():
    """None but they take labels of the source alone and unlabelled stamps of the target."""
    options = {
        "labelled": ["source", "target"], "head": "random", "steps": "one", "epoch": "together",
        **OPTIONS,
    }  # fmt: skip
    methods = {name: build(options) for name, build in METHODS.items()}
    found = {name for name, each in methods.items() if each.uses_unlabelled and each.labelled == ("source",)}
    assert found == set(ZERO_LABEL_METHODS)


@pytest.mark.parametrize("name", ZERO_LABEL_METHODS)
def test_the_source_alone_chooses_the_epoch_and_the_baseline_is_the_start(name):
    method = METHODS[name](OPTIONS)
    assert (method.labelled, method.validation, method.uses_unlabelled) == (("source",), "source", True)
    model, baseline = classifier(name), classifier().state_dict()
    baseline = {key: value + 1 for key, value in baseline.items()}
    method.initialise(model, baseline)
    assert all(torch.equal(model.state_dict()[key], value) for key, value in baseline.items())


@pytest.mark.parametrize("name", ALIGNING)
def test_the_head_descends_the_cross_entropy_of_the_labelled_stamps(name):
    """Of entropy minimisation, the entropy too."""
    model, data = classifier(name), batch()
    expected = functional.cross_entropy(model(data.stamps), data.labels)
    if name == "entropy":
        expected = expected + 0.3 * mean_entropy(model(data.unlabelled))
    torch.testing.assert_close(
        gradients(model.head, loss_of(name, model, data)), gradients(model.head, expected)
    )


@pytest.mark.parametrize("name", ALIGNING)
def test_the_labelled_stamps_called_right_are_counted(name):
    """Though a loss may call extractor and head one after the other."""
    model, data = classifier(name), batch()
    (loss,) = METHODS[name](OPTIONS).losses
    _, hits = loss_and_hits(loss, model, data, OPTIONS)
    assert hits == (model(data.stamps).argmax(dim=1) == data.labels).sum()


@pytest.mark.parametrize("name", ALIGNING)
def test_a_batch_without_unlabelled_stamps_is_refused(name):
    data = batch()
    with pytest.raises(ValueError, match="needs an unlabelled batch"):
        loss_of(name, classifier(name), Batch(data.stamps, data.labels, None))


@pytest.mark.parametrize("name", ALIGNING)
def test_both_batches_have_common_statistics(name):
    """Each with its own, a last batch normalisation would give both surveys the same means and variances.

    One pass moves the running means once, by 0.1 of the mean over both.
    """
    model, data = classifier(name).train(), batch()
    loss_of(name, model, data)
    maps = model.extractor[0](torch.cat([data.stamps, data.unlabelled]))
    torch.testing.assert_close(model.extractor[1].running_mean, 0.1 * maps.mean(dim=(0, 2, 3)))


# ---- deep CORAL -------------------------------------------------------------------------------------------


def test_coral_by_hand():
    """Covariances [[2, 2], [2, 2]] and [[2, -2], [-2, 2]]: 2 entries differ by 4, so 32 / (4 * 2^2)."""
    source = torch.tensor([[0.0, 0.0], [2.0, 2.0]])
    target = torch.tensor([[5.0, 1.0], [7.0, -1.0]])
    assert coral_distance(source, target).item() == pytest.approx(2)
    assert coral_distance(source, source + 3).item() == 0  # the mean does not count


def test_coral_beside_skada():
    """skada 0.6.0: `skada.deep.losses.deepcoral_loss(SOURCE, TARGET)`; it is no dependency, for it changes
    scikit-learn's settings when it is imported, and brings 180 MB."""
    assert coral_distance(SOURCE, TARGET).item() == pytest.approx(0.07480885770031923, rel=1e-12)


def test_coral_descends_towards_equal_covariances():
    features = SOURCE.clone().requires_grad_()
    before = coral_distance(features, TARGET)
    (step,) = torch.autograd.grad(before, features)
    assert coral_distance(SOURCE - 0.1 * step, TARGET) < before


def test_coral_adds_the_distance_of_the_features():
    model, data = classifier(), batch()
    distance = coral_distance(model.extractor(data.stamps), model.extractor(data.unlabelled))
    supervised = functional.cross_entropy(model(data.stamps), data.labels)
    torch.testing.assert_close(loss_of("coral", model, data), supervised + 0.3 * distance)


# ---- maximum mean discrepancy -----------------------------------------------------------------------------


def test_mmd_by_hand():
    """One stamp of each at distance 3: g = 9, every kernel is 1 within and exp(-1 / factor) between."""
    found = squared_discrepancy(torch.tensor([[0.0]]), torch.tensor([[3.0]]))
    between = sum(math.exp(-1 / factor) for factor in (0.25, 0.5, 1, 2, 4)) / 5
    assert found.item() == pytest.approx(2 - 2 * between)
    assert squared_discrepancy(SOURCE, SOURCE.flip(0)).item() == pytest.approx(0, abs=1e-12)


def test_mmd_beside_scikit_learn():
    both = np.concatenate([SOURCE, TARGET])
    squared = euclidean_distances(both, squared=True)
    mean = squared.sum() / (len(both) * (len(both) - 1))
    terms = []
    for factor in BANDWIDTHS:
        within = [rbf_kernel(own, gamma=1 / (factor * mean)).mean() for own in (SOURCE, TARGET)]
        terms.append(sum(within) - 2 * rbf_kernel(SOURCE, TARGET, gamma=1 / (factor * mean)).mean())
    assert squared_discrepancy(SOURCE, TARGET).item() == pytest.approx(np.mean(terms), rel=1e-10)


def test_mmd_descends_towards_the_other_survey_and_not_towards_other_bandwidths():
    """The gradient is that at fixed bandwidths: features twice as large have half of it."""
    features = SOURCE.clone().requires_grad_()
    before = squared_discrepancy(features, TARGET + 1)
    (step,) = torch.autograd.grad(before, features)
    assert squared_discrepancy(SOURCE - 0.5 * step, TARGET + 1) < before
    larger = (2 * SOURCE).requires_grad_()
    (half,) = torch.autograd.grad(squared_discrepancy(larger, 2 * TARGET + 2), larger)
    torch.testing.assert_close(half, step / 2)


# ---- domain-adversarial training --------------------------------------------------------------------------


def domain_loss(model, data):
    """L_d without any reversal."""
    parts = zip((data.stamps, data.unlabelled), (0.0, 1.0), strict=True)
    return sum(
        functional.binary_cross_entropy_with_logits(
            model.parts[DOMAIN](model.extractor(stamps)).squeeze(1),
            torch.full((len(stamps),), origin).double(),
        )
        for stamps, origin in parts
    )


def test_dann_domain_classifier_descends_and_extractor_ascends_the_domain_loss():
    """Ganin et al. 2016: the weight scales the extractor's part alone."""
    model, data = classifier("dann"), batch()
    loss, origins = loss_of("dann", model, data), domain_loss(model, data)
    supervised = functional.cross_entropy(model(data.stamps), data.labels)
    torch.testing.assert_close(loss, supervised + origins)
    domain = model.parts[DOMAIN]
    torch.testing.assert_close(gradients(domain, loss), gradients(domain, origins))
    torch.testing.assert_close(
        gradients(model.extractor, loss), gradients(model.extractor, supervised - 0.3 * origins)
    )


def test_dann_by_hand_and_beside_skada():
    """Features 1 and -1 and a logit equal to the feature: -log(1 - s(1)) - log(s(-1)), twice 1.3133.

    skada 0.6.0: `DANNLoss()(sigmoid(SOURCE[:, 0]), sigmoid(TARGET[:, 0]))` of `skada.deep`, in float32.
    """
    model = Classifier(nn.Identity(), nn.Identity(), {DOMAIN: nn.Identity()})
    for source, target, expected in (
        (torch.tensor([1.0]), torch.tensor([-1.0]), 2 * math.log(1 + math.e)),
        (SOURCE[:, 0], TARGET[:, 0], 1.4938595294952393),
    ):
        data = Batch(source[:, None], torch.zeros(len(source), dtype=torch.int64), target[:, None])
        # of a single class the cross-entropy is 0
        assert loss_of("dann", model, data).item() == pytest.approx(expected, rel=1e-6)


def test_the_domain_classifier_is_that_of_the_papers_network_for_digits():
    shapes = [tuple(weights.shape) for weights in domain_classifier(100).parameters()]
    assert shapes == [(100, 100), (100,), (1, 100), (1,)]


def test_a_scaled_gradient_leaves_the_values():
    values = SOURCE.clone().requires_grad_()
    scaled = scale_gradient(values, 0.3)
    assert torch.equal(scaled, values)
    (gradient,) = torch.autograd.grad(scaled.sum(), values)
    torch.testing.assert_close(gradient, torch.full_like(SOURCE, 0.3))


# ---- entropy minimisation ---------------------------------------------------------------------------------


def test_extractor_and_head_both_lower_the_entropy():
    """One step on the entropy's part alone, of either: the opposite of MME's head."""
    data = batch()
    for part in ("extractor", "head"):
        model = classifier()
        term = loss_of("entropy", model, data) - functional.cross_entropy(model(data.stamps), data.labels)
        parameters = list(getattr(model, part).parameters())
        before = mean_entropy(model(data.unlabelled)).item()
        torch.testing.assert_close(term.item(), 0.3 * before)
        with torch.no_grad():
            for parameter, step in zip(parameters, torch.autograd.grad(term, parameters), strict=True):
                parameter -= 1e-3 * step
        assert mean_entropy(model(data.unlabelled)).item() < before


# ---- adaptive batch normalisation -------------------------------------------------------------------------


def test_statistics_by_hand():
    """Of values 1, 2, 3 and 6: mean 3 and variance (4 + 1 + 0 + 9) / 4, in blocks of any length."""
    model = Classifier(nn.Sequential(nn.Flatten(), nn.BatchNorm1d(1)), nn.Linear(1, 2))
    blocks = [torch.tensor([[1.0], [2.0], [3.0]]), torch.tensor([[6.0]])]
    take_statistics(model, lambda: iter(blocks))
    assert model.extractor[1].running_mean.item() == 3
    assert model.extractor[1].running_var.item() == 3.5


def test_every_layer_has_mean_and_variance_of_its_input_behind_layers_that_have_theirs():
    """What a batch normalisation gives then has, over the target, its bias as mean, its weight as spread."""
    model, others = classifier(), batch(40).unlabelled
    generator = torch.Generator().manual_seed(1)
    layers = [each for each in model.extractor if isinstance(each, nn.BatchNorm1d | nn.BatchNorm2d)]
    with torch.no_grad():
        for layer in layers:
            layer.weight.copy_(torch.rand(len(layer.weight), generator=generator) + 0.5)
            layer.bias.copy_(torch.randn(len(layer.bias), generator=generator))
    weights = [parameter.clone() for parameter in model.parameters()]
    take_statistics(model, lambda: iter(others.split(16)))
    given = []
    hooks = [
        each.register_forward_hook(lambda module, _, out: given.append((module, out))) for each in layers
    ]
    model(others)
    assert len(given) == len(layers) == len(hooks) == 4
    for layer, values in given:
        values = values.transpose(0, 1).flatten(1)
        torch.testing.assert_close(values.mean(1), layer.bias)
        spread = (layer.weight.square() * layer.running_var / (layer.running_var + layer.eps)).sqrt()
        torch.testing.assert_close(values.std(1, correction=0), spread)
    assert all(torch.equal(*each) for each in zip(weights, model.parameters(), strict=True))
