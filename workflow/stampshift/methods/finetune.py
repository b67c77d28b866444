"""Fine-tuning: all weights of the source's baseline train on the target's shots (Bolivar 2022, section 6)."""

from collections.abc import Mapping
from typing import Any

from stampshift.methods.method import Method, State, baseline_part, cross_entropy
from stampshift.networks import Classifier


def _copy_baseline(classifier: Classifier, baseline: State | None) -> None:
    classifier.extractor.load_state_dict(baseline_part(baseline, "extractor"))
    classifier.head.load_state_dict(baseline_part(baseline, "head"))


def build(options: Mapping[str, Any]) -> Method:  # noqa: ARG001
    """Fine-tuning; it has no options."""
    return Method(
        name="finetune",
        labelled=("target",),
        validation="target",
        uses_unlabelled=False,
        head="linear",
        initialise=_copy_baseline,
        losses=(cross_entropy,),
    )
