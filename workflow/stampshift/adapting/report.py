"""What an adaptation did, as Markdown."""

from typing import Any

import pandas as pd

from stampshift.adapting.adapt import Adaptation
from stampshift.adapting.gain import Change

HELD_OUT_NOTE = (
    "The held-out stamps also chose the epoch, which flatters them a little; a file of labels that nothing "
    "else uses (`--test`) judges without that."
)


def as_markdown(adaptation: Adaptation) -> str:
    """Tell what was trained on what, and what it gained and lost."""
    record = adaptation.record
    shots = record["shots"]
    origin = record["source"] or "a model whose survey's stamps were not at hand,"
    lines = [
        f"# {origin} adapted to {record['target']}",
        "",
        f"{record['method']} with {shots['real']} real and {shots['bogus']} bogus labels and "
        f"{record['unlabelled']} unlabelled stamps, trained for {_epochs(record['epochs'])}.",
        "",
    ]
    if adaptation.changes:
        table = pd.DataFrame([change_line(change) for change in adaptation.changes])
        lines += [table.to_markdown(index=False, disable_numparse=True), ""]
    if len(adaptation.validation):
        lines.append(HELD_OUT_NOTE)
    else:
        lines.append(
            "With one label of a class no stamp could be held out: what was gained on the target cannot be "
            "told."
        )
    if record["source"] is None:
        lines.append("What was lost on the model's own survey is not known: its stamps were not at hand.")
    return "\n".join(lines) + "\n"


def _epochs(number: int) -> str:
    return "1 epoch" if number == 1 else f"{number} epochs"


def change_line(change: Change) -> dict[str, str]:
    """A table's line: cells of text by heading."""
    before, after = change.before, change.after
    return {
        "judged on": f"{change.survey}, {change.stamps}",
        "stamps": f"{after['n_real']} real, {after['n_bogus']} bogus",
        "balanced accuracy before": f"{before['balanced_accuracy']:.3f}",
        "after": f"{after['balanced_accuracy']:.3f}",
        "change": f"{change.gain:+.3f}",
        "recall of reals after": _recall(after, "real"),
        "recall of bogus after": _recall(after, "bogus"),
        "mended / broken": f"{change.mended} / {change.broken}",
        "p (McNemar)": f"{change.p_value:.2g}",
    }


def _recall(metrics: dict[str, Any], name: str) -> str:
    low, high = metrics[f"recall_{name}_interval"]
    return f"{metrics[f'recall_{name}']:.2f} ({low:.2f} to {high:.2f})"
