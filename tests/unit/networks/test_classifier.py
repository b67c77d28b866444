import torch

from stampshift.networks.classifier import reverse_gradient


def test_the_reversal_layer_keeps_values_and_turns_gradients_round():
    features = torch.tensor([1.0, -2.0], requires_grad=True)
    reversed_features = reverse_gradient(features)
    assert torch.equal(reversed_features, features)
    (reversed_features * torch.tensor([3.0, 5.0])).sum().backward()
    assert torch.equal(features.grad, torch.tensor([-3.0, -5.0]))
