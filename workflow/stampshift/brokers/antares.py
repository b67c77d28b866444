"""A filter of ANTARES, for its `BaseFilter` (https://nsf-noirlab.gitlab.io/csdc/antares/devkit/).

A locus has the properties of its alerts, and no images. The filter is therefore given a function from an
alert's identifier to its packet, such as one that reads an archive of packets.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from stampshift.brokers.packets import alerts_of_packets
from stampshift.release.released import load
from stampshift.scoring.units import score_alerts

TAG = "stampshift_real"
SCORE = "stampshift_score"


def filter_class(
    base: type, model: Path | str, *, threshold: float, packet_of: Callable[[str], Mapping[str, Any] | None]
) -> type:
    """Subclass of `antares_devkit.models.BaseFilter` that tags loci whose newest alert is called real.

    Parameters
    ----------
    base
        `BaseFilter`.
    threshold
        Score from which the tag is set; `stampshift threshold` chooses one.
    packet_of
        From an `alert_id` to the decoded packet, or None where there is none; the locus then stays as it is.
    """

    class StampshiftFilter(base):
        """Real/bogus score of the newest alert's cutouts."""

        REQUIRED_LOCUS_PROPERTIES: ClassVar[list[str]] = []
        REQUIRED_ALERT_PROPERTIES: ClassVar[list[str]] = []
        REQUIRED_TAGS: ClassVar[list[str]] = []
        REQUIRES_FILES: ClassVar[list[str]] = []
        OUTPUT_LOCUS_PROPERTIES: ClassVar[list[dict[str, str]]] = [
            {"name": SCORE, "type": "float", "description": "calibrated P(real) of the newest alert"},
        ]
        OUTPUT_LOCUS_TAGS: ClassVar[list[dict[str, str]]] = [
            {"name": TAG, "description": f"stampshift's score of the newest alert is at least {threshold:g}"},
        ]

        def setup(self) -> None:
            """Open the model: ANTARES calls it once."""
            self.model = load(model)

        def _run(self, locus: Any) -> None:
            packet = packet_of(locus.alerts[-1].alert_id)
            if packet is None:
                return
            scores = score_alerts(self.model, alerts_of_packets([packet]))
            score = scores["score"].iloc[0]
            if score == score:
                locus.properties[SCORE] = float(score)
            if score >= threshold:
                locus.tag(TAG)

    return StampshiftFilter
