"""Methods of training, one module each. A new one is a module and a line here."""

from collections.abc import Callable

from stampshift.methods import adabn, baseline, coral, dann, entropy, finetune, further, mmd, mme, scratch
from stampshift.methods.method import Method, Options

METHODS: dict[str, Callable[[Options], Method]] = {
    "adabn": adabn.build,
    "baseline": baseline.build,
    "coral": coral.build,
    "dann": dann.build,
    "entropy": entropy.build,
    "finetune": finetune.build,
    "further": further.build,
    "mmd": mmd.build,
    "mme": mme.build,
    "scratch": scratch.build,
}
