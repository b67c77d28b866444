"""How methods and pairs are called in tables, figures and texts. The rules import it: keep it light."""

from stampshift.config.experiment import BASELINE, Pair

METHOD_LABELS = {BASELINE: "baseline", "finetune": "fine-tuning", "mme": "MME", "scratch": "from scratch"}
SIMULATED = "simulated surveys"  # every table and figure made from them says so: the writers add it
THESIS = "Bolívar (2022)"


def method_label(method: str) -> str:
    """Name of a method in print; a method without one of its own goes by its name in the config."""
    return METHOD_LABELS.get(method, method)


def model_label(method: str, shots: int) -> str:
    """Name of a model in print: its method and, where it was adapted, its number of shots."""
    if method == BASELINE:
        return method_label(method)
    return f"{method_label(method)}, {counted(shots, 'shot')}"


def pair_title(pair: Pair | str) -> str:
    """``"HiTS to ZTF"``: a pair in print."""
    return str(pair).replace("-to-", " to ")


def counted(count: int, noun: str) -> str:
    """``"1 split"``, ``"3 splits"``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def title_note(title: str, *, simulated: bool) -> str:
    """Title of a figure or of a model, which says where the surveys are simulated."""
    return f"{title} ({SIMULATED})" if simulated else title
