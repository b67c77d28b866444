"""The drift report as one page that contains everything it shows, including the figure."""

import io
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from stampshift.core.templates import render
from stampshift.figures.style import METADATA, mark_simulated
from stampshift.scoring.drift import CHANCE, DRIFT, NOTABLE

TEMPLATE = Path(__file__).with_name("drift.html.jinja")


def drift_page(report: Mapping[str, Any], *, night: str, figure: Figure) -> str:
    """Fill the page with a `drift.drift_report` of the scores file `night`, and its `drift_figure`."""
    if report["simulated"]:
        mark_simulated(figure)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=160, metadata=dict(METADATA[".png"]))
    return render(
        TEMPLATE.read_text(encoding="utf-8"),
        html=True,
        report=report,
        night=night,
        figure=b64encode(buffer.getvalue()).decode(),
        rate=_rate,
        notable=NOTABLE,
        chance=CHANCE,
        drift=DRIFT,
    )


def _rate(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return "none scored"
    return (
        f"{found['value']:.2%} ({found['low']:.2%} to {found['high']:.2%}), {found['count']} of {found['of']}"
    )
