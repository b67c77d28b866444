"""Fine-tuning: all weights of the source's baseline train on the target's shots (Bolivar 2022, section 6)."""

from collections.abc import Mapping
from typing import Any

from stampshift.methods.method import Method, copy_weights


def build(options: Mapping[str, Any]) -> Method:  # noqa: ARG001
    """Fine-tuning; it has no options."""
    return Method(name="finetune", labelled=("target",), validation="target", initialise=copy_weights)
