"""Networks 1 to 4 of Ayyar et al. (2022) for whole DES triplets, 3 x 51 x 51 pixels.

Each is a body of convolutions, then dropout, a dense layer of 51 features and one logit. Every convolution
has Keras' "same" padding (the odd pixel right and below), a ReLU and, after it, batch normalisation; a
maximum of 2 x 2 or 3 x 3 pixels follows the second of the two. Weights start as Keras' defaults do, Glorot
uniform with biases of zero; the statistics of batch normalisation move by 1% per batch, as there.

The paper's output is the probability of an artifact; here it is that of a real, the logit's sign turned.
"""

import torch
from torch import Tensor, nn

from stampshift.networks.classifier import Classifier, build_head

FEATURES = 51
STATISTICS_MOMENTUM = 0.01  # Keras' 0.99 is the share that stays
HEAD_DROPOUT = 0.3
INNER_DROPOUT = 0.1  # of network 4


class LogitHead(nn.Module):
    """One logit z of real, given as the logits (0, z) of bogus and real.

    Their softmax is the sigmoid of z and their cross-entropy the binary one.
    """

    def __init__(self, n_features: int) -> None:
        super().__init__()
        self.in_features = n_features
        self.logit = nn.Linear(n_features, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Logits (batch, 2) of features (batch, n_features)."""
        logit = self.logit(features)  # (batch, 1)
        return torch.cat([torch.zeros_like(logit), logit], dim=1)


class Body:
    """Layers one after the other; keeps count of channels and of the side of the feature maps."""

    def __init__(self, size_pixels: int) -> None:
        self.layers: list[nn.Module] = []
        self.channels, self.side = 3, size_pixels

    def convolution(self, channels: int, *, kernel: int, stride: int) -> None:
        """Add a convolution with "same" padding: the side becomes ceil(side / stride)."""
        side = -(-self.side // stride)
        missing = max((side - 1) * stride + kernel - self.side, 0)
        before, after = missing // 2, missing - missing // 2
        if before != after:
            self.layers.append(nn.ZeroPad2d((before, after, before, after)))
        padding = before if before == after else 0
        self.layers += [
            nn.Conv2d(self.channels, channels, kernel, stride, padding),
            nn.ReLU(),
            nn.BatchNorm2d(channels, momentum=STATISTICS_MOMENTUM),
        ]
        self.channels, self.side = channels, side

    def maximum(self, pixels: int) -> None:
        """Add a maximum of `pixels` squared; what does not fill one, right and below, is left out."""
        self.layers.append(nn.MaxPool2d(pixels))
        self.side //= pixels


def network_1(*, head: str, size_pixels: int, temperature: float | None) -> Classifier:
    """Three times a 3 x 3 convolution of 80 channels and a maximum; 265,165 parameters at 51 pixels."""
    body = Body(size_pixels)
    for _ in range(3):
        body.convolution(80, kernel=3, stride=1)
        body.maximum(2)
    return _classifier(body, head=head, temperature=temperature)


def network_2(*, head: str, size_pixels: int, temperature: float | None, channels: int = 80) -> Classifier:
    """Twice two 4 x 4 convolutions of 80 channels and a maximum; 414,205 parameters at 51 pixels."""
    body = Body(size_pixels)
    for _ in range(2):
        body.convolution(channels, kernel=4, stride=1)
        body.convolution(channels, kernel=4, stride=1)
        body.maximum(3)
    return _classifier(body, head=head, temperature=temperature)


def network_3(*, head: str, size_pixels: int, temperature: float | None) -> Classifier:
    """Network 2 with 120 channels; 851,605 parameters at 51 pixels."""
    return network_2(head=head, size_pixels=size_pixels, temperature=temperature, channels=120)


def network_4(*, head: str, size_pixels: int, temperature: float | None) -> Classifier:
    """Three 6 x 6 convolutions, two of them of stride 2, without maximum; 953,785 parameters at 51 pixels."""
    body = Body(size_pixels)
    for channels, stride in ((40, 2), (60, 2), (80, 1)):
        body.convolution(channels, kernel=6, stride=stride)
        body.layers.append(nn.Dropout(INNER_DROPOUT))
    return _classifier(body, head=head, temperature=temperature)


def _classifier(body: Body, *, head: str, temperature: float | None) -> Classifier:
    """Body, dense layers and logit, or prototypes for MME: the extractor ends with the 51 features."""
    dense = [
        nn.Flatten(),
        nn.Dropout(HEAD_DROPOUT),
        nn.Linear(body.channels * body.side**2, FEATURES),
        nn.ReLU(),
        nn.BatchNorm1d(FEATURES, momentum=STATISTICS_MOMENTUM),
    ]
    own_head = build_head(head, n_features=FEATURES, temperature=temperature, linear=LogitHead)
    classifier = Classifier(nn.Sequential(*body.layers, *dense), own_head)
    for module in classifier.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    return classifier
