import numpy as np
import pytest
import torch

from stampshift.core.errors import ContractError
from stampshift.release.faulty import FAULTS
from stampshift.release.outliers import Layers, Outliers
from stampshift.release.reference import limit


def layers(features, activations, calls):
    return Layers(
        torch.eye(2)[torch.tensor(calls)],
        torch.tensor(features, dtype=torch.float32),
        torch.tensor(activations, dtype=torch.float32),
    )


def test_similarity_is_the_cosine_with_the_nearer_prototype():
    # prototypes along the two axes, whatever the features' lengths
    known = layers([[2.0, 0.0], [5.0, 0.0], [0.0, 1.0]], [[0.0, 0.0], [2.0, 0.0], [9.0, 9.0]], [0, 0, 1])
    outliers = Outliers.fit(known)
    features = torch.tensor([[3.0, 4.0], [7.0, 0.0], [0.0, 0.0]])
    similarity, _ = outliers(features, torch.zeros(3, 2))
    np.testing.assert_allclose(similarity, [0.8, 1.0, 0.0], atol=1e-6)


def test_distance_is_that_of_mahalanobis_to_the_nearer_class():
    generator = np.random.default_rng(0)
    calls = np.arange(4000) % 2
    spread = np.array([1.0, 10.0])
    activations = generator.normal(size=(4000, 2)) * spread + np.array([[0.0, 0.0], [100.0, 0.0]])[calls]
    outliers = Outliers.fit(layers(np.ones((4000, 2)), activations, calls))
    new = torch.tensor([[3.0, 0.0], [0.0, 30.0], [104.0, 0.0], [50.0, 0.0]])
    _, distance = outliers(torch.ones(4, 2), new)
    np.testing.assert_allclose(distance, [3.0, 3.0, 4.0, 50.0], rtol=0.07)  # ridge and sampling


def test_a_map_that_never_varies_keeps_distances_finite():
    known = layers(np.ones((4, 2)), [[0.0, 1.0], [1.0, 1.0], [0.0, 1.0], [2.0, 1.0]], [0, 0, 1, 1])
    _, distance = Outliers.fit(known)(torch.ones(1, 2), torch.tensor([[1.0, 1.5]]))
    assert torch.isfinite(distance).all()


def test_a_model_that_calls_all_stamps_alike_cannot_be_released():
    with pytest.raises(ContractError, match="calls none of the 2 training stamps real"):
        Outliers.fit(layers(np.ones((2, 2)), np.ones((2, 2)), [0, 0]))


def test_the_limit_is_the_k_th_largest_and_its_share_k_over_n_plus_one():
    distances = np.arange(1, 300, dtype=np.float32)  # 299: a hundredth of 300 is 3
    assert limit(distances, quantile=0.01) == (297.0, 3 / 300)
    assert limit(distances[:99], quantile=0.01) == (99.0, 1 / 100)
    # too few for 1%: the largest, and the share says what it is worth
    assert limit(distances[:20], quantile=0.01) == (20.0, 1 / 21)


def test_the_expected_share_is_kept_for_any_distribution():
    generator = np.random.default_rng(0)
    shares = []
    for _ in range(400):
        threshold, expected = limit(generator.lognormal(size=250).astype(np.float32), quantile=0.02)
        shares.append((generator.lognormal(size=250) > threshold).mean())
    assert expected == 5 / 251
    assert np.mean(shares) == pytest.approx(expected, abs=4 * np.std(shares) / 20)


def test_faults_do_what_they_are_called():
    stamps = np.random.default_rng(0).normal(size=(5, 3, 6, 6)).astype(np.float32)
    made = {name: fault(stamps, np.random.default_rng(1)) for name, fault in FAULTS.items()}
    assert all(each.shape == stamps.shape and each.dtype == np.float32 for each in made.values())
    swapped = made["science and difference swapped"]
    assert np.array_equal(swapped[:, 1], stamps[:, 2])
    assert np.array_equal(swapped[:, 0], stamps[:, 0])
    turned = made["difference upside down"]
    assert np.array_equal(turned[:, 2], -stamps[:, 2])
    assert np.array_equal(turned[:, :2], stamps[:, :2])
    assert not made["template empty"][:, 0].any()
    assert not made["all images empty"].any()
    assert np.array_equal(np.sort(made["pixels shuffled"], axis=None), np.sort(stamps, axis=None))
    np.testing.assert_allclose(made["white noise"].std(axis=(2, 3)), stamps.std(axis=(2, 3)), rtol=0.5)
