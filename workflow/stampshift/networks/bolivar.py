"""The network of Bolivar (2022), section 5.3."""

from torch import nn

from stampshift.networks.classifier import Classifier, build_head

CONV_CHANNELS = (64, 50)
KERNEL_PIXELS = 5
FEATURES = 100


def feature_extractor(size_pixels: int, *, second_relu: bool = True) -> nn.Sequential:
    """Two convolutions and two dense layers: stamps (batch, 3, size, size) to features (batch, 100).

    The published study has stamps of 21 pixels, whose feature maps go 21-17-8-4-2. The thesis' list has no
    ReLU after the second convolution; the paper says that both have one.
    """
    first, second = CONV_CHANNELS
    side = ((size_pixels - KERNEL_PIXELS + 1) // 2 - KERNEL_PIXELS + 1) // 2
    return nn.Sequential(
        nn.Conv2d(3, first, KERNEL_PIXELS),
        nn.BatchNorm2d(first),
        nn.MaxPool2d(2),
        nn.ReLU(),
        nn.Conv2d(first, second, KERNEL_PIXELS),
        nn.BatchNorm2d(second),
        nn.Dropout2d(0.5),
        nn.MaxPool2d(2),
        *([nn.ReLU()] if second_relu else []),
        nn.Flatten(),
        nn.Linear(second * side**2, FEATURES),
        nn.BatchNorm1d(FEATURES),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(FEATURES, FEATURES),
        nn.BatchNorm1d(FEATURES),
        nn.ReLU(),
    )


def build(*, head: str, size_pixels: int, temperature: float | None, second_relu: bool = True) -> Classifier:
    """Classifier as `stampshift.networks.build_classifier` says, with a linear or a prototype head."""
    extractor = feature_extractor(size_pixels, second_relu=second_relu)
    return Classifier(extractor, build_head(head, n_features=FEATURES, temperature=temperature))


def as_listed(*, head: str, size_pixels: int, temperature: float | None) -> Classifier:
    """`build` with the layers of the thesis' list, without a ReLU after the second convolution."""
    return build(head=head, size_pixels=size_pixels, temperature=temperature, second_relu=False)
