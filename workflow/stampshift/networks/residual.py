"""A small residual network with global pooling, for stamps of any size.

Three stages of two blocks with 16, 32 and 64 channels, each stage at half the side of the one before: the
family of He et al. (2016), "Deep Residual Learning for Image Recognition", section 4.2, with n = 2, which has
14 layers with weights; shortcuts that change shape are 1 x 1 convolutions (their option B). The features are
the means of the last 64 maps (global average pooling, Lin et al. 2014, "Network in Network"), so that the
weights do not depend on the size of a stamp. Starting weights are those of He et al. (2015), and every block
starts as its shortcut: the last batch normalisation of a block has a weight of 0 (Goyal et al. 2017).
"""

from torch import Tensor, nn
from torch.nn import functional

from stampshift.networks.classifier import Classifier, build_head

WIDTHS = (16, 32, 64)  # channels, by stage
BLOCKS = 2  # of a stage
FEATURES = WIDTHS[-1]


class Residual(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut; a stride halves the side, rounded up."""

    def __init__(self, channels: int, width: int, *, stride: int) -> None:
        super().__init__()
        last = nn.BatchNorm2d(width)
        nn.init.zeros_(last.weight)
        self.body = nn.Sequential(
            nn.Conv2d(channels, width, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            last,
        )
        same_shape = stride == 1 and channels == width
        self.shortcut = nn.Sequential(
            *(
                []
                if same_shape
                else [nn.Conv2d(channels, width, 1, stride, bias=False), nn.BatchNorm2d(width)]
            )
        )

    def forward(self, maps: Tensor) -> Tensor:
        """Maps (batch, width, side, side), none negative."""
        return functional.relu(self.body(maps) + self.shortcut(maps))


def build(*, head: str, size_pixels: int, temperature: float | None) -> Classifier:  # noqa: ARG001
    """Classifier as `stampshift.networks.build_classifier` says; 174,738 parameters at any size."""
    layers: list[nn.Module] = [
        nn.Conv2d(3, WIDTHS[0], 3, padding=1, bias=False),
        nn.BatchNorm2d(WIDTHS[0]),
        nn.ReLU(),
    ]
    channels = WIDTHS[0]
    for stage, width in enumerate(WIDTHS):
        for block in range(BLOCKS):
            layers.append(Residual(channels, width, stride=2 if stage and not block else 1))
            channels = width
    extractor = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    for module in extractor.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    return Classifier(extractor, build_head(head, n_features=FEATURES, temperature=temperature))
