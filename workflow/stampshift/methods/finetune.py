"""Fine-tuning: all weights of the source's baseline train on the target's shots (Bolivar 2022, section 6)."""

from stampshift.methods.method import Method, Options, copy_weights


def build(options: Options) -> Method:  # noqa: ARG001
    """Fine-tuning; it has no options."""
    return Method(name="finetune", labelled=("target",), validation="target", initialise=copy_weights)
