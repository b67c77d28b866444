"""How long a job's process takes before its own work: Python, imports, the first figure."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory

import pandas as pd

from stampshift.core.errors import StampshiftError
from stampshift.planning.calibration import Start

# what Snakemake puts before every script, then what scripts of a kind import
PREAMBLE = "import pickle; from snakemake import script; "
TELL = "; from stampshift.planning.usage import tell; tell()"
IMPORTS: Mapping[str, str] = {
    "table": "import stampshift.tables.run_table, stampshift.tables.writing",
    "figure": "from stampshift.planning.starts import draw; draw()",
    "data": "import stampshift.surveys.making",
    "simulation": "from stampshift.simulation import des_archive, rubin_archive, ztf_archive",
    "training": "import stampshift.training.jobs",
}


def draw() -> None:
    """Draw and save one figure of the study, of made-up numbers."""
    from stampshift.figures.style import save_figure
    from stampshift.figures.training_figures import learning_curves

    history = pd.DataFrame(
        {"epoch": [1, 2, 3], "train_loss": [0.6, 0.4, 0.3], "validation_balanced_accuracy": [0.7, 0.9, 0.8]}
    )
    figure = learning_curves({0: history, 1: history}, survey="calibration")
    with TemporaryDirectory() as folder:
        save_figure(figure, [Path(folder) / "figure.pdf", Path(folder) / "figure.png"], simulated=True)


def measure_starts(processes: int) -> dict[str, Start]:
    """Start of every kind of job, with `processes` of them starting at the same time."""
    return {kind: _measure(code, processes) for kind, code in IMPORTS.items()}


def _measure(code: str, processes: int) -> Start:
    told = []
    command = [sys.executable, "-c", PREAMBLE + code + TELL]
    started = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(processes)
    ]
    for process in started:
        printed, complaint = process.communicate()
        if process.returncode != 0:
            raise StampshiftError(f"plan: a job's process does not start here: {complaint.strip()}")
        told.append(json.loads(printed))
    return Start(
        seconds=mean(each["seconds"] for each in told), megabytes=max(each["megabytes"] for each in told)
    )
