"""Training further: all weights of a finished network train on a new survey's labels (Ayyar et al. 2022).

Fine-tuning on the whole labelled train part of a survey instead of a few shots: the data are those of a
baseline of that survey, the starting weights those of another.
"""

from stampshift.methods.method import Method, Options, copy_weights


def build(options: Options) -> Method:  # noqa: ARG001
    """Training further; it has no options."""
    return Method(name="further", labelled=("source",), validation="source", initialise=copy_weights)
