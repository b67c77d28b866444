"""How methods are called in tables, figures and texts."""

from stampshift.experiment import BASELINE

METHOD_LABELS = {BASELINE: "baseline", "finetune": "fine-tuning", "mme": "MME", "scratch": "from scratch"}
SIMULATED = "simulated surveys"


def method_label(method: str) -> str:
    """Name of a method in print; a method without one of its own goes by its name in the config."""
    return METHOD_LABELS.get(method, method)


def title_note(title: str, *, simulated: bool) -> str:
    """Title of a figure, which says where the surveys are simulated."""
    return f"{title} ({SIMULATED})" if simulated else title


def caption_note(caption: str, *, simulated: bool) -> str:
    """Caption of a table, with a sentence where simulated surveys stand in for archives."""
    return f"{caption.strip()} With {SIMULATED} in place of archives." if simulated else caption.strip()
