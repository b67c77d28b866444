"""From scratch: train on the target's shots alone, from random weights.

What the shots are worth without a source: fine-tuning less this is what the source's baseline brings. The
network, the training and the validation are those of fine-tuning; no stamp of the source is used.
"""

from collections.abc import Mapping
from typing import Any

from stampshift.methods.method import Method, keep_random_weights


def build(options: Mapping[str, Any]) -> Method:  # noqa: ARG001
    """From scratch; it has no options."""
    return Method(name="scratch", labelled=("target",), validation="target", initialise=keep_random_weights)
