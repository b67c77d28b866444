"""Names in print of methods, models and pairs. The rules import it: no pandas."""

from collections.abc import Mapping, Sequence

from stampshift.config.experiment import BASELINE, Pair

METHOD_NAMES = {
    BASELINE: "baseline",
    "finetune": "fine-tuning",
    "mme": "MME",
    "scratch": "from scratch",
    "adabn": "AdaBN",
    "coral": "deep CORAL",
    "mmd": "MMD",
    "dann": "DANN",
    "entropy": "entropy minimisation",
}
STUDY_NAMES = {
    "network_1": "network 1",
    "network_2": "network 2",
    "network_3": "network 3",
    "network_4": "network 4",
    "forest": "random forest",
    "forest_of_stamps": "random forest of stamps",
    "before": "before training further",
    "after": "after training further",
}
RULE_NAMES = {
    "first_best": "first best",
    "last_best": "last best",
    "lowest_validation_loss": "lowest loss",
    "last": "last",
}
SIMULATED = "simulated surveys"  # every table and figure made from them says so: the writers add it
THESIS = "Bolívar (2022)"


def method_name(method: str) -> str:
    """Name of a method in print; a method without one has its name in the config."""
    return METHOD_NAMES.get(method, method)


def trained_name(method: str, shots: int) -> str:
    """Name of a trained model in print: its method and, where it was adapted, its number of shots."""
    return method_name(method) + ("" if method == BASELINE else f", {counted(shots, 'shot')}")


def variant_name(name: str, variant_names: Mapping[str, str]) -> str:
    """Name in print of a variant, of a method, or of the baseline."""
    if name == BASELINE:
        return f"{method_name(name)} (source only)"
    return variant_names.get(name, method_name(name))


def model_name(model: str) -> str:
    """Name in print of a model of the second study; one without its own has its name in the config."""
    return STUDY_NAMES.get(model, model)


def pair_title(pair: Pair | str) -> str:
    """``"HiTS to ZTF"``: a pair in print."""
    return str(pair).replace("-to-", " to ")


def listed(names: Sequence[str]) -> str:
    """``"HiTS"``, ``"HiTS and DES"``, ``"HiTS, DES and ATLAS"``."""
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def counted(count: int, noun: str) -> str:
    """``"1 split"``, ``"3 splits"``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def title_note(title: str, *, simulated: bool) -> str:
    """Title of a figure or of a model, which says where the surveys are simulated."""
    return f"{title} ({SIMULATED})" if simulated else title


def numbered_sections(present: Mapping[str, object]) -> dict[str, str]:
    """Number sections of the report in their order, by name: ``"2 Surveys"``.

    A section whose value is false comes after all others, so that one that is left out leaves no gap. The
    menu is sorted as text: at most nine.
    """
    order = sorted(present, key=lambda name: not present[name])
    return {name: f"{number} {name}" for number, name in enumerate(order, 1)}
