"""Baseline: train on the source alone, from random weights (Bolivar 2022, section 6)."""

from collections.abc import Mapping
from typing import Any

from stampshift.methods.method import Method, keep_random_weights


def build(options: Mapping[str, Any]) -> Method:  # noqa: ARG001
    """Baseline; it has no options."""
    return Method(name="baseline", labelled=("source",), validation="source", initialise=keep_random_weights)
