"""Methods of training, one module each. A new one is a module and a line here."""

from collections.abc import Callable, Mapping
from typing import Any

from stampshift.methods import baseline, finetune, further, mme, scratch
from stampshift.methods.method import Method

METHODS: dict[str, Callable[[Mapping[str, Any]], Method]] = {
    "baseline": baseline.build,
    "finetune": finetune.build,
    "further": further.build,
    "mme": mme.build,
    "scratch": scratch.build,
}
