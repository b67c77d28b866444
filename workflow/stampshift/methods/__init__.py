"""Methods of training, one module each. A new one is a module and a line here."""

from collections.abc import Callable

from stampshift.methods import baseline, finetune, further, mme, scratch
from stampshift.methods.method import Method, Options

METHODS: dict[str, Callable[[Options], Method]] = {
    "baseline": baseline.build,
    "finetune": finetune.build,
    "further": further.build,
    "mme": mme.build,
    "scratch": scratch.build,
}
