"""Fine-tuning: all weights of the source's baseline train on the target's shots (Bolivar 2022, section 6)."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor
from torch.nn import functional

from stampshift.methods.method import Batch, Method, State, baseline_part
from stampshift.networks import Classifier


def _copy_baseline(classifier: Classifier, baseline: State | None) -> None:
    classifier.extractor.load_state_dict(baseline_part(baseline, "extractor"))
    classifier.head.load_state_dict(baseline_part(baseline, "head"))


def _loss(classifier: Classifier, batch: Batch, options: Mapping[str, Any]) -> Tensor:  # noqa: ARG001
    return functional.cross_entropy(classifier(batch.stamps), batch.labels)


METHOD = Method(
    name="finetune",
    labelled=("target",),
    validation="target",
    uses_unlabelled=False,
    head="linear",
    initialise=_copy_baseline,
    loss=_loss,
)
