"""From scratch: train on the target's shots alone, from random weights.

What the shots are worth without a source: fine-tuning less this is what the source's baseline brings. The
network, the training and the validation are those of fine-tuning; no stamp of the source is used.
"""

from stampshift.methods.method import Method, Options, keep_random_weights


def build(options: Options) -> Method:  # noqa: ARG001
    """From scratch; it has no options."""
    return Method(name="scratch", labelled=("target",), validation="target", initialise=keep_random_weights)
