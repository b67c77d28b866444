"""What makes a released model a repository of the Hugging Face Hub: its card, with metadata for searches.

The keys are those of the Hub's model cards (https://huggingface.co/docs/hub/model-cards).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from sklearn.metrics import roc_auc_score

from stampshift.core.templates import render
from stampshift.metrics.metrics import evaluate
from stampshift.release.released import ReleasedModel

README, ATTRIBUTES = "README.md", ".gitattributes"
TEMPLATE = Path(__file__).with_name("hub.md.jinja")
LARGE = "".join(f"*.{kind} filter=lfs diff=lfs merge=lfs -text\n" for kind in ("onnx", "parquet", "pt"))
TASK = {"type": "image-classification", "name": "Real/bogus classification of alerts"}
METRICS = {  # of the Hub's name, in words
    "balanced_accuracy": "balanced accuracy",
    "roc_auc": "AUC",
    "missed_detection_rate": "MDR, the share of the reals missed",
    "false_positive_rate": "FPR, the share of the bogus let through",
}


def write_hub_files(
    folder: Path, release: ReleasedModel, *, card: str, tested: Mapping[str, pd.DataFrame]
) -> None:
    """Write `README.md` and `.gitattributes` of a release, from its card and its test stamps by survey."""
    text = render(
        TEMPLATE.read_text(encoding="utf-8"),
        html=False,
        metadata=yaml.safe_dump(
            front_matter(release, card=card, tested=tested), sort_keys=False, allow_unicode=True
        ),
        card=card.rstrip(),
        home=release.contract.home,
    )
    (folder / README).write_text(text, encoding="utf-8")
    (folder / ATTRIBUTES).write_text(LARGE, encoding="utf-8")


def front_matter(release: ReleasedModel, *, card: str, tested: Mapping[str, pd.DataFrame]) -> dict[str, Any]:
    """Metadata of a model on the Hub; its results are those of the card, for each survey with test stamps."""
    contract = release.contract
    surveys, simulated = contract.surveys, contract.simulated or (contract.start and contract.start.simulated)
    adapted = any(survey["role"] == "target" for survey in surveys.values())
    tags = ["astronomy", "real-bogus", "alerts", "onnx", *(survey.lower() for survey in surveys)]
    tags += ["domain-adaptation"] * adapted + ["simulated-data"] * bool(simulated)
    found: dict[str, Any] = {
        "license": "mit",
        "library_name": "stampshift",
        "pipeline_tag": TASK["type"],
        "tags": tags,
    }
    results = [_result(survey, stamps) for survey, stamps in tested.items() if len(stamps)]
    if results:
        name = card.partition("\n")[0].removeprefix("# Model card: ")
        found |= {"metrics": list(METRICS), "model-index": [{"name": name, "results": results}]}
    return found


def _result(survey: str, stamps: pd.DataFrame) -> dict[str, Any]:
    counts = evaluate(stamps["label"], stamps["raw"])
    values = {
        "balanced_accuracy": counts["balanced_accuracy"],
        "roc_auc": roc_auc_score(stamps["label"], stamps["raw"]),
        "missed_detection_rate": 1 - counts["recall_real"],
        "false_positive_rate": 1 - counts["recall_bogus"],
    }
    return {
        "task": TASK,
        "dataset": {"type": survey.lower(), "name": f"{survey}, test stamps", "split": "test"},
        "metrics": [
            {"type": name, "name": METRICS[name], "value": round(float(value), 4)}
            for name, value in values.items()
        ],
    }
