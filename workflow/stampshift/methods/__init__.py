"""Methods of training, one module each. A new one is a module and a line here."""

from stampshift.methods import baseline, finetune, mme
from stampshift.methods.method import Method

METHODS: dict[str, Method] = {module.METHOD.name: module.METHOD for module in (baseline, finetune, mme)}
