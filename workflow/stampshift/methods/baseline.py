"""Baseline: train on the source alone, from random weights (Bolivar 2022, section 6)."""

from stampshift.methods.method import Method, Options, keep_random_weights


def build(options: Options) -> Method:  # noqa: ARG001
    """Baseline; it has no options."""
    return Method(name="baseline", labelled=("source",), validation="source", initialise=keep_random_weights)
